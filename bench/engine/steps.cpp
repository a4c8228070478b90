#include "bench/engine/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <random>

namespace jade::bench {
namespace {

using backbone::BlockId;
using backbone::kKvBlockTokens;
using backbone::StepSegment;

// Prompt tokens of one step while the cache is filled.
constexpr int64_t kFillTokens = 512;

int64_t BlocksFor(int64_t tokens) {
  return (tokens + kKvBlockTokens - 1) / kKvBlockTokens;
}

int64_t LengthOf(const StepPlan& plan) {
  return plan.shape.past + plan.shape.tokens * plan.steps;
}

}  // namespace

int64_t BlocksOf(const StepPlan& plan) {
  const int64_t shared = plan.shape.shared_past / kKvBlockTokens;
  return shared + plan.shape.sequences * (BlocksFor(LengthOf(plan)) - shared);
}

void StepTimer::LayOut() {
  std::mt19937_64 random(seed_);
  const int64_t length = LengthOf(plan_);
  const int64_t shared = plan_.shape.shared_past / kKvBlockTokens;
  BlockId next = 0;
  sequences_.assign(static_cast<size_t>(plan_.shape.sequences), {});
  for (Sequence& sequence : sequences_) {
    const Sequence& first = sequences_.front();
    for (int64_t block = 0; block < BlocksFor(length); ++block) {
      const bool known = &sequence != &first && block < shared;
      sequence.blocks.push_back(known ? first.blocks[static_cast<size_t>(block)] : next++);
    }
    for (int64_t at = 0; at < length; ++at) {
      const auto token = static_cast<int32_t>(random() % static_cast<uint64_t>(executor_.vocab_size()));
      const bool known = &sequence != &first && at < plan_.shape.shared_past;
      sequence.tokens.push_back(known ? first.tokens[static_cast<size_t>(at)] : token);
    }
  }
}

void StepTimer::Fill(int64_t begin, int64_t end, std::span<Sequence> sequences) {
  for (Sequence& sequence : sequences) {
    for (int64_t at = begin; at < end; at += kFillTokens) {
      const auto count = static_cast<size_t>(std::min(kFillTokens, end - at));
      const StepSegment segment{.blocks = sequence.blocks,
                                .past = at,
                                .tokens = std::span(sequence.tokens).subspan(static_cast<size_t>(at), count)};
      executor_.Run({.segments = {&segment, 1}});
    }
  }
}

void StepTimer::RunSteps() {
  const auto tokens = static_cast<size_t>(plan_.shape.tokens);
  std::vector<StepSegment> segments(sequences_.size());
  for (int64_t step = 0; step < plan_.steps; ++step) {
    const int64_t past = plan_.shape.past + step * plan_.shape.tokens;
    for (size_t i = 0; i < sequences_.size(); ++i) {
      segments[i] = {.blocks = sequences_[i].blocks,
                     .past = past,
                     .tokens = std::span(sequences_[i].tokens).subspan(static_cast<size_t>(past), tokens),
                     .wants_logits = true};
    }
    executor_.Run({.segments = segments});
  }
}

Status StepTimer::Prepare(const StepPlan& plan) {
  if (BlocksOf(plan) > executor_.block_count()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} sequences of {} tokens need {} blocks, the cache has {}", plan.shape.sequences,
                             LengthOf(plan), BlocksOf(plan), executor_.block_count()));
  }
  plan_ = plan;
  plan_.shape.shared_past = plan.shape.shared_past / kKvBlockTokens * kKvBlockTokens;
  try {
    LayOut();
    Fill(0, plan_.shape.shared_past, std::span(sequences_).first(1));
    Fill(plan_.shape.shared_past, plan_.shape.past, sequences_);
    RunSteps();
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "not enough memory for a step");
  } catch (const std::exception& error) {
    return Error(ErrorCode::kUnavailable, error.what());
  }
  return {};
}

Result<double> StepTimer::Run() {
  try {
    const auto begin = std::chrono::steady_clock::now();
    RunSteps();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "not enough memory for a step");
  } catch (const std::exception& error) {
    return Error(ErrorCode::kUnavailable, error.what());
  }
}

}  // namespace jade::bench
