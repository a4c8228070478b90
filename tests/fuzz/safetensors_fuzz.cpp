// Safetensors: whatever parses has tensors inside the file whose sizes agree with their shapes.

#include <cstdint>
#include <cstdlib>

#include "runtime/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jade::weights;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = SafetensorsFile::Parse(bytes, "fuzz");
  if (!file.ok()) return 0;
  for (const TensorView& tensor : file->tensors()) {
    if (static_cast<uint64_t>(tensor.elements()) * static_cast<uint64_t>(BlockBytes(tensor.type)) !=
        tensor.data.size()) {
      std::abort();
    }
    if (tensor.elements() > (1 << 20)) continue;
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    (void)Dequantise(tensor.type, tensor.data, values);
  }
  return 0;
}
