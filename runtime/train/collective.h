#pragma once
// What the processes of a data-parallel training run tell each other. Every process calls the same operations in the
// same order. One thread.

#include <memory>
#include <span>

#include "compiler/result/result.h"
#include "runtime/backbone/torch_compat.h"

namespace jade::train {

class Collective {
 public:
  virtual ~Collective() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Element by element over all processes, in place. kUnavailable when a process was lost: all fail then.
  virtual Status Sum(std::span<double> values) = 0;
  virtual Status Max(std::span<double> values) = 0;
  virtual Status Sum(std::span<at::Tensor> tensors) = 0;        // contiguous fp32
  virtual Status Broadcast(std::span<at::Tensor> tensors) = 0;  // from rank 0
};

// Of a single process: nothing to do.
class SingleProcess final : public Collective {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  Status Sum(std::span<double>) override { return {}; }
  Status Max(std::span<double>) override { return {}; }
  Status Sum(std::span<at::Tensor>) override { return {}; }
  Status Broadcast(std::span<at::Tensor>) override { return {}; }
};

}  // namespace jade::train
