// Encoding of arbitrary bytes with the fixtures' vocabularies: decoding gives the bytes back, and a safe cut is safe.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/unicode.h"

namespace {

using namespace jade::tokenizer;

std::vector<Tokenizer> LoadAll() {
  std::vector<Tokenizer> all;
  for (const char* name : {"gpt2", "smollm", "llama3", "qwen2"}) {
    all.push_back(
        Tokenizer::LoadTokenizerJson(std::string(JADE_SOURCE_DIR "/tests/fixtures/tokenizer/") + name + ".json")
            .value());
  }
  return all;
}

void Check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Tokenizer> tokenizers = LoadAll();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Tokenizer& tokenizer : tokenizers) {
    const auto ids = tokenizer.Encode(text);
    std::string bytes;
    for (int32_t id : ids) bytes += tokenizer.TokenBytes(id);
    Check(bytes == (tokenizer.spec().normalise_nfc ? NormaliseNfc(text) : std::string(text)));
    // The first half is the static prefix, the second what follows it.
    const std::string_view prefix = text.substr(0, size / 2);
    const size_t cut = tokenizer.SafeCutPoint(prefix);
    auto parts = tokenizer.Encode(text.substr(0, cut));
    tokenizer.EncodeTo(text.substr(cut), {}, &parts);
    Check(parts == ids);
  }
  return 0;
}
