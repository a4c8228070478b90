#include "runtime/backbone/packed_weights.h"

namespace jade::backbone {
namespace {

std::vector<float> Floats(const at::Tensor& t) {
  if (!t.defined()) return {};
  const at::Tensor flat = t.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

// Matrices to be packed and where they come from; the team packs them all in one round.
struct Packing {
  struct Job {
    kernels::PackedMatrix* matrix;
    at::Tensor weights, bias;
  };
  kernels::Arena& arena;
  kernels::Number number;
  std::vector<Job> jobs;

  void Add(kernels::PackedMatrix* matrix, const at::Tensor& weights, const at::Tensor& bias,
           kernels::ColumnOrder order = kernels::ColumnOrder::kPlain) {
    *matrix = kernels::PackedMatrix(arena, number, weights.size(0), weights.size(1), order);
    jobs.push_back({matrix, weights.contiguous(), bias.defined() ? bias.contiguous() : bias});
  }
};

}  // namespace

PackedWeights PackWeights(const Decoder& decoder, kernels::Number number, kernels::Team& team) {
  at::NoGradGuard no_grad;
  const DecoderWeights masters = decoder.Weights(at::kFloat);
  PackedWeights packed;
  packed.embedding_VD = masters.embedding_VD;
  packed.norm = Floats(masters.norm_D);
  packed.layers.resize(masters.layers.size());
  Packing packing{packed.arena, number, {}};
  for (size_t i = 0; i < masters.layers.size(); ++i) {
    const LayerWeights& from = masters.layers[i];
    PackedLayer& to = packed.layers[i];
    to.attention_norm = Floats(from.attention_norm_D);
    to.ffn_norm = Floats(from.ffn_norm_D);
    to.q_norm = Floats(from.q_norm_E);
    to.k_norm = Floats(from.k_norm_E);
    packing.Add(&to.qkv, from.qkv_CD, from.qkv_bias_C);
    packing.Add(&to.output, from.output, from.output_bias_D);
    packing.Add(&to.gate_up, from.gate_up, from.gate_up_bias, kernels::ColumnOrder::kGateUp);
    packing.Add(&to.down, from.down_DF, from.down_bias_D);
  }
  packing.Add(&packed.head, masters.head_VD, {});
  team.Run([&](kernels::Member& member) {
    for (Packing::Job& job : packing.jobs) {
      job.matrix->Pack(job.weights.data_ptr<float>(), job.bias.defined() ? job.bias.data_ptr<float>() : nullptr,
                       member);
    }
  });
  return packed;
}

}  // namespace jade::backbone
