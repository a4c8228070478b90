// tokenizer.json: the input is a file, a zero byte, and a text to encode with it. Whatever loads must encode, decode
// and cut without a fault, and give back text it was not asked to change.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/tokenizer/chat.h"
#include "runtime/tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jade::tokenizer;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t split = input.find('\0');
  const std::string_view text = split == std::string_view::npos ? input : input.substr(split + 1);
  const auto tokenizer = Tokenizer::FromJson(input.substr(0, split), "", "fuzz");
  if (!tokenizer.ok()) return 0;
  const auto ids = tokenizer->Encode(text);
  (void)tokenizer->Encode(text, {.allow_special = true});
  for (int32_t id : ids) {
    if (id < 0 || id >= tokenizer->vocab_size()) std::abort();
  }
  StreamDecoder stream(*tokenizer, false);
  std::string streamed;
  for (int32_t id : ids) streamed += stream.Push(id);
  streamed += stream.Finish();
  if (streamed != tokenizer->Decode(ids, false)) std::abort();
  if (tokenizer->SafeCutPoint(text) > text.size()) std::abort();
  if (const auto chat = ChatFormat::Detect(*tokenizer); chat.ok()) {
    const ChatMessage message{ChatRole::kUser, std::string(text)};
    (void)chat->RenderChat({&message, 1});
  }
  return 0;
}
