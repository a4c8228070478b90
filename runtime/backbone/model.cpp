#include "runtime/backbone/model.h"

#include <cmath>

#include "compiler/result/check.h"
#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/random_weights.h"

namespace jade::backbone {
namespace {

HeadLayout LayoutOf(const ModelConfig& config) {
  return {config.heads, config.kv_heads, config.head_dim};
}

class PackedBatchAttention final : public AttentionOperator {
 public:
  PackedBatchAttention(const std::vector<int64_t>& cu_seqlens, HeadLayout layout)
      : cu_seqlens_(cu_seqlens), layout_(layout) {}
  at::Tensor Attend(int64_t, const at::Tensor& qkv_NC) override {
    return PackedAttention(qkv_NC, cu_seqlens_, layout_);
  }

 private:
  const std::vector<int64_t>& cu_seqlens_;
  HeadLayout layout_;
};

// Norms of q and k heads, before rotary (Qwen3).
at::Tensor NormaliseHeads(const at::Tensor& qkv_NC, const LayerWeights& weights, const HeadLayout& layout, double eps) {
  const int64_t rows = qkv_NC.size(0);
  const auto parts = qkv_NC.split_with_sizes({layout.q_width(), layout.kv_width(), layout.kv_width()}, 1);
  const auto norm = [&](const at::Tensor& part, const at::Tensor& weight_E) {
    return RmsNorm(part.reshape({rows * part.size(1) / layout.head_dim, layout.head_dim}), weight_E, eps)
        .view({rows, part.size(1)});
  };
  return at::cat({norm(parts[0], weights.q_norm_E), norm(parts[1], weights.k_norm_E), parts[2]}, 1);
}

}  // namespace

PackedBatch PackSequences(std::span<const std::vector<int32_t>> sequences, at::Device device) {
  PackedBatch batch;
  batch.cu_seqlens.reserve(sequences.size() + 1);
  batch.cu_seqlens.push_back(0);
  for (const auto& sequence : sequences) {
    batch.cu_seqlens.push_back(batch.cu_seqlens.back() + static_cast<int64_t>(sequence.size()));
  }
  at::Tensor tokens = at::empty({batch.token_count()}, at::kLong);
  at::Tensor positions = at::empty({batch.token_count()}, at::kLong);
  auto* token = tokens.data_ptr<int64_t>();
  auto* position = positions.data_ptr<int64_t>();
  for (const auto& sequence : sequences) {
    for (size_t i = 0; i < sequence.size(); ++i) {
      *token++ = sequence[i];
      *position++ = static_cast<int64_t>(i);
    }
  }
  batch.tokens_N = tokens.to(device);
  batch.positions_N = positions.to(device);
  return batch;
}

Decoder::Decoder(const ModelConfig& config, at::Device device) : config_(config), device_(device) {
  embedding_ = AddParameter("model.embed_tokens.weight", {config.vocab_size, config.hidden_size});
  layers_.resize(static_cast<size_t>(config.layers));
  for (int64_t i = 0; i < config.layers; ++i) AddLayer(i);
  norm_ = AddParameter("model.norm.weight", {config.hidden_size});
  head_ = config.tied_embeddings ? embedding_ : AddParameter("lm_head.weight", {config.vocab_size, config.hidden_size});
  const std::vector<float> frequencies = weights::RopeInverseFrequencies(config);
  rope_frequencies_ = at::tensor(at::ArrayRef<float>(frequencies)).to(device);
}

at::Tensor Decoder::AddParameter(const std::string& name, at::IntArrayRef shape) {
  index_.emplace(name, parameters_.size());
  parameters_.push_back({name, at::empty(shape, at::TensorOptions(at::kFloat).device(device_))});
  return parameters_.back().tensor;
}

at::Tensor Decoder::AddJoint(const std::string& prefix, const std::string& suffix, std::span<const Part> parts,
                             at::IntArrayRef row_shape) {
  std::vector<int64_t> shape{0};
  shape.insert(shape.end(), row_shape.begin(), row_shape.end());
  for (const Part& part : parts) shape[0] += part.rows;
  at::Tensor joint = at::empty(shape, at::TensorOptions(at::kFloat).device(device_));
  int64_t row = 0;
  for (const Part& part : parts) {
    const std::string name = prefix + part.name + suffix;
    index_.emplace(name, parameters_.size());
    parameters_.push_back({name, joint.narrow(0, row, part.rows).detach()});
    row += part.rows;
  }
  return joint;
}

void Decoder::AddLayer(int64_t index) {
  const ModelConfig& c = config_;
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const HeadLayout layout = LayoutOf(c);
  const Part qkv[] = {{"q_proj", layout.q_width()}, {"k_proj", layout.kv_width()}, {"v_proj", layout.kv_width()}};
  const Part gate_up[] = {{"gate_proj", c.ffn_size}, {"up_proj", c.ffn_size}};
  LayerStorage& layer = layers_[static_cast<size_t>(index)];
  layer.attention_norm = AddParameter(prefix + "input_layernorm.weight", {c.hidden_size});
  layer.qkv = AddJoint(prefix + "self_attn.", ".weight", qkv, {c.hidden_size});
  if (c.qkv_bias) layer.qkv_bias = AddJoint(prefix + "self_attn.", ".bias", qkv, {});
  if (c.qk_norm) {
    layer.q_norm = AddParameter(prefix + "self_attn.q_norm.weight", {c.head_dim});
    layer.k_norm = AddParameter(prefix + "self_attn.k_norm.weight", {c.head_dim});
  }
  layer.output = AddParameter(prefix + "self_attn.o_proj.weight", {c.hidden_size, layout.q_width()});
  if (c.output_bias) layer.output_bias = AddParameter(prefix + "self_attn.o_proj.bias", {c.hidden_size});
  layer.ffn_norm = AddParameter(prefix + "post_attention_layernorm.weight", {c.hidden_size});
  layer.gate_up = AddJoint(prefix + "mlp.", ".weight", gate_up, {c.hidden_size});
  if (c.mlp_bias) layer.gate_up_bias = AddJoint(prefix + "mlp.", ".bias", gate_up, {});
  layer.down = AddParameter(prefix + "mlp.down_proj.weight", {c.hidden_size, c.ffn_size});
  if (c.mlp_bias) layer.down_bias = AddParameter(prefix + "mlp.down_proj.bias", {c.hidden_size});
}

void Decoder::InitialiseRandom(uint64_t seed) {
  at::NoGradGuard no_grad;
  const double residual_scale = 1.0 / std::sqrt(2.0 * static_cast<double>(config_.layers));
  uint64_t stream = 0;
  for (Parameter& parameter : parameters_) {
    const std::string_view name = parameter.name;
    if (name.ends_with("norm.weight")) {
      parameter.tensor.fill_(1.0);
    } else if (name.ends_with(".bias")) {
      parameter.tensor.zero_();
    } else {
      const bool residual = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
      FillNormal(parameter.tensor, 0.02 * (residual ? residual_scale : 1.0), seed, stream);
    }
    ++stream;
  }
}

const at::Tensor* Decoder::Find(std::string_view name) const {
  const auto it = index_.find(std::string(name));
  return it == index_.end() ? nullptr : &parameters_[it->second].tensor;
}

void Decoder::SetRequiresGrad(bool requires_grad) {
  for (Parameter& parameter : parameters_) parameter.tensor.set_requires_grad(requires_grad);
}

int64_t Decoder::parameter_count() const {
  int64_t count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.tensor.numel();
  return count;
}

LayerWeights Decoder::JoinLayer(int64_t index, at::ScalarType dtype) const {
  const LayerStorage& layer = layers_[static_cast<size_t>(index)];
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const bool record = at::GradMode::is_enabled();
  const at::ScalarType small = ActivationType(dtype);
  const auto cast = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.to(small) : tensor; };
  // The joint storage is not part of the graph; its parts are.
  const auto join = [&](const at::Tensor& joint, std::initializer_list<const char*> names) {
    const at::ScalarType type = joint.defined() && joint.dim() > 1 ? dtype : small;
    if (!joint.defined() || !record) return joint.defined() ? joint.to(type) : joint;
    std::vector<at::Tensor> parts;
    for (const char* name : names) parts.push_back(*Find(prefix + name));
    return at::cat(parts, 0).to(type);
  };
  LayerWeights w;
  w.attention_norm_D = cast(layer.attention_norm);
  w.qkv_CD = join(layer.qkv, {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"});
  w.qkv_bias_C = join(layer.qkv_bias, {"self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"});
  w.q_norm_E = cast(layer.q_norm);
  w.k_norm_E = cast(layer.k_norm);
  w.output = layer.output.to(dtype);
  w.output_bias_D = cast(layer.output_bias);
  w.ffn_norm_D = cast(layer.ffn_norm);
  w.gate_up = join(layer.gate_up, {"mlp.gate_proj.weight", "mlp.up_proj.weight"});
  w.gate_up_bias = join(layer.gate_up_bias, {"mlp.gate_proj.bias", "mlp.up_proj.bias"});
  w.down_DF = layer.down.to(dtype);
  w.down_bias_D = cast(layer.down_bias);
  return w;
}

at::ScalarType Decoder::ActivationType(at::ScalarType dtype) const {
  return device_.is_cpu() ? at::kFloat : dtype;
}

DecoderWeights Decoder::Weights(at::ScalarType dtype) const {
  DecoderWeights weights;
  weights.embedding_VD = embedding_.to(ActivationType(dtype));
  weights.layers.reserve(layers_.size());
  for (int64_t i = 0; i < config_.layers; ++i) weights.layers.push_back(JoinLayer(i, dtype));
  weights.norm_D = norm_.to(ActivationType(dtype));
  weights.head_VD =
      config_.tied_embeddings && weights.embedding_VD.scalar_type() == dtype ? weights.embedding_VD : head_.to(dtype);
  return weights;
}

at::Tensor Decoder::RunLayer(const LayerWeights& weights, int64_t index, const at::Tensor& hidden_ND,
                             const at::Tensor& cos, const at::Tensor& sin, AttentionOperator& attention) const {
  const HeadLayout layout = LayoutOf(config_);
  at::Tensor qkv_NC =
      Linear(RmsNorm(hidden_ND, weights.attention_norm_D, config_.norm_eps), weights.qkv_CD, weights.qkv_bias_C);
  if (config_.qk_norm) qkv_NC = NormaliseHeads(qkv_NC, weights, layout, config_.norm_eps);
  qkv_NC = Rotary(qkv_NC, cos, sin, layout);
  const at::Tensor mixed_ND =
      hidden_ND + Linear(attention.Attend(index, qkv_NC), weights.output, weights.output_bias_D);
  const at::Tensor gate_up =
      Linear(RmsNorm(mixed_ND, weights.ffn_norm_D, config_.norm_eps), weights.gate_up, weights.gate_up_bias);
  return mixed_ND + Linear(SwiGlu(gate_up), weights.down_DF, weights.down_bias_D);
}

at::Tensor Decoder::Forward(const at::Tensor& tokens_N, const at::Tensor& positions_N, const DecoderWeights& weights,
                            AttentionOperator& attention) const {
  const at::Tensor angles = positions_N.to(at::kFloat).unsqueeze(1) * rope_frequencies_.unsqueeze(0);
  const at::Tensor cos = angles.cos(), sin = angles.sin();
  at::Tensor hidden_ND = at::embedding(weights.embedding_VD, tokens_N);
  for (int64_t i = 0; i < config_.layers; ++i) {
    hidden_ND = RunLayer(weights.layers[static_cast<size_t>(i)], i, hidden_ND, cos, sin, attention);
  }
  return RmsNorm(hidden_ND, weights.norm_D, config_.norm_eps);
}

at::Tensor Decoder::ForwardPacked(const PackedBatch& batch, at::ScalarType dtype) const {
  return ForwardPacked(batch, Weights(dtype));
}

at::Tensor Decoder::ForwardPacked(const PackedBatch& batch, const DecoderWeights& weights) const {
  JADE_CHECK(batch.tokens_N.numel() == batch.token_count(), "{} tokens, lengths say {}", batch.tokens_N.numel(),
             batch.token_count());
  PackedBatchAttention attention(batch.cu_seqlens, LayoutOf(config_));
  return Forward(batch.tokens_N, batch.positions_N, weights, attention);
}

at::Tensor Decoder::Logits(const at::Tensor& hidden_MD) const {
  return Linear(hidden_MD, head_.to(hidden_MD.scalar_type()), {}).to(at::kFloat);
}

at::Tensor Decoder::Logits(const at::Tensor& hidden_MD, const DecoderWeights& weights) {
  return Linear(hidden_MD, weights.head_VD, {}).to(at::kFloat);
}

}  // namespace jade::backbone
