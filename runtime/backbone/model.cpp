#include "runtime/backbone/model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/result/check.h"
#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/random_weights.h"

namespace jade::backbone {
namespace {

HeadLayout LayoutOf(const ModelConfig& config) {
  return {config.heads, config.kv_heads, config.head_dim};
}

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

// A master matrix in the type it is multiplied in; fp32 aliases it.
at::Tensor MatrixAs(at::ScalarType dtype, const at::Tensor& master) {
  if (dtype == at::kFloat) return master;
  const at::Tensor copy = at::empty(master.sizes(), at::TensorOptions(dtype));
  CopyConverted(master, copy);
  return copy;
}

void CopyInto(const at::Tensor& master, const at::Tensor& copy) {
  if (copy.data_ptr() == master.data_ptr()) return;
  CopyConverted(master, copy);
  copy.unsafeGetTensorImpl()->bump_version();  // a graph that has kept the old weights finds out
}

MasterGradientPtr Wanted(const MasterGradientPtr& gradient) {
  return gradient && gradient->wanted() ? gradient : MasterGradientPtr();
}

LayerGradients Wanted(const LayerGradients& all) {
  LayerGradients g = all;
  for (MasterGradientPtr* gradient :
       {&g.attention_norm, &g.qkv, &g.qkv_bias, &g.q_norm, &g.k_norm, &g.output, &g.output_bias, &g.ffn_norm,
        &g.gate_up, &g.gate_up_bias, &g.down, &g.down_bias}) {
    *gradient = Wanted(*gradient);
  }
  return g;
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

PackedBatch PackSharingPrefixes(std::span<const std::vector<int32_t>> sequences, at::Device device) {
  PackedBatch batch = PackSequences(sequences, device);
  if (!device.is_cpu()) return batch;
  // In lexicographic order what a sequence shares with any before it, it shares with the one just before it.
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return sequences[a] < sequences[b]; });
  std::vector<int64_t> row_T(static_cast<size_t>(batch.token_count()));
  std::vector<int64_t> token_N;  // of each row
  const std::vector<int32_t>* before = nullptr;
  const int64_t* rows_before = nullptr;
  for (const size_t s : order) {
    const std::vector<int32_t>& sequence = sequences[s];
    int64_t* rows = row_T.data() + batch.cu_seqlens[s];
    size_t shared = 0;
    if (before != nullptr) {
      const size_t most = std::min(before->size(), sequence.size());
      while (shared < most && (*before)[shared] == sequence[shared]) ++shared;
      std::copy_n(rows_before, shared, rows);
    }
    for (size_t i = shared; i < sequence.size(); ++i) {
      rows[i] = static_cast<int64_t>(token_N.size());
      token_N.push_back(batch.cu_seqlens[s] + static_cast<int64_t>(i));
    }
    before = &sequence;
    rows_before = rows;
  }
  const auto count = static_cast<int64_t>(token_N.size());
  if (10 * count > 9 * batch.token_count()) return batch;
  const at::Tensor chosen = at::tensor(token_N, at::kLong);
  batch.tokens_N = batch.tokens_N.index_select(0, chosen);
  batch.positions_N = batch.positions_N.index_select(0, chosen);
  batch.shared = std::make_shared<const SharedRows>(ShareRows(std::move(row_T), count, batch.cu_seqlens));
  return batch;
}

Decoder::Decoder(const ModelConfig& config, at::Device device) : config_(config), device_(device) {
  const std::vector<int64_t> table{config.vocab_size, config.hidden_size};
  embedding_ = AddParameter("model.embed_tokens.weight", table, &embedding_gradient_);
  layers_.resize(static_cast<size_t>(config.layers));
  for (int64_t i = 0; i < config.layers; ++i) AddLayer(i);
  norm_ = AddParameter("model.norm.weight", {config.hidden_size}, &norm_gradient_);
  head_gradient_ = embedding_gradient_;
  head_ = config.tied_embeddings ? embedding_ : AddParameter("lm_head.weight", table, &head_gradient_);
  const std::vector<float> frequencies = weights::RopeInverseFrequencies(config);
  rope_frequencies_ = at::tensor(at::ArrayRef<float>(frequencies)).to(device);
}

at::Tensor Decoder::AddParameter(const std::string& name, at::IntArrayRef shape, MasterGradientPtr* gradient) {
  index_.emplace(name, parameters_.size());
  parameters_.push_back({name, at::empty(shape, at::TensorOptions(at::kFloat).device(device_))});
  *gradient = c10::make_intrusive<MasterGradient>(std::vector<at::Tensor>{parameters_.back().tensor});
  return parameters_.back().tensor;
}

at::Tensor Decoder::AddJoint(const std::string& prefix, const std::string& suffix, std::span<const Part> parts,
                             at::IntArrayRef row_shape, MasterGradientPtr* gradient) {
  std::vector<int64_t> shape{0};
  shape.insert(shape.end(), row_shape.begin(), row_shape.end());
  for (const Part& part : parts) shape[0] += part.rows;
  at::Tensor joint = at::empty(shape, at::TensorOptions(at::kFloat).device(device_));
  int64_t row = 0;
  std::vector<at::Tensor> tensors;
  for (const Part& part : parts) {
    const std::string name = prefix + part.name + suffix;
    index_.emplace(name, parameters_.size());
    parameters_.push_back({name, joint.narrow(0, row, part.rows).detach()});
    tensors.push_back(parameters_.back().tensor);
    row += part.rows;
  }
  *gradient = c10::make_intrusive<MasterGradient>(std::move(tensors));
  return joint;
}

void Decoder::AddLayer(int64_t index) {
  const ModelConfig& c = config_;
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const HeadLayout layout = LayoutOf(c);
  const Part qkv[] = {{"q_proj", layout.q_width()}, {"k_proj", layout.kv_width()}, {"v_proj", layout.kv_width()}};
  const Part gate_up[] = {{"gate_proj", c.ffn_size}, {"up_proj", c.ffn_size}};
  LayerStorage& layer = layers_[static_cast<size_t>(index)];
  LayerGradients& g = layer.gradients;
  const std::string attention = prefix + "self_attn.", ffn = prefix + "mlp.";
  layer.attention_norm = AddParameter(prefix + "input_layernorm.weight", {c.hidden_size}, &g.attention_norm);
  layer.qkv = AddJoint(attention, ".weight", qkv, {c.hidden_size}, &g.qkv);
  if (c.qkv_bias) layer.qkv_bias = AddJoint(attention, ".bias", qkv, {}, &g.qkv_bias);
  if (c.qk_norm) {
    layer.q_norm = AddParameter(attention + "q_norm.weight", {c.head_dim}, &g.q_norm);
    layer.k_norm = AddParameter(attention + "k_norm.weight", {c.head_dim}, &g.k_norm);
  }
  layer.output = AddParameter(attention + "o_proj.weight", {c.hidden_size, layout.q_width()}, &g.output);
  if (c.output_bias) layer.output_bias = AddParameter(attention + "o_proj.bias", {c.hidden_size}, &g.output_bias);
  layer.ffn_norm = AddParameter(prefix + "post_attention_layernorm.weight", {c.hidden_size}, &g.ffn_norm);
  layer.gate_up = AddJoint(ffn, ".weight", gate_up, {c.hidden_size}, &g.gate_up);
  if (c.mlp_bias) layer.gate_up_bias = AddJoint(ffn, ".bias", gate_up, {}, &g.gate_up_bias);
  layer.down = AddParameter(ffn + "down_proj.weight", {c.hidden_size, c.ffn_size}, &g.down);
  if (c.mlp_bias) layer.down_bias = AddParameter(ffn + "down_proj.bias", {c.hidden_size}, &g.down_bias);
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

LayerWeights Decoder::CopyLayer(const LayerStorage& layer, at::ScalarType dtype) const {
  LayerWeights w;
  w.attention_norm_D = layer.attention_norm;
  w.qkv_CD = MatrixAs(dtype, layer.qkv);
  w.qkv_bias_C = layer.qkv_bias;
  w.q_norm_E = layer.q_norm;
  w.k_norm_E = layer.k_norm;
  w.output = MatrixAs(dtype, layer.output);
  w.output_bias_D = layer.output_bias;
  w.ffn_norm_D = layer.ffn_norm;
  w.gate_up = MatrixAs(dtype, layer.gate_up);
  w.gate_up_bias = layer.gate_up_bias;
  w.down_DF = MatrixAs(dtype, layer.down);
  w.down_bias_D = layer.down_bias;
  if (at::GradMode::is_enabled()) w.gradients = Wanted(layer.gradients);
  // Nobody changes the masters through these.
  for (at::Tensor* alias : {&w.attention_norm_D, &w.q_norm_E, &w.k_norm_E, &w.output_bias_D, &w.ffn_norm_D,
                            &w.down_bias_D, &w.output, &w.down_DF}) {
    if (alias->defined()) *alias = alias->detach();
  }
  return w;
}

DecoderWeights Decoder::Weights(at::ScalarType dtype) const {
  DecoderWeights weights;
  weights.layers.reserve(layers_.size());
  if (!device_.is_cpu()) {
    weights.embedding_VD = embedding_.to(ActivationType(dtype));
    for (int64_t i = 0; i < config_.layers; ++i) weights.layers.push_back(JoinLayer(i, dtype));
    weights.norm_D = norm_.to(ActivationType(dtype));
    weights.head_VD =
        config_.tied_embeddings && weights.embedding_VD.scalar_type() == dtype ? weights.embedding_VD : head_.to(dtype);
    return weights;
  }
  weights.embedding_VD = embedding_.detach();
  for (const LayerStorage& layer : layers_) weights.layers.push_back(CopyLayer(layer, dtype));
  weights.norm_D = norm_.detach();
  weights.head_VD = MatrixAs(dtype, head_).detach();
  if (!at::GradMode::is_enabled()) return weights;
  weights.embedding_gradient = Wanted(embedding_gradient_);
  weights.norm_gradient = Wanted(norm_gradient_);
  if (head_gradient_->wanted()) weights.head_VD = MasterGradient::Track(weights.head_VD, head_gradient_);
  return weights;
}

void Decoder::Refresh(const DecoderWeights& weights) const {
  JADE_CHECK(device_.is_cpu() && weights.layers.size() == layers_.size(), "weights of another model");
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const LayerStorage& from = layers_[i];
    const LayerWeights& to = weights.layers[i];
    CopyInto(from.qkv, to.qkv_CD);
    CopyInto(from.output, to.output);
    CopyInto(from.gate_up, to.gate_up);
    CopyInto(from.down, to.down_DF);
  }
  CopyInto(head_, weights.head_VD);
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

at::Tensor Decoder::Logits(const at::Tensor& hidden_MD) const {
  return Linear(hidden_MD, head_.to(hidden_MD.scalar_type()), {}).to(at::kFloat);
}

at::Tensor Decoder::Logits(const at::Tensor& hidden_MD, const DecoderWeights& weights) {
  return Linear(hidden_MD, weights.head_VD, {}).to(at::kFloat);
}

}  // namespace jade::backbone
