#pragma once
// Role demonstrations, tokenised and held in one block of memory, and the order in which training draws them. A set is
// immutable after loading; a sampler belongs to one thread.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/chat.h"
#include "runtime/train/sft_config.h"

namespace jade::train {

struct Demonstration {
  std::span<const int32_t> tokens;  // prompt and reply, the end of turn included; owned by the set
  std::span<const uint8_t> reply;   // a flag a token: part of the reply or of a trained turn before it
  double weight = 1.0;
  int64_t line = 0;  // 1-based, in the set's file
  const std::string* role = nullptr;
  const std::string* path = nullptr;
};

class DemonstrationSet {
 public:
  // JSONL: {"messages": [{"role", "content"}…], "reply", optional "role" and "weight"}, other keys are ignored. An
  // assistant message with a "weight" of 1 is a reply too. A bad line fails with file and line. At most `limit`
  // demonstrations are kept (0: all); those above `max_length` tokens are counted and left out.
  static Result<DemonstrationSet> Load(const std::string& path, const tokenizer::ChatFormat& chat, int64_t max_length,
                                       int64_t limit = 0);

  size_t size() const { return records_.size(); }
  Demonstration At(size_t index) const;
  int64_t too_long() const { return too_long_; }
  int64_t token_count() const { return static_cast<int64_t>(tokens_.size()); }
  const std::string& path() const { return *path_; }

 private:
  struct Record {
    size_t begin;
    uint32_t length;
    float weight;
    uint32_t role;
    int64_t line;
  };
  Status AddLine(const std::string& text, int64_t line, const tokenizer::ChatFormat& chat, int64_t max_length);
  uint32_t RoleId(const std::string& role);

  std::shared_ptr<const std::string> path_;
  std::vector<std::shared_ptr<const std::string>> roles_;
  std::vector<int32_t> tokens_;
  std::vector<uint8_t> reply_;  // beside tokens_
  std::vector<Record> records_;
  int64_t too_long_ = 0;
};

// Where a sampler stands in one of its sets.
struct SourceCursor {
  uint64_t epoch = 0;
  uint64_t position = 0;
  uint64_t tokens = 0;  // drawn so far
};

// Draws demonstrations: the set that is furthest behind its share of the tokens is next, each set in a new random order
// every epoch. What comes depends on the sets, the seed and the cursors alone, so a resumed run sees what it would have
// seen.
class BatchSampler {
 public:
  // Every set is non-empty and outlives the sampler; one weight a set.
  BatchSampler(std::vector<const DemonstrationSet*> sets, std::vector<double> weights, uint64_t seed);

  // At least one demonstration, and as many as fit into `token_budget`.
  std::vector<Demonstration> Next(int64_t token_budget);

  const std::vector<SourceCursor>& cursors() const { return cursors_; }
  void Seek(std::vector<SourceCursor> cursors);

 private:
  size_t ChooseSet() const;
  void Shuffle(size_t set);

  std::vector<const DemonstrationSet*> sets_;
  std::vector<double> weights_;
  uint64_t seed_;
  std::vector<SourceCursor> cursors_;
  std::vector<std::vector<uint32_t>> orders_;
};

}  // namespace jade::train
