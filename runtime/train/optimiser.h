#pragma once
// The optimiser of fp32 parameters. AdamW with decoupled weight decay (Loshchilov & Hutter 2019,
// https://arxiv.org/abs/1711.05101) in one pass over memory, all parameters at once; or Muon on the hidden matrices,
// its step scaled to the size of AdamW's so that one learning rate serves both (Liu et al. 2025,
// https://arxiv.org/abs/2502.16982), and AdamW on the rest. Matrices decay, vectors (norms, biases) do not. Not
// thread-safe; a step itself runs on LibTorch's threads, and on the CPU AdamW's bits do not depend on how many.

#include <cstdint>
#include <vector>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/torch_compat.h"
#include "runtime/train/sft_config.h"

namespace jade::train {

struct TrainedParameter {
  at::Tensor tensor;           // contiguous fp32 leaf
  bool hidden_matrix = false;  // a matrix between two layers of features: neither embedding nor head
};

class Optimiser {
 public:
  // `muon_type`: what Muon multiplies in, bf16 where the machine does that fast.
  Optimiser(std::vector<TrainedParameter> parameters, OptimiserOptions options, at::ScalarType muon_type = at::kFloat);

  // sqrt(Σ grad²) over all parameters; those without gradient count as zero. Infinite or NaN when any gradient is.
  double GradientNorm() const;

  // One update from the parameters' gradients, each multiplied by `scale`; then the gradients are dropped.
  void Step(double lr, double scale);

  int64_t steps() const { return steps_; }
  // First and second moments, in the order of the parameters; written to when a checkpoint is restored. Muon keeps its
  // momentum in the first and leaves the second at zero.
  std::vector<at::Tensor>& first_moments() { return first_; }
  std::vector<at::Tensor>& second_moments() { return second_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  struct Piece {  // of a parameter: what a thread takes at once
    size_t index = 0;
    int64_t begin = 0, end = 0;
  };

  std::vector<at::Tensor> Gradients() const;
  bool UsesMuon(size_t index) const;
  double Keep(size_t index, double lr) const;  // what decay leaves of a weight
  void StepAdamW(const backbone::AdamWFactors& factors, double lr, const std::vector<at::Tensor>& gradients);
  void StepMuon(size_t index, double lr, double scale);

  std::vector<TrainedParameter> parameters_;
  OptimiserOptions options_;
  at::ScalarType muon_type_;
  std::vector<at::Tensor> first_;
  std::vector<at::Tensor> second_;
  std::vector<Piece> pieces_;
  bool on_cpu_ = true;  // all of them
  int64_t steps_ = 0;
};

}  // namespace jade::train
