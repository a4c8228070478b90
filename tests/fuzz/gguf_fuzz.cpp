// GGUF: whatever parses dequantises, and its configuration and tokenizer are read or refused.

#include <cstdint>
#include <cstdlib>

#include "runtime/weights/gguf.h"
#include "runtime/weights/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jade;
  using namespace jade::weights;
  const auto file = GgufFile::Parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file.ok()) return 0;
  for (const TensorView& tensor : file->tensors()) {
    if (tensor.elements() > (1 << 20)) continue;
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    const auto status = Dequantise(tensor.type, tensor.data, values);
    if (!status.ok() && status.error().code() != ErrorCode::kUnsupported) std::abort();
  }
  (void)ModelConfigFromGguf(*file);
  if (auto spec = TokenizerSpecFromGguf(*file); spec.ok()) {
    const auto tokenizer = tokenizer::Tokenizer::Create(std::move(spec).value());
    if (tokenizer.ok()) (void)tokenizer->Encode("It's 12 words  of text\n\n", {.allow_special = true});
  }
  return 0;
}
