#pragma once
// Calls for an engine to make, and what each waits for: how role calls and recorded runs are measured. A reply has
// exactly as many tokens as asked for, so that every engine does the same work. One thread.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"

namespace jade::bench {

struct PlannedCall {
  std::shared_ptr<const engine::Messages> messages;
  std::string role;
  int64_t reply_tokens = 1;
  // It is made when this many calls of its line, the first by their `rank`, are done. Those are calls before it, and a
  // later call of the line waits for as many or more.
  size_t waits_for = 0;
  size_t rank = 0;  // 0 to the number of calls in the line, each once
};

struct CallPlan {
  std::vector<std::vector<PlannedCall>> lines;  // each in the order its calls are made in; none is empty
  size_t lines_at_once = 0;                     // the next line begins when one is done; 0: all at once
  bool may_end = false;  // the model may end a reply early by itself, so that is ruled out for each call

  int64_t size() const;
};

struct CallOutcome {
  double seconds = 0;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t reply_tokens = 0;
};

// Nothing is in flight before; the queue that the engine was connected to is so again afterwards. Fails with the first
// call that fails, and with kCancelled when `cancel` (may be null) becomes true; then nothing is in flight.
Result<CallOutcome> RunCalls(engine::Engine& engine, const CallPlan& plan, const std::atomic<bool>* cancel);

}  // namespace jade::bench
