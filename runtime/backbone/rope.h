#pragma once
// Constants that a decoder starts from: rotary frequencies and random weights.

#include <cstdint>
#include <vector>

#include "runtime/backbone/torch_compat.h"
#include "runtime/weights/model_config.h"

namespace jade::backbone {

// [E / 2] inverse frequencies, with the configuration's scaling applied.
std::vector<float> RotaryFrequencies(const weights::ModelConfig& config);

// Fills an fp32 tensor with normal(0, deviation) values that depend on (seed, stream, index) alone.
void FillNormal(at::Tensor& tensor, double deviation, uint64_t seed, uint64_t stream);

}  // namespace jade::backbone
