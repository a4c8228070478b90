#include "runtime/encoder/bert.h"

#include <fmt/format.h>

#include <map>

namespace jade::encoder {

Result<Bert> Bert::Load(const BertConfig& config, at::Device device, const Reader& read) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> tensors;
  for (const weights::ExpectedTensor& expected : ExpectedTensors(config)) {
    JADE_ASSIGN_OR_RETURN(tensors[expected.name], read(expected));
  }
  const auto take = [&](const std::string& name) { return tensors.at(name).to(device); };
  const auto linear = [&](const std::string& name) { return Linear{take(name + ".weight"), take(name + ".bias")}; };
  Bert bert(config, device);
  bert.words_VH_ = take("embeddings.word_embeddings.weight");
  bert.positions_PH_ =
      take("embeddings.position_embeddings.weight") + take("embeddings.token_type_embeddings.weight").select(0, 0);
  bert.embedding_norm_ = linear("embeddings.LayerNorm");
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string name = fmt::format("encoder.layer.{}.", i);
    const auto part = [&](const char* which) { return linear(name + "attention.self." + which); };
    const Linear q = part("query"), k = part("key"), v = part("value");
    bert.layers_.push_back({.qkv = {at::cat({q.weight, k.weight, v.weight}), at::cat({q.bias, k.bias, v.bias})},
                            .attention_output = linear(name + "attention.output.dense"),
                            .up = linear(name + "intermediate.dense"),
                            .down = linear(name + "output.dense"),
                            .attention_norm = linear(name + "attention.output.LayerNorm"),
                            .output_norm = linear(name + "output.LayerNorm")});
  }
  return bert;
}

at::Tensor Bert::Normalise(const at::Tensor& x_NH, const Linear& norm) const {
  return at::layer_norm(x_NH, {config_.hidden_size}, norm.weight, norm.bias, config_.norm_eps);
}

at::Tensor Bert::Activate(const at::Tensor& x) const {
  switch (config_.activation) {
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      return at::relu(x);
  }
  JADE_UNREACHABLE();
}

at::Tensor Bert::Attend(const at::Tensor& qkv_N3H, const std::vector<Run>& runs) const {
  const int64_t heads = config_.heads;
  const int64_t head_dim = config_.hidden_size / heads;
  std::vector<at::Tensor> outputs;
  int64_t first = 0;
  for (const Run& run : runs) {
    const at::Tensor qkv_3SALD = qkv_N3H.narrow(0, first, run.texts * run.length)
                                     .view({run.texts, run.length, 3, heads, head_dim})
                                     .permute({2, 0, 3, 1, 4});
    const at::Tensor out_SALD =
        backbone::ScaledDotProductAttention(qkv_3SALD[0], qkv_3SALD[1], qkv_3SALD[2], /*causal=*/false);
    outputs.push_back(out_SALD.transpose(1, 2).reshape({run.texts * run.length, config_.hidden_size}));
    first += run.texts * run.length;
  }
  return outputs.size() == 1 ? outputs.front() : at::cat(outputs);
}

at::Tensor Bert::Forward(const at::Tensor& ids_N, const std::vector<Run>& runs) const {
  std::vector<at::Tensor> places;
  for (const Run& run : runs) places.push_back(at::arange(run.length, at::kLong).repeat({run.texts}));
  at::Tensor x_NH =
      at::embedding(words_VH_, ids_N.to(device_)) + at::embedding(positions_PH_, at::cat(places).to(device_));
  x_NH = Normalise(x_NH, embedding_norm_);
  for (const Layer& layer : layers_) {
    x_NH = Normalise(x_NH + layer.attention_output(Attend(layer.qkv(x_NH), runs)), layer.attention_norm);
    x_NH = Normalise(x_NH + layer.down(Activate(layer.up(x_NH))), layer.output_norm);
  }
  return x_NH;
}

at::Tensor Bert::Embed(const at::Tensor& ids_N, const std::vector<Run>& runs, Pooling pooling) const {
  const at::NoGradGuard no_grad;
  const at::Tensor x_NH = Forward(ids_N, runs);
  std::vector<at::Tensor> pooled;
  int64_t first = 0;
  for (const Run& run : runs) {
    const at::Tensor x_SLH =
        x_NH.narrow(0, first, run.texts * run.length).view({run.texts, run.length, config_.hidden_size});
    pooled.push_back(pooling == Pooling::kFirst ? x_SLH.select(1, 0) : x_SLH.mean(1));
    first += run.texts * run.length;
  }
  const at::Tensor rows_SH = at::cat(pooled);
  const at::Tensor length_S1 = rows_SH.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  return (rows_SH / length_S1).to(at::kCPU).contiguous();
}

}  // namespace jade::encoder
