#pragma once
// A decoder's weights as the serving kernels read them: packed matrices in the numbers they are multiplied in; norms,
// biases and the embedding in fp32, the latter the masters themselves. Derived from the masters, which must not change
// while Pack runs.

#include <memory>
#include <vector>

#include "runtime/backbone/model.h"
#include "runtime/kernels/packed_matrix.h"

namespace jade::backbone {

struct PackedLayer {
  std::vector<float> attention_norm, ffn_norm, q_norm, k_norm;  // the last two empty without qk-norm
  kernels::PackedMatrix qkv, output, gate_up, down;
};

struct PackedWeights {
  kernels::Arena arena;     // the matrices' numbers
  at::Tensor embedding_VD;  // fp32, the master
  std::vector<PackedLayer> layers;
  std::vector<float> norm;
  kernels::PackedMatrix head;
};

// Throws std::bad_alloc.
PackedWeights PackWeights(const Decoder& decoder, kernels::Number number, kernels::Team& team);

}  // namespace jade::backbone
