#include "runtime/weights/tensor.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>

namespace jade::weights {
namespace {

struct TypeTraits {
  std::string_view name;
  int64_t block_elements;
  int64_t block_bytes;
};

constexpr TypeTraits TraitsOf(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return {"F32", 1, 4};
    case TensorType::kF16:
      return {"F16", 1, 2};
    case TensorType::kBF16:
      return {"BF16", 1, 2};
    case TensorType::kF64:
      return {"F64", 1, 8};
    case TensorType::kQ4_0:
      return {"Q4_0", 32, 18};
    case TensorType::kQ4_1:
      return {"Q4_1", 32, 20};
    case TensorType::kQ8_0:
      return {"Q8_0", 32, 34};
    case TensorType::kQ4_K:
      return {"Q4_K", 256, 144};
    case TensorType::kQ6_K:
      return {"Q6_K", 256, 210};
    case TensorType::kI8:
      return {"I8", 1, 1};
    case TensorType::kI16:
      return {"I16", 1, 2};
    case TensorType::kI32:
      return {"I32", 1, 4};
    case TensorType::kI64:
      return {"I64", 1, 8};
    case TensorType::kU8:
      return {"U8", 1, 1};
    case TensorType::kBool:
      return {"BOOL", 1, 1};
  }
  return {"?", 1, 1};
}

}  // namespace

std::string_view TensorTypeName(TensorType type) {
  return TraitsOf(type).name;
}
int64_t BlockElements(TensorType type) {
  return TraitsOf(type).block_elements;
}
int64_t BlockBytes(TensorType type) {
  return TraitsOf(type).block_bytes;
}

int64_t TensorView::elements() const {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}

std::string ShapeText(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

float F16ToFloat(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1F;
  const uint32_t mantissa = bits & 0x3FF;
  if (exponent == 0) {  // zero and subnormals: mantissa · 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1F ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (mantissa << 13));
}

float Bf16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t FloatToBf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

uint16_t FloatToF16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00);
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0F) return static_cast<uint16_t>(sign | 0x7C00);
  if (magnitude < 0x1p-14F) {  // subnormal: nearbyint rounds to even, and may reach the smallest normal number
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p24F)));
  }
  const uint32_t rounded = (bits & 0x7FFFFFFF) + 0xFFF + ((bits >> 13) & 1);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112 << 10)));
}

}  // namespace jade::weights
