#include "runtime/train/team.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/source/suggest.h"
#include "runtime/rollout/questions_run.h"
#include "runtime/train/question_order.h"

namespace jade::train {
namespace {

// No run ends by the clock: what is trained must not depend on how fast the machine is.
constexpr double kNoDeadline = 1e9;

bool IsModelRole(const ir::Callee& callee) {
  return callee.kind == ir::CalleeKind::kExecutor || callee.kind == ir::CalleeKind::kPlanner;
}

Status CheckSampling(const ir::Callee& callee) {
  if (!callee.sampling.top_k && !callee.sampling.top_p) return {};
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("role `{}` samples with `{}`: training samples by temperature only, or the recorded "
                           "log-probabilities are of another distribution",
                           callee.name, callee.sampling.top_k ? "top_k" : "top_p"));
}

metrics::Sample SampleOf(const eval::Question& question, const rollout::Answered& answered, double f1) {
  metrics::Sample sample;
  sample.id = question.id;
  sample.question = question.question;
  sample.type = question.type;
  sample.gold = question.gold;
  sample.answer = answered.finished.answer;
  sample.f1 = f1;
  for (const trace::CallRecord& call : answered.finished.calls) {
    metrics::SampleCall& of = sample.calls.emplace_back();
    of.path = call.path;
    of.role = call.role;
    for (const trace::CallMessage& message : call.messages) of.prompt += message.text + "\n";
    of.action = call.action;
    of.validity = trace::ValidityName(call.validity);
    of.penalty = -call.penalty;
  }
  return sample;
}

// Numbers all roles by name, called or not, so that processes whose questions called different roles agree.
void NumberAllRoles(const TeamRoles& roles, rollout::Batch* batch) {
  std::set<std::string> all(batch->roles.begin(), batch->roles.end());
  all.insert(roles.trained.begin(), roles.trained.end());
  all.insert(roles.others.begin(), roles.others.end());
  std::vector<uint32_t> place;
  for (const std::string& name : batch->roles) {
    place.push_back(static_cast<uint32_t>(std::distance(all.begin(), all.find(name))));
  }
  for (rollout::Transition& transition : batch->transitions) transition.role = place[transition.role];
  batch->roles.assign(all.begin(), all.end());
}

}  // namespace

Result<TeamRoles> RolesOf(const TrainConfig& config, const session::Program& program) {
  TeamRoles roles;
  std::vector<std::string> names;
  const ir::Module& module = *program.module();
  for (uint32_t i = 0; i < module.callee_count(); ++i) {
    const ir::Callee& callee = module.callee(ir::CalleeId{i});
    if (!IsModelRole(callee)) continue;
    JADE_TRY(CheckSampling(callee));
    names.push_back(callee.name);
    const bool planner = callee.kind == ir::CalleeKind::kPlanner;
    const bool listed = std::find(config.roles.begin(), config.roles.end(), callee.name) != config.roles.end();
    const bool trained = config.train_roles == "all" || (config.train_roles == "planners" && planner) ||
                         (config.train_roles == "executors" && !planner) || (config.train_roles == "list" && listed);
    (trained ? roles.trained : roles.others).insert(callee.name);
  }
  const auto check = [&](const std::string& name, const char* key) -> Status {
    if (std::find(names.begin(), names.end(), name) != names.end()) return {};
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{}: `{}` names role `{}`, which `{}` does not have{}", config.name, key, name,
                             program.name(), source::DidYouMean(name, names)));
  };
  for (const std::string& name : config.roles) JADE_TRY(check(name, "train.roles.train"));
  for (const auto& [name, role] : config.per_role) JADE_TRY(check(name, "train.roles.per_role"));
  if (roles.trained.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{}: `{}` has no role that would be trained", config.name, program.name()));
  }
  return roles;
}

Team::Team(const TrainConfig& config, TeamParts parts, engine::Engine* engine)
    : config_(config),
      parts_(std::move(parts)),
      engine_(engine),
      tools_(parts_.tools),
      session_(&engine_, {&tools_}),
      counterfactuals_(&session_, &engine_, &tools_) {}

Result<std::unique_ptr<Team>> Team::Create(const TrainConfig& config, TeamParts parts, backbone::ServingEngine* engine,
                                           int64_t max_positions) {
  JADE_ASSIGN_OR_RETURN(TeamRoles roles, RolesOf(config, *parts.program));
  JADE_ASSIGN_OR_RETURN(std::string parameter, rollout::QuestionParameter(*parts.program, config.workflow));
  std::unique_ptr<Team> team(new Team(config, std::move(parts), engine));
  team->roles_ = std::move(roles);
  team->parameter_ = std::move(parameter);
  team->max_positions_ = max_positions;
  session::RoleSettings settings =
      team->parts_.request.settings != nullptr ? *team->parts_.request.settings : session::RoleSettings{};
  session::RoleSettings greedy = settings;
  for (const auto* names : {&team->roles_.trained, &team->roles_.others}) {
    for (const std::string& name : *names) {
      std::optional<double>& temperature = settings.roles[name].temperature;
      if (!temperature) temperature = settings.defaults.temperature.value_or(config.rollout.temperature);
      team->temperatures_[name] = *temperature;
      greedy.roles[name].temperature = 0.0;
    }
  }
  if (config.others == OtherRoles::kStart) {
    for (const std::string& name : team->roles_.others) settings.policies[name] = greedy.policies[name] = kStartPolicy;
  }
  team->sampled_ = std::make_shared<const session::RoleSettings>(std::move(settings));
  team->greedy_ = std::make_shared<const session::RoleSettings>(std::move(greedy));
  team->parts_.request.program = team->parts_.program;
  team->parts_.request.workflow = config.workflow;
  team->parts_.request.budget.seconds = kNoDeadline;
  return team;
}

rollout::CollectOptions Team::CollectWith(int64_t samples) const {
  rollout::CollectOptions options;
  options.samples = static_cast<int>(samples);
  options.max_prompt = config_.rollout.max_prompt;
  options.max_response = config_.rollout.max_response;
  options.max_positions = max_positions_;
  options.failed_reward = config_.rollout.failed_reward;
  options.normalisation = parts_.request.normalisation;
  options.temperatures = temperatures_;
  options.untrained = roles_.others;
  return options;
}

// What the configured estimators ask for, no more.
Status Team::AssignCredit(int64_t step, std::span<const rollout::Answered> runs, std::span<rollout::RunCredit> credits,
                          const std::atomic<bool>* cancel) {
  if (config_.NeedsGraph()) {
    for (size_t i = 0; i < runs.size(); ++i) {
      auto traced = rollout::TraceFlow(tracer_, runs[i], &credits[i]);
      if (!traced.ok()) return std::move(traced).error().Wrap("finding the data flow of a run");
    }
  }
  if (config_.counterfactual.alternatives == 0) return {};
  rollout::ResampleOptions options;
  options.share = config_.counterfactual.share;
  options.alternatives = static_cast<int>(config_.counterfactual.alternatives);
  options.seed = rollout::SeedOf(config_.seed, static_cast<uint64_t>(step), 0x72657361);
  options.eligible = roles_.trained;
  options.failed_reward = config_.rollout.failed_reward;
  options.cancel = cancel;
  JADE_TRY(rollout::ResampleCalls(session_, counterfactuals_, runs, options, credits));
  return {};
}

Result<rollout::Batch> Team::RollOut(const std::vector<eval::Question>& questions, int64_t step, Share share,
                                     const std::atomic<bool>* cancel) {
  const auto started = std::chrono::steady_clock::now();
  const std::vector<uint64_t> chosen =
      QuestionsOfStep(questions.size(), static_cast<uint64_t>(config_.rollout.questions), step, config_.seed);
  std::vector<const eval::Question*> asked;
  std::vector<uint64_t> ids;
  for (size_t i = static_cast<size_t>(share.rank); i < chosen.size(); i += static_cast<size_t>(share.size)) {
    asked.push_back(&questions[chosen[i]]);
    ids.push_back(chosen[i]);
  }
  rollout::RunOptions options;
  options.request = parts_.request;
  options.request.settings = sampled_;
  options.parameter = parameter_;
  options.samples = static_cast<int>(config_.rollout.samples);
  options.seed = rollout::SeedOf(config_.seed, static_cast<uint64_t>(step), 0x726F6C6C);
  options.concurrency = static_cast<int>(config_.rollout.concurrency);
  options.retries = static_cast<int>(config_.rollout.retries);
  options.cancel = cancel;
  if (!parts_.training_tools.empty()) tools_.Ask(parts_.training_tools);
  std::vector<rollout::Answered> runs;
  JADE_TRY(rollout::AnswerQuestions(session_, options, asked, ids, [&](rollout::Answered answered) -> Status {
    runs.push_back(std::move(answered));
    return {};
  }));
  std::vector<rollout::RunCredit> credits(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) credits[i].resize(runs[i].finished.calls.size());
  JADE_TRY(AssignCredit(step, runs, credits, cancel));
  rollout::Collector collector(asked, CollectWith(config_.rollout.samples));
  for (size_t i = 0; i < runs.size(); ++i) collector.Add(runs[i], &credits[i]);
  rollout::Batch batch = collector.Finish();
  NumberAllRoles(roles_, &batch);
  batch.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (parts_.rolled_out) parts_.rolled_out(std::move(runs));
  return batch;
}

Result<Evaluation> Team::Evaluate(std::span<const eval::Question> questions, int64_t samples_kept,
                                  const std::function<void(uint64_t)>& progress, const std::atomic<bool>* cancel) {
  const auto started = std::chrono::steady_clock::now();
  std::vector<const eval::Question*> asked;
  std::vector<uint64_t> ids;
  for (const eval::Question& question : questions) {
    ids.push_back(asked.size());
    asked.push_back(&question);
  }
  rollout::RunOptions options;
  options.request = parts_.request;
  options.request.settings = greedy_;
  options.parameter = parameter_;
  options.concurrency = static_cast<int>(config_.rollout.concurrency);
  options.retries = static_cast<int>(config_.rollout.retries);
  options.cancel = cancel;
  rollout::Collector collector(asked, CollectWith(1));
  Evaluation evaluation;
  const auto kept = std::min(static_cast<size_t>(samples_kept), asked.size());
  evaluation.samples.resize(kept);
  uint64_t done = 0;
  tools_.Ask(parts_.tools);
  JADE_TRY(rollout::AnswerQuestions(session_, options, asked, ids, [&](rollout::Answered answered) -> Status {
    collector.Add(answered);
    if (answered.question < kept) {
      const eval::Question& question = *asked[answered.question];
      const double f1 = answered.finished.value
                            ? builtins::TokenF1(answered.finished.answer, question.gold, parts_.request.normalisation)
                            : 0.0;
      evaluation.samples[answered.question] = SampleOf(question, answered, f1);
    }
    if (progress) progress(++done);
    return {};
  }));
  evaluation.batch = collector.Finish();
  NumberAllRoles(roles_, &evaluation.batch);
  evaluation.batch.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  for (const rollout::Run& run : evaluation.batch.runs) {
    ++evaluation.plans[evaluation.batch.questions[run.question].type][run.plan.empty() ? "(refused)" : run.plan];
  }
  return evaluation;
}

}  // namespace jade::train
