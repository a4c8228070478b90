#pragma once
// AdamW with decoupled weight decay (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101) over fp32 parameters.
// One pass over memory for each tensor; matrices decay, vectors (norms, biases) do not. Not thread-safe; a step itself
// runs on LibTorch's threads and gives the same bits for the same number of threads.

#include <cstdint>
#include <vector>

#include "runtime/backbone/torch_compat.h"
#include "runtime/train/sft_config.h"

namespace jade::train {

class AdamW {
 public:
  // The parameters are contiguous fp32 leaves.
  AdamW(std::vector<at::Tensor> parameters, AdamWOptions options);

  // sqrt(Σ grad²) over all parameters; those without gradient count as zero. Infinite or NaN when any gradient is.
  double GradientNorm() const;

  // One update from the parameters' gradients, each multiplied by `scale`; then the gradients are dropped.
  void Step(double lr, double scale);

  int64_t steps() const { return steps_; }
  // First and second moments, in the order of the parameters; written to when a checkpoint is restored.
  std::vector<at::Tensor>& first_moments() { return first_; }
  std::vector<at::Tensor>& second_moments() { return second_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  std::vector<at::Tensor> parameters_;
  AdamWOptions options_;
  std::vector<at::Tensor> first_;
  std::vector<at::Tensor> second_;
  int64_t steps_ = 0;
};

}  // namespace jade::train
