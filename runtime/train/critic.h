#pragma once
// The value function: a decoder of its own with a linear head (the published method), or a head on the policy's hidden
// states. Values are of the state before a response token. One thread.

#include <memory>

#include "runtime/backbone/model.h"
#include "runtime/train/optimiser.h"
#include "runtime/train/policy_batch.h"

namespace jade::train {

// A decoder of the same shape with the same weights.
std::shared_ptr<backbone::Decoder> CopyOf(const backbone::Decoder& decoder);
// Writes the weights of `from` into `to`, of the same shape.
void CopyWeights(const backbone::Decoder& from, backbone::Decoder& to);

class Critic {
 public:
  // A copy of `start` under a head of zeros, or the head alone: every value is 0 at first.
  Critic(const backbone::Decoder& start, bool own_decoder);

  // Null: the head reads the policy's hidden states.
  const std::shared_ptr<backbone::Decoder>& decoder() const { return decoder_; }
  std::vector<TrainedParameter> parameters() const;
  std::vector<backbone::Parameter> named_parameters() const;  // "critic/…"

  // [M] fp32 from hidden states [M, D]; differentiable.
  at::Tensor Values(const at::Tensor& hidden_MD) const;

 private:
  std::shared_ptr<backbone::Decoder> decoder_;
  at::Tensor weight_D_, bias_1_;
};

// The parameters of a decoder as an optimiser takes them.
std::vector<TrainedParameter> TrainedParametersOf(const backbone::Decoder& decoder);

}  // namespace jade::train
