#pragma once
// Low-rank adapters of a decoder's projections (Hu et al. 2021, https://arxiv.org/abs/2106.09685): W·x + alpha / rank ·
// B·(A·x) with W frozen, A normal(0, 1 / rank) and B zero at first, so that training starts from the decoder itself.
// Adapters own A and B, in fp32, and know nothing of a decoder but its shape. On the CPU only. One thread writes.
//
// A training step: base = model.Weights(dtype) once, with the model's requires_grad off; policy = adapters.AttachedTo(
// base); ForwardPacked(batch, policy), a loss, backward(), Optimiser(adapters.parameters()).Step(…).
// ForwardPacked(batch, base) is the reference policy, bit for bit that of a decoder without adapters.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/backbone/model_io.h"
#include "runtime/train/optimiser.h"

namespace jade::train {

struct LoraOptions {
  int64_t rank = 16;
  double alpha = 32;
  // Of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; empty: all of them.
  std::vector<std::string> targets;
  uint64_t seed = 1;
};

class LoraAdapters {
 public:
  // In every layer. kInvalidArgument for a rank outside 1 … 1024, an alpha that is no positive number, a target that is
  // unknown or named twice.
  static Result<LoraAdapters> Create(const weights::ModelConfig& config, const LoraOptions& options);

  // A folder of PEFT (https://github.com/huggingface/peft): adapter_config.json and adapter_model.safetensors, in any
  // type of numbers. kCorrupt when a tensor is missing or of another shape, kUnsupported for what is not plain LoRA of
  // whole layers (biases, DoRA, ranks by layer, …). Other tensors of the file are not read.
  static Result<LoraAdapters> Load(const weights::ModelConfig& config, const std::string& folder);
  // Such a folder, tensors in fp32, which PEFT loads beside the model at `base_model`. The tensors are replaced last.
  Status Save(const std::string& folder, const std::string& base_model) const;

  const LoraOptions& options() const { return options_; }
  double scale() const { return options_.alpha / static_cast<double>(options_.rank); }

  // A and B of each adapter, leaves that ask for gradients; the names are PEFT's.
  const std::vector<backbone::Parameter>& tensors() const { return tensors_; }
  std::vector<TrainedParameter> parameters() const;

  // The same weights with the adapters on. They share all tensors with `base` and with the adapters: what an optimiser
  // changes is seen by the next forward pass.
  backbone::DecoderWeights AttachedTo(const backbone::DecoderWeights& base) const;

  // Adds alpha / rank · B·A to the masters, for good: rounding makes it no step that can be taken back. Whoever needs
  // the base again keeps a copy or its file.
  void MergeInto(backbone::Decoder& model) const;
  // A model folder with the adapters merged. The masters are merged meanwhile and then put back from a copy, bit for
  // bit; nothing else may use the model.
  Status SaveMerged(backbone::Decoder& model, const std::string& folder,
                    const backbone::SaveOptions& options = {}) const;

 private:
  LoraAdapters(const weights::ModelConfig& config, LoraOptions options);
  // B·A in the shape of the master.
  at::Tensor Update(size_t adapter) const;

  weights::ModelConfig config_;
  LoraOptions options_;                       // targets named
  std::vector<backbone::Parameter> tensors_;  // A, B, A, B, …: layer by layer, in the order of the targets
  std::vector<std::string> masters_;          // name of the parameter that pair i adds to
};

}  // namespace jade::train
