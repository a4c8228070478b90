// The block formats of ggml (ggml-quants.c, "dequantize_row_*"): little-endian, scales as half-precision floats.

#include <fmt/format.h>

#include <cstring>

#include "runtime/weights/tensor.h"

namespace jade::weights {
namespace {

using Bytes = const uint8_t*;

uint16_t Load16(Bytes bytes) {
  return static_cast<uint16_t>(bytes[0] | (bytes[1] << 8));
}
float LoadHalf(Bytes bytes) {
  return F16ToFloat(Load16(bytes));
}

// d, then 16 bytes of two weights each: low nibbles are the first half of the block. w = d · (q − 8)
void BlockQ4_0(Bytes block, float* out) {
  const float d = LoadHalf(block);
  for (int i = 0; i < 16; ++i) {
    out[i] = static_cast<float>((block[2 + i] & 0xF) - 8) * d;
    out[i + 16] = static_cast<float>((block[2 + i] >> 4) - 8) * d;
  }
}

// d, m, then as Q4_0. w = d · q + m
void BlockQ4_1(Bytes block, float* out) {
  const float d = LoadHalf(block);
  const float m = LoadHalf(block + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = static_cast<float>(block[4 + i] & 0xF) * d + m;
    out[i + 16] = static_cast<float>(block[4 + i] >> 4) * d + m;
  }
}

// d, then 32 signed bytes. w = d · q
void BlockQ8_0(Bytes block, float* out) {
  const float d = LoadHalf(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<int8_t>(block[2 + i])) * d;
}

// Eight 6-bit scales and eight 6-bit minima in 12 bytes.
void ScaleAndMin(Bytes packed, int j, uint8_t* scale, uint8_t* min) {
  if (j < 4) {
    *scale = packed[j] & 63;
    *min = packed[j + 4] & 63;
  } else {
    *scale = static_cast<uint8_t>((packed[j + 4] & 0xF) | ((packed[j - 4] >> 6) << 4));
    *min = static_cast<uint8_t>((packed[j + 4] >> 4) | ((packed[j] >> 6) << 4));
  }
}

// d, dmin, scales, then 128 bytes of nibbles: eight groups of 32. w = d · scale · q − dmin · min
void BlockQ4_K(Bytes block, float* out) {
  const float d = LoadHalf(block);
  const float d_min = LoadHalf(block + 2);
  Bytes quants = block + 16;
  for (int group = 0; group < 8; group += 2, quants += 32) {
    for (int half = 0; half < 2; ++half) {
      uint8_t scale = 0;
      uint8_t min = 0;
      ScaleAndMin(block + 4, group + half, &scale, &min);
      const float group_d = d * static_cast<float>(scale);
      const float group_min = d_min * static_cast<float>(min);
      for (int i = 0; i < 32; ++i) {
        const int q = half == 0 ? quants[i] & 0xF : quants[i] >> 4;
        *out++ = group_d * static_cast<float>(q) - group_min;
      }
    }
  }
}

// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, d. w = d · scale · (q − 32)
void BlockQ6_K(Bytes block, float* out) {
  const float d = LoadHalf(block + 208);
  for (int half = 0; half < 2; ++half, out += 128) {
    Bytes low = block + 64 * half;
    Bytes high = block + 128 + 32 * half;
    Bytes scales = block + 192 + 8 * half;
    for (int i = 0; i < 32; ++i) {
      const int q[4] = {(low[i] & 0xF) | ((high[i] & 3) << 4), (low[i + 32] & 0xF) | (((high[i] >> 2) & 3) << 4),
                        (low[i] >> 4) | (((high[i] >> 4) & 3) << 4), (low[i + 32] >> 4) | ((high[i] >> 6) << 4)};
      for (int part = 0; part < 4; ++part) {
        const auto scale = static_cast<float>(static_cast<int8_t>(scales[i / 16 + 2 * part]));
        out[i + 32 * part] = d * scale * static_cast<float>(q[part] - 32);
      }
    }
  }
}

void One(TensorType type, Bytes in, float* out) {
  switch (type) {
    case TensorType::kF16:
      *out = LoadHalf(in);
      break;
    case TensorType::kBF16:
      *out = Bf16ToFloat(Load16(in));
      break;
    case TensorType::kF64: {
      double value = 0;
      std::memcpy(&value, in, sizeof value);
      *out = static_cast<float>(value);
      break;
    }
    case TensorType::kQ4_0:
      BlockQ4_0(in, out);
      break;
    case TensorType::kQ4_1:
      BlockQ4_1(in, out);
      break;
    case TensorType::kQ8_0:
      BlockQ8_0(in, out);
      break;
    case TensorType::kQ4_K:
      BlockQ4_K(in, out);
      break;
    case TensorType::kQ6_K:
      BlockQ6_K(in, out);
      break;
    default:
      break;
  }
}

bool IsFloating(TensorType type) {
  return type <= TensorType::kQ6_K;
}

}  // namespace

Status Dequantise(TensorType type, std::span<const std::byte> data, std::span<float> out) {
  if (!IsFloating(type)) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("weights of type {} are not floating-point", TensorTypeName(type)));
  }
  const auto block_elements = static_cast<size_t>(BlockElements(type));
  const auto block_bytes = static_cast<size_t>(BlockBytes(type));
  if (out.size() % block_elements != 0 || data.size() / block_bytes != out.size() / block_elements ||
      data.size() % block_bytes != 0) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} bytes are not {} weights of type {}", data.size(), out.size(), TensorTypeName(type)));
  }
  if (type == TensorType::kF32) {
    if (!data.empty()) std::memcpy(out.data(), data.data(), data.size());
    return {};
  }
  const auto* in = reinterpret_cast<Bytes>(data.data());
  float* to = out.data();
  for (size_t block = 0; block < out.size() / block_elements; ++block, in += block_bytes, to += block_elements) {
    One(type, in, to);
  }
  return {};
}

}  // namespace jade::weights
