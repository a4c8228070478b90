#pragma once
// What the scheduler of the engine knows of the model: steps over blocks of keys and values that it names by number.
// An executor owns the weight sets and the storage of all blocks; which block belongs to whom is the scheduler's
// business (block_pool.h). Used by one thread, the engine's. No LibTorch here.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "compiler/result/result.h"

namespace jade::backbone {

using BlockId = int32_t;

// A block holds the keys and values, of all layers, of this many consecutive tokens of a sequence.
inline constexpr int64_t kKvBlockTokens = 16;

// The next tokens of one sequence.
struct StepSegment {
  std::span<const BlockId> blocks;  // of the sequence, the new tokens included: block b holds tokens 16b … 16b + 15
  int64_t past = 0;                 // tokens whose keys and values are there already
  std::span<const int32_t> tokens;  // at least one
  bool wants_logits = false;        // of the token that follows the last one
};

// Segments of one weight set. No block is written by two segments, nor read by one and written by another.
struct Step {
  int policy = 0;
  std::span<const StepSegment> segments;
};

class Executor {
 public:
  virtual ~Executor() = default;

  virtual int64_t vocab_size() const = 0;
  virtual int64_t block_bytes() const = 0;
  virtual int64_t block_count() const = 0;  // what the budget has room for
  // Whether a segment's logits are the same bit for bit whatever else is in the step, however the prompt was cut into
  // steps, and whether its prefix was computed or found in the cache.
  virtual bool batch_invariant() const = 0;

  // Copies the first `tokens` tokens of a block, all layers.
  virtual void CopyBlock(BlockId from, BlockId to, int64_t tokens) = 0;

  // Writes the keys and values of the new tokens and returns the logits, fp32 [wanted][vocab_size] on the CPU in the
  // order of the segments that want them; the caller may overwrite them, the next Run does. Throws std::bad_alloc and
  // what LibTorch throws.
  virtual std::span<float> Run(const Step& step) = 0;

  // The master weights of a policy have changed: layouts derived from them are made anew when it next runs.
  virtual void Refresh(int policy) = 0;

  // work(0) … work(count - 1), some at once, on the executor's threads.
  virtual void ParallelFor(int64_t count, const std::function<void(int64_t)>& work) = 0;
};

}  // namespace jade::backbone
