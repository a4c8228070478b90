#pragma once
// A decoder's weights in the type they are multiplied in, made once and written anew when the masters have changed, not
// for every micro-batch. One thread.

#include <optional>

#include "runtime/backbone/model.h"

namespace jade::train {

class WorkingWeights {
 public:
  WorkingWeights(const backbone::Decoder& decoder, at::ScalarType dtype) : decoder_(decoder), dtype_(dtype) {}

  // They lead to those masters that ask for gradients.
  backbone::DecoderWeights Get() {
    const at::AutoGradMode recorded(true);
    if (!decoder_.device().is_cpu()) return decoder_.Weights(dtype_);  // its casts are part of the graph
    if (!weights_) weights_ = decoder_.Weights(dtype_);
    return *weights_;
  }
  // The masters have been written; no graph that has not been differentiated may hold the weights.
  void Changed() {
    if (weights_) decoder_.Refresh(*weights_);
  }

 private:
  const backbone::Decoder& decoder_;
  at::ScalarType dtype_;
  std::optional<backbone::DecoderWeights> weights_;
};

}  // namespace jade::train
