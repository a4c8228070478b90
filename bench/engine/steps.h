#pragma once
// Timed steps of an executor by itself, without the scheduler: what prefill and decode cost, by batch and context. The
// bench plays the part of the block pool and names the blocks. One thread.

#include <cstdint>
#include <span>
#include <vector>

#include "bench/engine/work.h"
#include "compiler/result/result.h"
#include "runtime/backbone/executor.h"

namespace jade::bench {

// Sequences that stand in the cache with `past` tokens each, and what is timed of them.
struct StepPlan {
  StepShape shape;
  int64_t steps = 1;  // decode: so many steps of one token each; else 1
};

// Blocks that a plan needs. Only whole blocks are shared: `shared_past` is a multiple of a block's tokens.
int64_t BlocksOf(const StepPlan& plan);

class StepTimer {
 public:
  // `executor` outlives the timer.
  StepTimer(backbone::Executor& executor, uint64_t seed) : executor_(executor), seed_(seed) {}

  // Fills the cache up to `past`, which is not timed, and runs the plan once. kInvalidArgument when the executor has
  // fewer blocks than the plan needs.
  Status Prepare(const StepPlan& plan);
  // Seconds of all steps of the prepared plan, from the same state each time.
  Result<double> Run();

 private:
  struct Sequence {
    std::vector<backbone::BlockId> blocks;
    std::vector<int32_t> tokens;  // those of the cache, then those of the timed steps
  };
  void LayOut();
  void Fill(int64_t begin, int64_t end, std::span<Sequence> sequences);
  void RunSteps();

  backbone::Executor& executor_;
  uint64_t seed_;
  StepPlan plan_;
  std::vector<Sequence> sequences_;
};

}  // namespace jade::bench
