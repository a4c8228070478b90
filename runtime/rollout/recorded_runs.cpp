#include "runtime/rollout/recorded_runs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/rollout/collector.h"

namespace jade::rollout {
namespace {

using nlohmann::json;

// A text as it is, anything else as JSON.
std::string Text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string TextOf(const std::string& written) {
  const json value = json::parse(written, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() || value.is_null() ? "" : Text(value);
}

std::string FailureOf(const trace::RunRecord& run) {
  if (run.status == trace::RunStatus::kDone) return "";
  const json trap = json::parse(run.trap_json, nullptr, /*allow_exceptions=*/false);
  if (trap.is_object() && trap.contains("message")) return Text(trap["message"]);
  return std::string(trace::RunStatusName(run.status));
}

eval::Question QuestionOf(const trace::RunRecord& run) {
  eval::Question question;
  question.id = run.id;
  const json inputs = json::parse(run.inputs_json, nullptr, /*allow_exceptions=*/false);
  if (inputs.is_object() && !inputs.empty()) question.question = Text(inputs.front());
  const json gold = json::parse(run.gold_json, nullptr, /*allow_exceptions=*/false);
  if (gold.is_array()) {
    for (const json& answer : gold) question.gold.push_back(Text(answer));
  }
  return question;
}

}  // namespace

Result<Batch> BatchOfRecordedRuns(trace::StoreReader& store, const trace::RunFilter& filter, double failed_reward) {
  JADE_ASSIGN_OR_RETURN(std::vector<trace::RunRecord> runs, store.Runs(filter));
  std::reverse(runs.begin(), runs.end());
  std::vector<eval::Question> questions;
  for (const trace::RunRecord& run : runs) questions.push_back(QuestionOf(run));
  std::vector<const eval::Question*> asked;
  for (const eval::Question& question : questions) asked.push_back(&question);
  CollectOptions options;
  options.max_prompt = options.max_response = INT64_MAX;
  options.failed_reward = failed_reward;
  std::vector<std::string> failures;
  Collector collector(asked, options);
  for (size_t i = 0; i < runs.size(); ++i) {
    Answered answered;
    answered.question = i;
    JADE_ASSIGN_OR_RETURN(answered.finished.calls, store.Calls(runs[i].id));
    answered.finished.answer = TextOf(runs[i].value_json);
    failures.push_back(FailureOf(runs[i]));
    answered.finished.run = std::move(runs[i]);
    collector.Add(answered);
  }
  Batch batch = collector.Finish();
  for (size_t i = 0; i < batch.runs.size(); ++i) batch.runs[i].failure = failures[i];
  return batch;
}

}  // namespace jade::rollout
