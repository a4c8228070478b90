#pragma once
// The network of BERT (Devlin et al. 2019): learned positions, normalisation after each block. Texts of a batch lie one
// after the other without padding, those of equal length together, so that none is computed for nothing and attention
// needs no mask. Immutable after Load; any thread may call Forward.
//
// Shape suffixes: N tokens of the batch, S texts of a run, L tokens of each, H hidden, A heads, D size of a head.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/torch_compat.h"
#include "runtime/encoder/encoder_config.h"

namespace jade::encoder {

// `texts` texts of `length` tokens each, one after the other.
struct Run {
  int64_t texts = 0;
  int64_t length = 0;
};

class Bert {
 public:
  // `read` gives the tensor of a name in ExpectedTensors, fp32 on the CPU.
  using Reader = std::function<Result<at::Tensor>(const weights::ExpectedTensor&)>;
  static Result<Bert> Load(const BertConfig& config, at::Device device, const Reader& read);

  // ids_N, int64 on the CPU, of the runs one after the other → pooled rows of length 1 [texts, H], fp32 on the CPU.
  at::Tensor Embed(const at::Tensor& ids_N, const std::vector<Run>& runs, Pooling pooling) const;

 private:
  struct Linear {
    at::Tensor weight, bias;
    at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }
  };
  struct Layer {
    Linear qkv, attention_output, up, down;
    Linear attention_norm, output_norm;  // scale and shift
  };
  Bert(const BertConfig& config, at::Device device) : config_(config), device_(device) {}
  at::Tensor Normalise(const at::Tensor& x_NH, const Linear& norm) const;
  at::Tensor Attend(const at::Tensor& qkv_N3H, const std::vector<Run>& runs) const;
  at::Tensor Activate(const at::Tensor& x) const;
  at::Tensor Forward(const at::Tensor& ids_N, const std::vector<Run>& runs) const;  // [N, H]

  BertConfig config_;
  at::Device device_;
  at::Tensor words_VH_, positions_PH_;  // positions with the first token type added: no text has another
  Linear embedding_norm_;
  std::vector<Layer> layers_;
};

}  // namespace jade::encoder
