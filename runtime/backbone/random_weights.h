#pragma once
// Random weights to start training from.

#include <cstdint>

#include "runtime/backbone/torch_compat.h"

namespace jade::backbone {

// Fills an fp32 tensor with normal(0, deviation) values that depend on (seed, stream, index) alone.
void FillNormal(at::Tensor& tensor, double deviation, uint64_t seed, uint64_t stream);

}  // namespace jade::backbone
