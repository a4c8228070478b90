#include "runtime/advantage/loss_weights.h"

#include <fmt/format.h>

#include <cmath>
#include <unordered_map>

namespace jade::advantage {
namespace {

using TokensByQuestion = std::unordered_map<int64_t, double>;

TokensByQuestion CountByQuestion(const Batch& batch, std::span<const int32_t> transitions) {
  TokensByQuestion tokens;
  for (const int32_t transition : transitions) {
    const auto t = static_cast<size_t>(transition);
    if (const int64_t counted = CountedTokens(batch, t); counted > 0) {
      tokens[batch.question[t]] += static_cast<double>(counted);
    }
  }
  return tokens;
}

Error Wrong(std::string message) {
  return {ErrorCode::kInvalidArgument, "loss weights: " + std::move(message)};
}

Status CheckArguments(const Batch& batch, std::span<const int32_t> transitions, std::span<const double> role_weights) {
  if (!role_weights.empty() && role_weights.size() != static_cast<size_t>(batch.roles)) {
    return Wrong(fmt::format("{} role weights for {} roles", role_weights.size(), batch.roles));
  }
  for (size_t role = 0; role < role_weights.size(); ++role) {
    if (!std::isfinite(role_weights[role]) || role_weights[role] < 0.0) {
      return Wrong(fmt::format("the weight of role {} is {}; it is finite and ≥ 0", role, role_weights[role]));
    }
  }
  std::vector<uint8_t> named(batch.transitions(), 0);
  for (const int32_t transition : transitions) {
    if (transition < 0 || static_cast<size_t>(transition) >= batch.transitions()) {
      return Wrong(fmt::format("transition {} is not in the batch of {}", transition, batch.transitions()));
    }
    if (std::exchange(named[static_cast<size_t>(transition)], 1) != 0) {
      return Wrong(fmt::format("transition {} is named twice", transition));
    }
  }
  return {};
}

}  // namespace

LossUnits CountLossUnits(const Batch& batch, std::span<const int32_t> transitions) {
  LossUnits units;
  for (const int32_t transition : transitions) {
    const int64_t counted = CountedTokens(batch, static_cast<size_t>(transition));
    units.tokens += static_cast<double>(counted);
    units.calls += counted > 0 ? 1.0 : 0.0;
  }
  units.questions = static_cast<double>(CountByQuestion(batch, transitions).size());
  return units;
}

Result<std::vector<double>> CallWeights(const Batch& batch, std::span<const int32_t> transitions,
                                        LossAggregation aggregation, std::span<const double> role_weights,
                                        const LossUnits& units) {
  JADE_TRY(CheckArguments(batch, transitions, role_weights));
  TokensByQuestion by_question;
  if (aggregation == LossAggregation::kQuestionMean) by_question = CountByQuestion(batch, transitions);
  std::vector<double> weights(transitions.size(), 0.0);
  for (size_t i = 0; i < transitions.size(); ++i) {
    const auto t = static_cast<size_t>(transitions[i]);
    const auto counted = static_cast<double>(CountedTokens(batch, t));
    if (counted == 0.0) continue;
    double share = 0.0;
    switch (aggregation) {
      case LossAggregation::kTokenMean:
        share = units.tokens;
        break;
      case LossAggregation::kSeqMean:
        share = units.calls * counted;
        break;
      case LossAggregation::kCallMean:
        share = units.calls;
        break;
      case LossAggregation::kQuestionMean:
        share = units.questions * by_question.at(batch.question[t]);
        break;
    }
    if (share <= 0.0) return Wrong("`units` counts nothing; it is CountLossUnits of the same transitions");
    weights[i] = (role_weights.empty() ? 1.0 : role_weights[static_cast<size_t>(batch.role[t])]) / share;
  }
  return weights;
}

std::vector<float> TokenWeights(const Batch& batch, std::span<const int32_t> transitions,
                                std::span<const double> call_weights) {
  std::vector<float> weights;
  for (size_t i = 0; i < transitions.size(); ++i) {
    const auto t = static_cast<size_t>(transitions[i]);
    const auto weight = static_cast<float>(call_weights[i]);
    for (size_t token = batch.begin(t); token < batch.end(t); ++token) {
      weights.push_back(batch.counted[token] != 0 ? weight : 0.0F);
    }
  }
  return weights;
}

}  // namespace jade::advantage
