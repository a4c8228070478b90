#include "runtime/advantage/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

namespace jade::advantage {
namespace {

Error Wrong(std::string message) {
  return {ErrorCode::kInvalidArgument, "batch: " + std::move(message)};
}

Status CheckSize(std::string_view name, size_t size, size_t expected, bool may_be_empty = false) {
  if (size == expected || (may_be_empty && size == 0)) return {};
  return Wrong(fmt::format("`{}` has {} entries; {} are needed", name, size, expected));
}

// From 0, never falling; the last is `total`.
Status CheckOffsets(std::string_view name, std::span<const int64_t> offsets, size_t total) {
  if (offsets.front() != 0) return Wrong(fmt::format("`{}` starts with {}; it starts with 0", name, offsets.front()));
  for (size_t t = 0; t + 1 < offsets.size(); ++t) {
    if (offsets[t + 1] < offsets[t]) return Wrong(fmt::format("`{}` falls after transition {}", name, t));
  }
  if (static_cast<size_t>(offsets.back()) != total) {
    return Wrong(fmt::format("`{}` ends with {}; there are {} entries", name, offsets.back(), total));
  }
  return {};
}

Status CheckSizes(const Batch& batch) {
  const size_t count = batch.transitions();
  JADE_TRY(CheckSize("counted", batch.counted.size(), batch.tokens()));
  JADE_TRY(CheckSize("role", batch.role.size(), count));
  JADE_TRY(CheckSize("question", batch.question.size(), count));
  JADE_TRY(CheckSize("run", batch.run.size(), count));
  JADE_TRY(CheckSize("site", batch.site.size(), count));
  JADE_TRY(CheckSize("penalty", batch.penalty.size(), count));
  JADE_TRY(CheckSize("team_reward", batch.team_reward.size(), count));
  JADE_TRY(CheckSize("values", batch.values.size(), batch.tokens(), true));
  JADE_TRY(CheckSize("log_probs", batch.log_probs.size(), batch.tokens(), true));
  JADE_TRY(CheckSize("reference_log_probs", batch.reference_log_probs.size(), batch.tokens(), true));
  return CheckSize("in_result", batch.in_result.size(), count, true);
}

Status CheckTransitions(const Batch& batch) {
  for (size_t t = 0; t < batch.transitions(); ++t) {
    if (batch.role[t] < 0 || batch.role[t] >= batch.roles) {
      return Wrong(fmt::format("transition {} has role {}; there are {}", t, batch.role[t], batch.roles));
    }
    if (!std::isfinite(batch.team_reward[t])) {
      return Wrong(fmt::format("the team reward of transition {} is {}", t, batch.team_reward[t]));
    }
    if (!std::isfinite(batch.penalty[t]) || batch.penalty[t] < 0.0) {
      return Wrong(fmt::format("the penalty of transition {} is {}; it is ≥ 0 and subtracted", t, batch.penalty[t]));
    }
  }
  return {};
}

// Only counted tokens: what stands at the others is never read.
Status CheckFinite(const Batch& batch, std::string_view name, std::span<const float> numbers) {
  if (numbers.empty()) return {};
  bool finite = true;
  for (size_t i = 0; i < numbers.size(); ++i) finite &= batch.counted[i] == 0 || std::isfinite(numbers[i]);
  if (finite) return {};
  for (size_t t = 0; t < batch.transitions(); ++t) {
    for (size_t i = batch.begin(t); i < batch.end(t); ++i) {
      if (batch.counted[i] != 0 && !std::isfinite(numbers[i])) {
        return Wrong(fmt::format("`{}` is {} at token {} of transition {}; the model that computed it has diverged",
                                 name, numbers[i], i - batch.begin(t), t));
      }
    }
  }
  return {};
}

Status CheckGraph(const Batch& batch) {
  if (batch.consumer_offsets.empty()) return CheckSize("consumers", batch.consumers.size(), 0);
  JADE_TRY(CheckSize("consumer_offsets", batch.consumer_offsets.size(), batch.transitions() + 1));
  JADE_TRY(CheckOffsets("consumer_offsets", batch.consumer_offsets, batch.consumers.size()));
  std::vector<int64_t> named_by(batch.transitions(), -1);
  for (size_t t = 0; t < batch.transitions(); ++t) {
    for (auto edge = batch.consumer_offsets[t]; edge < batch.consumer_offsets[t + 1]; ++edge) {
      const int32_t consumer = batch.consumers[static_cast<size_t>(edge)];
      if (consumer < 0 || static_cast<size_t>(consumer) >= batch.transitions()) {
        return Wrong(fmt::format("transition {} has consumer {}, which is not in the batch", t, consumer));
      }
      const auto index = static_cast<size_t>(consumer);
      if (batch.run[index] != batch.run[t]) {
        return Wrong(fmt::format("transition {} of run {} has consumer {} of run {}; edges stay within a run", t,
                                 batch.run[t], consumer, batch.run[index]));
      }
      if (named_by[index] == static_cast<int64_t>(t)) {
        return Wrong(fmt::format("transition {} names consumer {} twice", t, consumer));
      }
      named_by[index] = static_cast<int64_t>(t);
    }
  }
  return {};
}

Status CheckAlternatives(const Batch& batch) {
  const size_t total = batch.alternative_rewards.size();
  JADE_TRY(CheckSize("alternative_penalties", batch.alternative_penalties.size(), total, true));
  if (batch.alternative_offsets.empty()) return CheckSize("alternative_rewards", total, 0);
  JADE_TRY(CheckSize("alternative_offsets", batch.alternative_offsets.size(), batch.transitions() + 1));
  JADE_TRY(CheckOffsets("alternative_offsets", batch.alternative_offsets, total));
  for (size_t i = 0; i < total; ++i) {
    const double penalty = batch.alternative_penalties.empty() ? 0.0 : batch.alternative_penalties[i];
    if (!std::isfinite(batch.alternative_rewards[i]) || !std::isfinite(penalty) || penalty < 0.0) {
      return Wrong(fmt::format("alternative {} has reward {} and penalty {}; both are finite, the penalty is ≥ 0", i,
                               batch.alternative_rewards[i], penalty));
    }
  }
  return {};
}

}  // namespace

Status CheckBatch(const Batch& batch) {
  if (batch.offsets.empty()) return Wrong("`offsets` is empty; it has one entry more than there are transitions");
  if (batch.transitions() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return Wrong(fmt::format("{} transitions are more than fit in 31 bits", batch.transitions()));
  }
  JADE_TRY(CheckOffsets("offsets", batch.offsets, batch.counted.size()));
  JADE_TRY(CheckSizes(batch));
  JADE_TRY(CheckTransitions(batch));
  JADE_TRY(CheckFinite(batch, "values", batch.values));
  JADE_TRY(CheckFinite(batch, "log_probs", batch.log_probs));
  JADE_TRY(CheckFinite(batch, "reference_log_probs", batch.reference_log_probs));
  JADE_TRY(CheckGraph(batch));
  return CheckAlternatives(batch);
}

int64_t CountedTokens(const Batch& batch, size_t transition) {
  const auto own = batch.counted.subspan(batch.begin(transition), batch.end(transition) - batch.begin(transition));
  return std::count_if(own.begin(), own.end(), [](uint8_t counted) { return counted != 0; });
}

}  // namespace jade::advantage
