#include "runtime/rollout/collector.h"

#include <algorithm>

namespace jade::rollout {
namespace {

std::string FailureOf(const session::FinishedRun& finished) {
  if (finished.trap) return finished.trap->ToString();
  return finished.value ? "" : "cancelled";
}

// What the planner that was asked first wrote, as it was understood.
std::string PlanOf(const std::vector<trace::CallRecord>& calls) {
  for (const trace::CallRecord& call : calls) {
    if (call.kind == trace::CallKind::kPlanner) return call.plan;
  }
  return "";
}

}  // namespace

int64_t Batch::action_tokens() const {
  int64_t sum = 0;
  for (const Transition& transition : transitions) sum += static_cast<int64_t>(transition.action.size());
  return sum;
}

int64_t Batch::observation_tokens() const {
  int64_t sum = 0;
  for (const Transition& transition : transitions) sum += static_cast<int64_t>(transition.observation.size());
  return sum;
}

std::string SiteOf(const std::string& path) {
  std::string site;
  bool counter = false;
  for (const char c : path) {
    if (c == '[') counter = true;
    if (!counter) site += c;
    if (c == ']') counter = false;
  }
  return site;
}

Collector::Collector(std::span<const eval::Question* const> questions, CollectOptions options)
    : questions_(questions), options_(std::move(options)) {
  slots_.resize(questions.size() * static_cast<size_t>(options_.samples));
  for (const eval::Question* question : questions) {
    batch_.questions.push_back({question->id, question->question, question->type});
  }
}

uint32_t Collector::RoleIndex(const std::string& name) {
  const auto found = std::find(batch_.roles.begin(), batch_.roles.end(), name);
  const auto index = static_cast<uint32_t>(found - batch_.roles.begin());
  if (found == batch_.roles.end()) batch_.roles.push_back(name);
  return index;
}

void Collector::AddCall(const trace::CallRecord& call, const CallCredit* credit, Slot* slot) {
  if (call.kind == trace::CallKind::kTool) return;
  if (call.status != trace::CallStatus::kDone || call.action_ids.empty() || call.observation_ids.empty()) {
    ++batch_.left_out[call.role].unfinished;
    return;
  }
  const auto prompt = static_cast<int64_t>(call.observation_ids.size());
  const auto reply = static_cast<int64_t>(call.action_ids.size());
  if (prompt > options_.max_prompt || reply > options_.max_response || prompt + reply > options_.max_positions) {
    ++batch_.left_out[call.role].too_long;
    return;
  }
  Transition transition;
  transition.call = static_cast<uint32_t>(call.index);
  transition.site = SiteOf(call.path);
  transition.observation = call.observation_ids;
  transition.action = call.action_ids;
  transition.rollout_log_probs = call.log_probs;
  transition.constraint = call.constraint;
  transition.constraint_states = call.constraint_states;
  const auto temperature = options_.temperatures.find(call.role);
  if (temperature != options_.temperatures.end()) transition.temperature = static_cast<float>(temperature->second);
  transition.penalty = call.penalty;
  transition.validity = call.validity;
  transition.truncated = call.truncated;
  transition.planner = call.kind == trace::CallKind::kPlanner;
  transition.trained = !options_.untrained.contains(call.role);
  transition.role = RoleIndex(call.role);
  if (credit != nullptr) {
    transition.consumers = credit->consumers;
    transition.in_result = credit->in_result;
    transition.alternative_rewards = credit->alternative_rewards;
    transition.alternative_penalties = credit->alternative_penalties;
  }
  slot->transitions.push_back(std::move(transition));
}

void Collector::Add(const Answered& answered, const RunCredit* credit) {
  const auto index = static_cast<uint32_t>(answered.question * static_cast<size_t>(options_.samples) +
                                           static_cast<size_t>(answered.sample));
  Slot& slot = slots_[index];
  slot.filled = true;
  batch_.retried += answered.attempts - 1;
  const session::FinishedRun& finished = answered.finished;
  const eval::Question& question = *questions_[answered.question];
  Run& run = slot.run;
  run.id = finished.run.id;
  run.question = static_cast<uint32_t>(answered.question);
  run.sample = static_cast<uint32_t>(answered.sample);
  run.status = finished.run.status;
  run.failure = FailureOf(finished);
  run.answer = finished.answer;
  run.plan = PlanOf(finished.calls);
  const bool done = finished.run.status == trace::RunStatus::kDone;
  run.reward = done ? finished.run.reward.value_or(options_.failed_reward) : options_.failed_reward;
  if (done) {
    run.em = builtins::ExactMatch(run.answer, question.gold, options_.normalisation);
    run.f1 = builtins::TokenF1(run.answer, question.gold, options_.normalisation);
    run.accuracy = builtins::Accuracy(run.answer, question.gold, options_.normalisation);
  }
  run.turns = finished.run.turns;
  run.retrievals = finished.run.retrievals;
  run.calls = finished.run.calls;
  run.tokens = finished.run.tokens;
  run.prompt_tokens = finished.run.prompt_tokens;
  for (size_t i = 0; i < finished.calls.size(); ++i) {
    AddCall(finished.calls[i], credit == nullptr ? nullptr : &(*credit)[i], &slot);
  }
}

Batch Collector::Finish() {
  // Roles by name and runs by question: nothing depends on the order in which runs ended.
  std::vector<std::string> names = batch_.roles;
  std::sort(names.begin(), names.end());
  std::vector<uint32_t> place(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    place[i] = static_cast<uint32_t>(std::find(names.begin(), names.end(), batch_.roles[i]) - names.begin());
  }
  batch_.roles = std::move(names);
  for (Slot& slot : slots_) {
    if (!slot.filled) continue;
    const auto run = static_cast<uint32_t>(batch_.runs.size());
    batch_.runs.push_back(std::move(slot.run));
    for (Transition& transition : slot.transitions) {
      transition.run = run;
      transition.role = place[transition.role];
      batch_.transitions.push_back(std::move(transition));
    }
  }
  return std::move(batch_);
}

}  // namespace jade::rollout
