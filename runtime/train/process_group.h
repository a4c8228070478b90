#pragma once
// The processes of a training job as a Collective over c10d: Gloo between processors, NCCL between GPUs where LibTorch
// has it. Rank 0 holds the rendezvous. Each object is used by one thread.

#include <memory>

#include "compiler/result/result.h"
#include "runtime/train/collective.h"
#include "runtime/train/launch.h"

namespace jade::train {

struct ProcessGroupOptions {
  double timeout = 600;  // seconds: of the rendezvous, and of one operation whose peers are connected but silent
  at::Device device =
      at::Device(at::kCPU);  // where the trained weights are; with CUDA, LOCAL_RANK chooses among several
};

// Returns when all processes are there. kUnavailable says who is not, or what this build lacks. A peer that ends is
// noticed at the next operation, at once; the error names its rank where the rendezvous can tell. All operations fail
// from then on.
Result<std::unique_ptr<Collective>> JoinProcessGroup(const Launch& launch, const ProcessGroupOptions& options);

}  // namespace jade::train
