#pragma once
// The engine over an executor: submitters' threads tokenise and check, a thread of the engine's own forms the steps
// (scheduler.h), has the executor run them and samples. No LibTorch here; make_engine.h puts decoders behind it.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/executor.h"
#include "runtime/engine/engine.h"
#include "runtime/tokenizer/chat.h"

namespace jade::backbone {

struct ServingOptions {
  std::string name = "backbone";
  std::string details;         // for Describe: "fp32, cpu"
  bool deterministic = false;  // calls are computed one by one, unless the executor is batch-invariant
  int max_sequences = 64;
  int prefill_tokens = 512;
  int64_t max_waiting = 65536;  // calls in the engine; more are refused until some are done
  bool prefix_cache = true;     // prompts that begin alike share what is computed of the beginning
};

// A named set of weights. Calls without a policy get the first.
struct ServedPolicy {
  std::string name;
  int64_t max_positions = 0;
  std::vector<int32_t> end_ids;           // that end a reply, besides the chat form's
  std::vector<std::string> aliases = {};  // further names of the same weights
};

// Since the engine was made. Times in microseconds.
struct ServingStatistics {
  int64_t steps = 0;
  int64_t prefill_tokens = 0;    // computed, of prompts; again where a call was preempted
  int64_t cached_tokens = 0;     // of prompts, found in the prefix cache
  int64_t decode_tokens = 0;     // computed one at a time
  int64_t calls = 0;             // finished, failed and cancelled ones too
  int64_t preemptions = 0;       // calls whose blocks were taken, to be computed again
  int64_t evictions = 0;         // blocks of the prefix cache given to others
  int64_t waits_for_prefix = 0;  // calls that waited for another to compute their prefix
  int64_t blocks = 0, used_blocks = 0, peak_used_blocks = 0;
  int64_t cached_blocks = 0;  // of those in use, held by the prefix cache
  int64_t block_bytes = 0;
  int64_t executor_us = 0;
  int64_t sampling_us = 0;  // masks included
  int64_t mask_us = 0;      // summed over threads
  int64_t scheduling_us = 0;
  int64_t tokenising_us = 0;  // on submitters' threads
};

class ServingEngine : public engine::Engine {
 public:
  // Any thread; as of the last step, and with all of a call's work once its reply is there.
  virtual ServingStatistics statistics() const = 0;

  // The weights of a policy are about to change. Calls submitted before finish with the old weights, calls submitted
  // after wait; then `change` runs on the engine's thread (it may write the masters; empty where they were written
  // while the policy had no calls), the cached prefixes are dropped and the new weights hold. Returns when that is
  // done. Any thread but the engine's. kNotFound for an unknown policy, kCancelled when the engine ends first,
  // kUnavailable with what `change` threw.
  virtual Status Refresh(const std::string& policy, std::function<void()> change) = 0;
};

// The tokens that constraints are bound to: those of the chat form's tokenizer, `size` in all.
std::shared_ptr<const engine::Vocabulary> MakeVocabulary(const tokenizer::ChatFormat& chat, int64_t size);

// Runs on the engine's thread, where the executor lives.
using ExecutorFactory = std::function<Result<std::unique_ptr<Executor>>()>;

// kInvalidArgument for options out of range, and whatever the factory says.
Result<std::unique_ptr<ServingEngine>> MakeServingEngine(std::vector<ServedPolicy> policies, tokenizer::ChatFormat chat,
                                                         ServingOptions options, ExecutorFactory make_executor);

}  // namespace jade::backbone
