#pragma once
// An executor for tests: a block holds the tokens that were computed into it, and the "logits" prefer a token that
// depends on all tokens before it. It checks what executor.h asks of a step, so whoever mixes blocks up is found out.
// One thread.

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "compiler/result/check.h"
#include "runtime/backbone/executor.h"

namespace jade::backbone {

class FakeExecutor final : public Executor {
 public:
  struct Options {
    int64_t blocks = 64;
    int32_t vocabulary = 32;
    int policies = 1;
    bool batch_invariant = true;
  };
  explicit FakeExecutor(Options options)
      : options_(options),
        blocks_(static_cast<size_t>(options.blocks)),
        versions_(static_cast<size_t>(options.policies)) {}

  // The token that a model would choose, greedily, after `tokens`.
  static int32_t Preferred(int policy, uint64_t version, std::span<const int32_t> tokens, int32_t vocabulary) {
    uint64_t hash = 0x9E3779B97F4A7C15U + static_cast<uint64_t>(policy) * 7919 + version;
    for (const int32_t token : tokens) hash = (hash ^ static_cast<uint64_t>(token)) * 0xBF58476D1CE4E5B9U + 1;
    return static_cast<int32_t>((hash >> 33) % static_cast<uint64_t>(vocabulary));
  }

  int64_t vocab_size() const override { return options_.vocabulary; }
  int64_t block_bytes() const override { return 1024; }
  int64_t block_count() const override { return options_.blocks; }
  bool batch_invariant() const override { return options_.batch_invariant; }

  void CopyBlock(BlockId from, BlockId to, int64_t tokens) override {
    JADE_CHECK(tokens > 0 && tokens < kKvBlockTokens);
    const Block source = At(from);
    for (int64_t t = 0; t < tokens; ++t) JADE_CHECK(source.tokens[static_cast<size_t>(t)] >= 0);
    Block& target = At(to);
    target = {};
    target.owner = source.owner;
    std::copy_n(source.tokens.begin(), tokens, target.tokens.begin());
    ++copies;
  }

  std::span<float> Run(const Step& step) override {
    if (before_run) before_run(step);
    JADE_CHECK(!step.segments.empty());
    CheckSharing(step);
    logits_.clear();
    for (const StepSegment& segment : step.segments) {
      Compute(step.policy, segment);
      tokens_computed += static_cast<int64_t>(segment.tokens.size());
    }
    ++runs;
    if (after_run) after_run(step, logits_);
    return logits_;
  }

  void Refresh(int policy) override { ++versions_[static_cast<size_t>(policy)]; }

  void ParallelFor(int64_t count, const std::function<void(int64_t)>& work) override {
    for (int64_t i = 0; i < count; ++i) work(i);
  }

  std::function<void(const Step&)> before_run;  // may throw
  std::function<void(const Step&, std::span<float>)> after_run;
  int64_t runs = 0, copies = 0, tokens_computed = 0;

 private:
  using Owner = std::pair<int, uint64_t>;  // policy and version that the block was computed with
  struct Block {
    std::array<int32_t, kKvBlockTokens> tokens = Empty();
    Owner owner;
    static std::array<int32_t, kKvBlockTokens> Empty() {
      std::array<int32_t, kKvBlockTokens> none{};
      none.fill(-1);
      return none;
    }
  };

  Block& At(BlockId id) {
    JADE_CHECK(id >= 0 && id < options_.blocks);
    return blocks_[static_cast<size_t>(id)];
  }

  // No block is written by two segments, nor read by one and written by another.
  void CheckSharing(const Step& step) {
    std::unordered_map<BlockId, size_t> writers;
    for (size_t i = 0; i < step.segments.size(); ++i) {
      const StepSegment& s = step.segments[i];
      JADE_CHECK(!s.tokens.empty() && s.past >= 0);
      const auto end = s.past + static_cast<int64_t>(s.tokens.size());
      JADE_CHECK(static_cast<int64_t>(s.blocks.size()) * kKvBlockTokens >= end);
      for (int64_t b = s.past / kKvBlockTokens; b * kKvBlockTokens < end; ++b) {
        JADE_CHECK(writers.emplace(s.blocks[static_cast<size_t>(b)], i).second, "a block is written twice");
      }
    }
    for (size_t i = 0; i < step.segments.size(); ++i) {
      for (int64_t b = 0; b * kKvBlockTokens < step.segments[i].past; ++b) {
        const auto writer = writers.find(step.segments[i].blocks[static_cast<size_t>(b)]);
        JADE_CHECK(writer == writers.end() || writer->second == i, "a block is read and written");
      }
    }
  }

  void Compute(int policy, const StepSegment& segment) {
    const Owner owner{policy, versions_[static_cast<size_t>(policy)]};
    history_.clear();
    for (int64_t t = 0; t < segment.past; ++t) {
      const Block& block = At(segment.blocks[static_cast<size_t>(t / kKvBlockTokens)]);
      const int32_t token = block.tokens[static_cast<size_t>(t % kKvBlockTokens)];
      JADE_CHECK(block.owner == owner, "a block of other weights");
      JADE_CHECK(token >= 0, "token {} was never computed", t);
      history_.push_back(token);
    }
    for (const int32_t token : segment.tokens) {
      const auto t = static_cast<int64_t>(history_.size());
      Block& block = At(segment.blocks[static_cast<size_t>(t / kKvBlockTokens)]);
      if (t % kKvBlockTokens == 0) block = {};
      block.owner = owner;
      block.tokens[static_cast<size_t>(t % kKvBlockTokens)] = token;
      history_.push_back(token);
    }
    if (!segment.wants_logits) return;
    const size_t row = logits_.size();
    logits_.resize(row + static_cast<size_t>(options_.vocabulary), 0.0f);
    logits_[row + static_cast<size_t>(Preferred(policy, owner.second, history_, options_.vocabulary))] = 4.0f;
  }

  Options options_;
  std::vector<Block> blocks_;
  std::vector<uint64_t> versions_;
  std::vector<int32_t> history_;
  std::vector<float> logits_;
};

}  // namespace jade::backbone
