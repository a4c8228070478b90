#pragma once
// Keys and values of the sequences being served, under a budget in bytes. Used by one thread, the engine's.
//
// On the CPU they lie in blocks of kBlockTokens tokens, for all layers and heads, as the attention kernels read them;
// elsewhere, and as the oracle of the tests, in one tensor for each sequence and layer.

#include <cstdint>
#include <memory>
#include <span>

#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/model.h"

namespace jade::backbone {

// Room of one sequence.
class KvSequence {
 public:
  virtual ~KvSequence() = default;
  int64_t length = 0;  // tokens whose keys and values are there
};

// Rows [first_row, first_row + rows) of a step are the next tokens of a sequence.
struct KvSegment {
  KvSequence* sequence = nullptr;
  int64_t first_row = 0;
  int64_t rows = 0;
};

class KvCache {
 public:
  virtual ~KvCache() = default;

  // Room for `tokens` tokens; null when the budget does not have it now. Destroying the sequence gives it back.
  virtual std::unique_ptr<KvSequence> Reserve(int64_t tokens) = 0;

  // Writes the keys and values of each layer's rows behind what the sequences have, and attends to all of them. The
  // caller moves the lengths on after the last layer.
  virtual std::unique_ptr<AttentionOperator> Attention(std::span<const KvSegment> segments) = 0;

  virtual int64_t BytesFor(int64_t tokens) const = 0;
  int64_t used_bytes() const { return used_bytes_; }
  int64_t budget_bytes() const { return budget_bytes_; }

 protected:
  explicit KvCache(int64_t budget_bytes) : budget_bytes_(budget_bytes) {}
  int64_t budget_bytes_;
  int64_t used_bytes_ = 0;
};

std::unique_ptr<KvCache> MakeBlockKvCache(const ModelConfig& config, int64_t budget_bytes);
std::unique_ptr<KvCache> MakeTensorKvCache(const ModelConfig& config, at::ScalarType dtype, at::Device device,
                                           int64_t budget_bytes);

}  // namespace jade::backbone
