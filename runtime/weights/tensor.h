#pragma once
// Tensors as they lie in files: a name, an element type, a shape, and bytes that the mapped file owns. Nothing here
// computes; runtime/backbone turns these into its own tensors.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"

namespace jade::weights {

enum class TensorType {
  kF32,
  kF16,
  kBF16,
  kF64,
  kQ4_0,
  kQ4_1,
  kQ8_0,  // blocks of 32
  kQ4_K,
  kQ6_K,  // blocks of 256
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kBool,
};

std::string_view TensorTypeName(TensorType type);
// Elements in a block, and bytes that a block takes (1 and the element's size for unquantised types).
int64_t BlockElements(TensorType type);
int64_t BlockBytes(TensorType type);

// Shape outermost first (row-major), as PyTorch writes it: a linear layer's weight is [out, in], also from GGUF.
struct TensorView {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  // lives as long as the file object it came from

  int64_t elements() const;
};

// "[49152, 576]"
std::string ShapeText(std::span<const int64_t> shape);

// Turns `data` into floats; `out.size()` elements are expected. kInvalidArgument when the sizes disagree or are not
// whole blocks, kUnsupported for integer types. The values are those of llama.cpp's reference dequantisation.
Status Dequantise(TensorType type, std::span<const std::byte> data, std::span<float> out);

float F16ToFloat(uint16_t bits);
float Bf16ToFloat(uint16_t bits);
uint16_t FloatToBf16(float value);  // round to nearest even; NaN stays NaN
uint16_t FloatToF16(float value);   // round to nearest even; overflow gives infinity

}  // namespace jade::weights
