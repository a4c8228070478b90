#include "runtime/eval/summary.h"

#include <nlohmann/json.hpp>

namespace jade::eval {
namespace {

using nlohmann::json;

void CountCall(const trace::CallRecord& call, std::map<std::string, RoleSummary>* roles) {
  if (call.kind == trace::CallKind::kTool || call.status != trace::CallStatus::kDone) return;
  RoleSummary& role = (*roles)[call.role];
  ++role.calls;
  role.generated_tokens += static_cast<int64_t>(call.action_ids.size());
  if (call.validity == trace::Validity::kValid) ++role.valid;
  if (call.validity == trace::Validity::kMalformed) ++role.malformed;
  if (call.validity == trace::Validity::kInvalid) ++role.invalid;
}

// Sums become means.
Summary Mean(Summary sums, double wall_seconds) {
  const auto n = static_cast<double>(std::max<int64_t>(sums.questions, 1));
  for (double* sum : {&sums.em, &sums.f1, &sums.accuracy, &sums.turns, &sums.retrievals, &sums.calls, &sums.tokens,
                      &sums.prompt_tokens}) {
    *sum /= n;
  }
  sums.seconds = wall_seconds;
  return sums;
}

json ToJson(const Summary& summary) {
  json validity = json::object();
  json roles = json::object();
  for (const auto& [name, role] : summary.roles) {
    validity[name] = static_cast<double>(role.valid) / static_cast<double>(std::max<int64_t>(role.calls, 1));
    roles[name] = {{"calls", role.calls},
                   {"malformed", role.malformed},
                   {"invalid", role.invalid},
                   {"tokens", role.generated_tokens}};
  }
  return {{"questions", summary.questions},
          {"failed", summary.failed},
          {"em", summary.em},
          {"f1", summary.f1},
          {"accuracy", summary.accuracy},
          {"validity", validity},
          {"turns", summary.turns},
          {"retrievals", summary.retrievals},
          {"calls", summary.calls},
          {"tokens", summary.tokens},
          {"prompt_tokens", summary.prompt_tokens},
          {"roles", roles}};
}

json ToJson(const EngineUse& use, double seconds) {
  const auto share = [&](double part) { return seconds > 0 ? part / seconds : 0.0; };
  return {{"steps", use.steps},
          {"prompt_tokens", use.prompt_tokens},
          {"cached_tokens", use.cached_tokens},
          {"cached_share", use.CachedShare()},
          {"decode_tokens", use.decode_tokens},
          {"kv_peak_bytes", use.kv_peak_bytes},
          {"executor_share", share(use.executor_seconds)},
          {"sampling_share", share(use.sampling_seconds)},
          {"scheduling_share", share(use.scheduling_seconds)},
          {"tokenising_share", share(use.tokenising_seconds)}};
}

}  // namespace

double EngineUse::CachedShare() const {
  return prompt_tokens > 0 ? static_cast<double>(cached_tokens) / static_cast<double>(prompt_tokens) : 0.0;
}

void Summariser::Count(Summary* sums, const Outcome& outcome, const Scores& scores) {
  ++sums->questions;
  sums->turns += static_cast<double>(outcome.run.turns);
  sums->retrievals += static_cast<double>(outcome.run.retrievals);
  sums->calls += static_cast<double>(outcome.run.calls);
  sums->tokens += static_cast<double>(outcome.run.tokens);
  sums->prompt_tokens += static_cast<double>(outcome.run.prompt_tokens);
  for (const auto& call : outcome.calls) CountCall(call, &sums->roles);
  if (outcome.run.status != trace::RunStatus::kDone) ++sums->failed;
  sums->em += scores.em;
  sums->f1 += scores.f1;
  sums->accuracy += scores.accuracy;
}

Scores Summariser::Add(const Outcome& outcome) {
  Scores scores;
  if (outcome.run.status == trace::RunStatus::kDone) scores = Score(outcome.answer, outcome.gold, scoring_);
  Count(&all_, outcome, scores);
  if (!outcome.type.empty()) Count(&by_type_[outcome.type], outcome, scores);
  return scores;
}

Summary Summariser::Finish(double wall_seconds) const {
  return Mean(all_, wall_seconds);
}

std::map<std::string, Summary> Summariser::ByType() const {
  std::map<std::string, Summary> means;
  for (const auto& [type, sums] : by_type_) means[type] = Mean(sums, 0);
  return means;
}

std::string SummaryJson(const Summary& summary, const std::map<std::string, Summary>& by_type,
                        const std::optional<EngineUse>& engine) {
  json object = ToJson(summary);
  object["seconds_per_question"] = summary.seconds / static_cast<double>(std::max<int64_t>(summary.questions, 1));
  object["by_type"] = json::object();
  for (const auto& [type, part] : by_type) object["by_type"][type] = ToJson(part);
  if (engine) object["engine"] = ToJson(*engine, summary.seconds);
  return object.dump();
}

}  // namespace jade::eval
