// Decoder::ForwardPacked: the forward pass that training differentiates.
#include <functional>
#include <memory>

#include "compiler/result/check.h"
#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/grid_attention.h"
#include "runtime/backbone/model.h"
#include "runtime/backbone/training_ops.h"

namespace jade::backbone {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// What goes from layer to layer: the residual stream, and what the last layer has not added to it yet (or undefined).
struct Stream {
  at::Tensor hidden_ND;
  at::Tensor delta_ND;
};

using LayerFunction = std::function<Stream(const Stream&)>;

struct Recipe final : public torch::CustomClassHolder {
  explicit Recipe(LayerFunction function) : run(std::move(function)) {}
  LayerFunction run;
};

class RecomputeFunction : public torch::autograd::Function<RecomputeFunction> {
 public:
  static variable_list forward(AutogradContext* context, const Variable& hidden, const c10::optional<at::Tensor>& delta,
                               const c10::optional<at::Tensor>& /*anchor*/, const c10::intrusive_ptr<Recipe>& recipe) {
    const at::Tensor added = delta.value_or(at::Tensor());
    const Stream out = recipe->run({hidden, added});
    context->save_for_backward({hidden, added});
    context->saved_data["recipe"] = c10::IValue::make_capsule(recipe);
    variable_list result{out.hidden_ND};
    if (out.delta_ND.defined()) result.push_back(out.delta_ND);
    return result;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto recipe = c10::static_intrusive_pointer_cast<Recipe>(context->saved_data["recipe"].toCapsule());
    const at::AutoGradMode record(true);
    const auto leaf = [](const at::Tensor& t) {
      return t.defined() ? t.detach().requires_grad_(t.requires_grad()) : t;
    };
    const Stream in{leaf(saved[0]), leaf(saved[1])};
    const Stream out = recipe->run(in);
    variable_list roots, seeds;
    for (const auto& [tensor, gradient] :
         {std::pair(out.hidden_ND, gradients[0]), std::pair(out.delta_ND, gradients.back())}) {
      if (!tensor.defined() || !tensor.requires_grad()) continue;
      roots.push_back(tensor);
      seeds.push_back(gradient);
    }
    torch::autograd::backward(roots, seeds);
    return {in.hidden_ND.grad(), in.delta_ND.defined() ? in.delta_ND.grad() : at::Tensor(), Variable(), Variable()};
  }
};

// Any tensor of a layer that wants gradients.
c10::optional<at::Tensor> AnchorOf(const LayerWeights& weights) {
  const LayerAdapters& a = weights.adapters;
  for (const std::vector<LowRankPart>* parts : {&a.qkv, &a.output, &a.gate_up, &a.down}) {
    if (!parts->empty()) return parts->front().b_OR;
  }
  const LayerGradients& g = weights.gradients;
  for (const MasterGradientPtr& gradient :
       {g.qkv, g.output, g.gate_up, g.down, g.attention_norm, g.ffn_norm, g.qkv_bias, g.output_bias, g.gate_up_bias,
        g.down_bias, g.q_norm, g.k_norm}) {
    if (gradient) return gradient->anchor();
  }
  return c10::nullopt;
}

Stream Recomputed(const Stream& in, const LayerWeights& weights, LayerFunction run) {
  const auto delta = in.delta_ND.defined() ? c10::optional<at::Tensor>(in.delta_ND) : c10::nullopt;
  const variable_list out =
      RecomputeFunction::apply(in.hidden_ND, delta, AnchorOf(weights), c10::make_intrusive<Recipe>(std::move(run)));
  return {out[0], out.size() > 1 ? out[1] : at::Tensor()};
}

// A projection with what adapters add to it.
at::Tensor Adapted(const at::Tensor& x, const TrainedWeight& weight, const TrainedWeight& bias,
                   const std::vector<LowRankPart>& adapters) {
  at::Tensor y = Project(x, weight, bias);
  for (const LowRankPart& part : adapters) y = AddLowRank(y, x, part.a_RI, part.b_OR, part.first_row, part.scale);
  return y;
}

class PackedLayers {
 public:
  PackedLayers(const ModelConfig& config, const PackedBatch& batch, const DecoderWeights& weights,
               const at::Tensor& frequencies)
      : config_(config), batch_(batch), weights_(weights), layout_{config.heads, config.kv_heads, config.head_dim} {
    const at::Tensor positions = batch.shared == nullptr
                                     ? batch.positions_N
                                     : batch.positions_N.index_select(0, at::tensor(batch.shared->row_T, at::kLong));
    const at::Tensor angles = positions.to(at::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
    cos_ = angles.cos();
    sin_ = angles.sin();
    type_ = weights.layers.empty() ? at::kFloat : weights.layers.front().qkv_CD.scalar_type();
  }

  Stream Layer(size_t index, const Stream& in) const {
    const LayerWeights& w = weights_.layers[index];
    const LayerGradients& g = w.gradients;
    const double eps = config_.norm_eps;
    const auto [before, normed_ND] =
        AddRmsNorm(in.hidden_ND, in.delta_ND, {w.attention_norm_D, g.attention_norm}, eps, type_);
    at::Tensor qkv_NC = Adapted(normed_ND, {w.qkv_CD, g.qkv}, {w.qkv_bias_C, g.qkv_bias}, w.adapters.qkv);
    if (config_.qk_norm) qkv_NC = NormaliseHeads(qkv_NC, w);
    const at::Tensor attended = RotaryAttention(qkv_NC, cos_, sin_, batch_.cu_seqlens, layout_, batch_.shared);
    const at::Tensor output_ND =
        Adapted(attended, {w.output, g.output}, {w.output_bias_D, g.output_bias}, w.adapters.output);
    const auto [middle, ffn_ND] = AddRmsNorm(before, output_ND, {w.ffn_norm_D, g.ffn_norm}, eps, type_);
    const at::Tensor gate_up =
        Adapted(ffn_ND, {w.gate_up, g.gate_up}, {w.gate_up_bias, g.gate_up_bias}, w.adapters.gate_up);
    return {middle, Adapted(SwiGlu(gate_up), {w.down_DF, g.down}, {w.down_bias_D, g.down_bias}, w.adapters.down)};
  }

 private:
  // Norms of q and k heads, before rotary (Qwen3).
  at::Tensor NormaliseHeads(const at::Tensor& qkv_NC, const LayerWeights& w) const {
    const int64_t rows = qkv_NC.size(0);
    const auto parts = qkv_NC.split_with_sizes({layout_.q_width(), layout_.kv_width(), layout_.kv_width()}, 1);
    const auto norm = [&](const at::Tensor& part, const TrainedWeight& weight_E) {
      const at::Tensor heads = part.to(at::kFloat).reshape({rows * part.size(1) / layout_.head_dim, layout_.head_dim});
      return AddRmsNorm(heads, {}, weight_E, config_.norm_eps, type_).second.view({rows, part.size(1)});
    };
    return at::cat(
        {norm(parts[0], {w.q_norm_E, w.gradients.q_norm}), norm(parts[1], {w.k_norm_E, w.gradients.k_norm}), parts[2]},
        1);
  }

  ModelConfig config_;
  PackedBatch batch_;
  DecoderWeights weights_;
  HeadLayout layout_;
  at::Tensor cos_, sin_;
  at::ScalarType type_ = at::kFloat;
};

}  // namespace

at::Tensor Decoder::ForwardPacked(const PackedBatch& batch, at::ScalarType dtype) const {
  return ForwardPacked(batch, Weights(dtype));
}

at::Tensor Decoder::ForwardPacked(const PackedBatch& batch, const DecoderWeights& weights,
                                  ForwardOptions options) const {
  JADE_CHECK(batch.tokens_N.numel() == batch.row_count(), "{} tokens, lengths say {}", batch.tokens_N.numel(),
             batch.row_count());
  if (!device_.is_cpu()) {
    JADE_CHECK(batch.shared == nullptr, "rows are shared on the processor only");
    GridAttention attention(batch.cu_seqlens, {config_.heads, config_.kv_heads, config_.head_dim}, device_);
    return Forward(batch.tokens_N, batch.positions_N, weights, attention);
  }
  // Shared with the graph when layers are computed again.
  const auto layers = std::make_shared<const PackedLayers>(config_, batch, weights, rope_frequencies_);
  const bool recompute = options.recompute_layers && at::GradMode::is_enabled();
  Stream stream{EmbedRows(batch.tokens_N, {weights.embedding_VD, weights.embedding_gradient}), {}};
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    const auto run = [layers, i](const Stream& in) { return layers->Layer(i, in); };
    stream = recompute ? Recomputed(stream, weights.layers[i], run) : run(stream);
  }
  return AddRmsNorm(stream.hidden_ND, stream.delta_ND, {weights.norm_D, weights.norm_gradient}, config_.norm_eps,
                    at::kFloat)
      .second;
}

}  // namespace jade::backbone
