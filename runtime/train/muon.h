#pragma once
// Muon's direction of descent (Jordan 2024, https://kellerjordan.github.io/posts/muon/): the momentum of a matrix made
// orthogonal, so that every direction of it moves equally far. Pure function of its input.

#include "runtime/backbone/torch_compat.h"

namespace jade::train {

// U Vᵀ of the singular value decomposition of `matrix_NM`, roughly (singular values between 0.5 and 1.3), by five
// Newton-Schulz steps in `type`. Dense fp32 of the same shape and device; all zeros stay so.
at::Tensor Orthogonalised(const at::Tensor& matrix_NM, at::ScalarType type);

}  // namespace jade::train
