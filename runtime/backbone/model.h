#pragma once
// The Llama-family decoder (Llama, SmolLM2, Qwen2.5, Qwen3): one implementation for training and for serving. A Decoder
// owns the fp32 master weights; forward passes never change them. Any number of threads may run forward passes while
// nobody writes the weights; whoever writes them (loading, an optimiser) must be alone.
//
// Tensor names carry their shape: N rows, one for each token of all sequences packed, M chosen rows, S sequences, D
// hidden size, H query heads, K key/value heads, E head size, F feed-forward size, V vocabulary, C = (H + 2K)·E the
// joint q, k, v width.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/shared_rows.h"
#include "runtime/backbone/torch_compat.h"
#include "runtime/weights/model_config.h"

namespace jade::backbone {

using weights::ModelConfig;

// Sequences of any length laid end to end, without padding.
struct PackedBatch {
  at::Tensor tokens_N;                       // int64, on the model's device
  at::Tensor positions_N;                    // int64: 0, 1, 2, … within each sequence
  std::vector<int64_t> cu_seqlens;           // [S + 1] first token of each sequence, and how many there are
  std::shared_ptr<const SharedRows> shared;  // null: every token has a row of its own

  int64_t token_count() const { return cu_seqlens.empty() ? 0 : cu_seqlens.back(); }
  int64_t row_count() const { return shared != nullptr ? shared->rows() : token_count(); }
  int64_t RowOf(int64_t token) const { return shared != nullptr ? shared->row_T[static_cast<size_t>(token)] : token; }
  int64_t sequence_count() const { return static_cast<int64_t>(cu_seqlens.size()) - 1; }
};

// Positions count from 0 in each sequence. Empty sequences are allowed and have no rows.
PackedBatch PackSequences(std::span<const std::vector<int32_t>> sequences, at::Device device = at::kCPU);
// The same with one row for what sequences have in common at their beginnings, on the processor, where that saves a
// tenth of the rows; otherwise, and elsewhere, as above.
PackedBatch PackSharingPrefixes(std::span<const std::vector<int32_t>> sequences, at::Device device = at::kCPU);

// A master weight by its Hugging Face name.
struct Parameter {
  std::string name;
  at::Tensor tensor;
};

// Something of low rank added to rows of a joint projection: scale · b·a·x from row `first_row` on
// (runtime/train/lora.h).
struct LowRankPart {
  at::Tensor a_RI;  // fp32 [rank, in]
  at::Tensor b_OR;  // fp32 [rows, rank]
  int64_t first_row = 0;
  double scale = 1.0;
};

struct LayerAdapters {
  std::vector<LowRankPart> qkv, output, gate_up, down;
};

// Where the gradients of a layer's weights go; null: there are none.
struct LayerGradients {
  MasterGradientPtr attention_norm, qkv, qkv_bias, q_norm, k_norm, output, output_bias;
  MasterGradientPtr ffn_norm, gate_up, gate_up_bias, down, down_bias;
};

// The weights of one layer in the type they are multiplied in, projections of one input joined into one matrix.
struct LayerWeights {
  at::Tensor attention_norm_D;
  at::Tensor qkv_CD, qkv_bias_C;  // biases are undefined where the model has none
  at::Tensor q_norm_E, k_norm_E;  // undefined without qk-norm
  at::Tensor output, output_bias_D;
  at::Tensor ffn_norm_D;
  at::Tensor gate_up, gate_up_bias;  // [2F, D], [2F]
  at::Tensor down_DF, down_bias_D;
  LayerAdapters adapters;    // of ForwardPacked only
  LayerGradients gradients;  // of ForwardPacked only
};

struct DecoderWeights {
  at::Tensor embedding_VD;
  std::vector<LayerWeights> layers;
  at::Tensor norm_D;
  at::Tensor head_VD;  // differentiable itself while gradients are recorded: for TokenLogProbs and other losses
  MasterGradientPtr embedding_gradient, norm_gradient;
};

struct ForwardOptions {
  // Keep no more of a layer than its input, and compute it again for the backward pass (Chen et al. 2016,
  // https://arxiv.org/abs/1604.06174): the same gradients, bit for bit, for a third more time.
  // On the CPU; elsewhere it is not looked at.
  bool recompute_layers = false;
};

// How the queries of a layer meet keys and values: within a packed batch, or over a cache. `qkv_NC` comes after bias,
// qk-norm and rotary; the result is [N, H·E].
class AttentionOperator {
 public:
  virtual ~AttentionOperator() = default;
  virtual at::Tensor Attend(int64_t layer, const at::Tensor& qkv_NC) = 0;
};

class Decoder {
 public:
  // Weights are allocated and not initialised.
  explicit Decoder(const ModelConfig& config, at::Device device = at::kCPU);

  const ModelConfig& config() const { return config_; }
  at::Device device() const { return device_; }

  // Normal(0, 0.02); the projections that write to the residual stream divided by sqrt(2 · layers); norms 1, biases 0.
  // Depends on the seed alone.
  void InitialiseRandom(uint64_t seed);

  // In a fixed order. A tied `lm_head.weight` is not listed. Tensors are leaves; requires_grad is off until asked for.
  // The tensors of one joint projection share storage, so write into them in place (copy_, add_), never replace them.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const at::Tensor* Find(std::string_view name) const;
  void SetRequiresGrad(bool requires_grad);
  int64_t parameter_count() const;

  // The weights joined and cast to `dtype` (kFloat or kBFloat16), for as many forward passes as the master weights stay
  // unchanged: once an optimiser step, not once a micro-batch. On the CPU kBFloat16 is mixed precision: matrices are
  // bf16 and multiply bf16 inputs, while the residual stream, norms, biases and the embedding stay fp32. Made while
  // gradients are recorded, the weights lead to the masters: every backward pass adds to their `.grad`, in fp32
  // (master_gradient.h), so micro-batches need no more than backward() in a row. An fp32 result on the CPU aliases the
  // masters and costs nothing.
  DecoderWeights Weights(at::ScalarType dtype) const;
  // Writes the masters into weights that Weights(…) made, where they lie, after an optimiser step. Only on the CPU, and
  // only when no graph that was recorded with them still has to be differentiated.
  void Refresh(const DecoderWeights& weights) const;

  // Hidden states after the last norm, [N, D], fp32 on the CPU. Attention is causal within each sequence. The row of a
  // token is batch.RowOf(token).
  // Differentiable; on the CPU the values are the same, bit for bit, whether gradients are recorded or not.
  at::Tensor ForwardPacked(const PackedBatch& batch, at::ScalarType dtype = at::kFloat) const;
  at::Tensor ForwardPacked(const PackedBatch& batch, const DecoderWeights& weights, ForwardOptions options = {}) const;
  // For serving. On the CPU gradients do not reach the weights.
  at::Tensor Forward(const at::Tensor& tokens_N, const at::Tensor& positions_N, const DecoderWeights& weights,
                     AttentionOperator& attention) const;

  // The vocabulary projection of chosen rows, [M, V], in fp32 whatever the type of the hidden states.
  at::Tensor Logits(const at::Tensor& hidden_MD) const;
  static at::Tensor Logits(const at::Tensor& hidden_MD, const DecoderWeights& weights);

 private:
  // Master storage of a layer; the parameters are views of it.
  struct LayerStorage {
    at::Tensor attention_norm, qkv, qkv_bias, q_norm, k_norm, output, output_bias;
    at::Tensor ffn_norm, gate_up, gate_up_bias, down, down_bias;
    LayerGradients gradients;
  };
  struct Part {  // one parameter of a joint projection
    std::string name;
    int64_t rows = 0;
  };

  // Each returns the storage of what was added, and where its gradient goes.
  at::Tensor AddParameter(const std::string& name, at::IntArrayRef shape, MasterGradientPtr* gradient);
  at::Tensor AddJoint(const std::string& prefix, const std::string& suffix, std::span<const Part> parts,
                      at::IntArrayRef row_shape, MasterGradientPtr* gradient);
  void AddLayer(int64_t index);
  // The type of activations and of everything that is no matrix, when matrices are `dtype`.
  at::ScalarType ActivationType(at::ScalarType dtype) const;
  // Differentiable casts, for devices without kernels of ours.
  LayerWeights JoinLayer(int64_t index, at::ScalarType dtype) const;
  LayerWeights CopyLayer(const LayerStorage& layer, at::ScalarType dtype) const;
  at::Tensor RunLayer(const LayerWeights& weights, int64_t index, const at::Tensor& hidden_ND, const at::Tensor& cos,
                      const at::Tensor& sin, AttentionOperator& attention) const;

  ModelConfig config_;
  at::Device device_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, size_t> index_;
  at::Tensor embedding_, norm_, head_;
  MasterGradientPtr embedding_gradient_, norm_gradient_, head_gradient_;
  std::vector<LayerStorage> layers_;
  at::Tensor rope_frequencies_;  // [E / 2]
};

}  // namespace jade::backbone
