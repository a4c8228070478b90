#include "runtime/session/session.h"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>

#include "compiler/abi/value_json.h"
#include "compiler/source/suggest.h"
#include "runtime/interp/interpreter.h"

namespace jade::session {

using abi::Value;
using types::TypeId;
using types::TypeKind;
using types::TypeTable;

namespace {

int64_t UnixMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool IsText(TypeId type, const TypeTable& types) {
  return types.BaseOf(types.WithoutOptional(type)) == TypeTable::Text();
}

std::string InputsJson(const Program& program, const Program::Workflow& workflow, const std::vector<Value>& arguments) {
  std::string json = "{";
  for (size_t i = 0; i < arguments.size(); ++i) {
    const types::Parameter& parameter = workflow.signature->parameters[i];
    json += (i > 0 ? "," : "") + abi::JsonQuote(parameter.name) + ":" +
            abi::ToJson(arguments[i], parameter.type, program.types());
  }
  return json + "}";
}

std::string GoldJson(const std::vector<std::string>& gold) {
  std::string json = "[";
  for (size_t i = 0; i < gold.size(); ++i) json += (i > 0 ? "," : "") + abi::JsonQuote(gold[i]);
  return json + "]";
}

}  // namespace

Result<Value> ReadInput(const std::string& text, TypeId type, const TypeTable& types) {
  if (IsText(type, types)) {
    if (source::FirstInvalidUtf8(text) != std::string_view::npos) {
      return Error(ErrorCode::kInvalidArgument, "the text is not valid UTF-8");
    }
    return Value::Text(text);
  }
  return abi::FromJson(text, type, types);
}

namespace {

Result<Value> DefaultOf(const Program& program, ir::FunctionId function, const std::vector<Value>& params,
                        const builtins::Settings& builtins, const std::string& what) {
  interp::PureResult result = interp::EvaluatePure(program.module(), function, {}, params, builtins);
  if (result.trap) return Error(ErrorCode::kInvalidArgument, result.trap->ToString()).Wrap(what);
  return std::move(result.value);
}

}  // namespace

Result<std::vector<Value>> BindInputs(const Program& program, const Program::Workflow& workflow,
                                      const std::map<std::string, std::string>& inputs,
                                      const std::vector<Value>& params, const builtins::Settings& builtins) {
  const std::vector<types::Parameter>& parameters = workflow.signature->parameters;
  std::vector<std::string> names;
  for (const types::Parameter& parameter : parameters) names.push_back(parameter.name);
  for (const auto& [name, unused] : inputs) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`{}` has no input `{}`{}", workflow.name, name, source::DidYouMean(name, names)));
  }
  std::vector<Value> arguments;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const types::Parameter& parameter = parameters[i];
    auto given = inputs.find(parameter.name);
    if (given != inputs.end()) {
      Result<Value> value = ReadInput(given->second, parameter.type, program.types());
      if (!value.ok()) return Error(value.error()).Wrap(fmt::format("input `{}`", parameter.name));
      arguments.push_back(std::move(value).value());
    } else if (i < workflow.defaults.size() && workflow.defaults[i].valid()) {
      JADE_ASSIGN_OR_RETURN(Value value, DefaultOf(program, workflow.defaults[i], params, builtins,
                                                   fmt::format("input `{}`", parameter.name)));
      arguments.push_back(std::move(value));
    } else if (program.types().IsOptional(parameter.type)) {
      arguments.push_back(Value::None());
    } else {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("`{}` needs an input `{}` of type {}: give it with -i {}=…", workflow.name,
                               parameter.name, program.types().Name(parameter.type), parameter.name));
    }
  }
  return arguments;
}

Result<std::vector<Value>> BindParams(const Program& program, const std::map<std::string, std::string>& given,
                                      const builtins::Settings& builtins) {
  std::vector<std::string> names;
  std::vector<Value> values;
  for (const ir::ParamDecl& param : program.module()->params()) {
    names.push_back(param.name);
    auto found = given.find(param.name);
    if (found != given.end()) {
      Result<Value> value = ReadInput(found->second, param.type, program.types());
      if (!value.ok()) return Error(value.error()).Wrap(fmt::format("param `{}`", param.name));
      values.push_back(std::move(value).value());
      continue;
    }
    if (!param.default_value.valid()) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("param `{}` has no default and was not given", param.name));
    }
    JADE_ASSIGN_OR_RETURN(
        Value value, DefaultOf(program, param.default_value, values, builtins, fmt::format("param `{}`", param.name)));
    values.push_back(std::move(value));
  }
  for (const auto& [name, unused] : given) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the program has no param `{}`{}", name, source::DidYouMean(name, names)));
  }
  return values;
}

Value RunValue(const schedule::RunResult& result, TypeId type, const TypeTable& types) {
  const std::map<std::string, int64_t> counters = {{"turns", result.turns},
                                                   {"retrievals", result.retrievals},
                                                   {"calls", result.call_count},
                                                   {"tokens", result.tokens},
                                                   {"depth", result.depth}};
  std::vector<Value> fields;
  for (const types::Field& field : types[type].fields) {
    auto found = counters.find(field.name);
    const int64_t count = found == counters.end() ? 0 : found->second;
    fields.push_back(field.type == TypeTable::Float() ? Value::Float(static_cast<double>(count)) : Value::Int(count));
  }
  return Value::Record(std::move(fields));
}

Session::Session(engine::Engine* engine, std::vector<engine::ToolProvider*> tools, std::shared_ptr<engine::Clock> clock)
    : engine_(engine), scheduler_(engine, std::move(tools), std::move(clock)) {}

Session::~Session() = default;

PlanCache* Session::PlansOf(const ProgramPtr& program) {
  std::unique_ptr<PlanCache>& cache = plans_[program.get()];
  if (cache == nullptr) cache = std::make_unique<PlanCache>(program);
  return cache.get();
}

Status Session::SetEntry(Pending* pending, schedule::RunSpec* spec) {
  const RunRequest& request = pending->request;
  const Program& program = *request.program;
  if (request.snippet != nullptr) {
    const Snippet& snippet = *request.snippet;
    spec->module = snippet.module;
    spec->entry = snippet.module->main();
    spec->arguments = snippet.arguments;
    pending->workflow = {spec->module->function(spec->entry).name, spec->entry, &snippet.signature, {}};
    return {};
  }
  JADE_ASSIGN_OR_RETURN(pending->workflow, program.FindWorkflow(request.workflow));
  JADE_ASSIGN_OR_RETURN(spec->arguments,
                        BindInputs(program, pending->workflow, request.inputs, spec->params, spec->builtins));
  spec->module = program.module();
  spec->entry = pending->workflow.function;
  return {};
}

Result<RunId> Session::Start(const RunRequest& request) {
  const Program& program = *request.program;
  auto owned = std::make_unique<Pending>();
  Pending& pending = *owned;
  pending.request = request;
  if (!request.reward.empty()) {
    Result<Program::Workflow> reward = program.FindReward(request.reward);
    if (!reward.ok()) return reward.error();
  }
  schedule::RunSpec spec;
  spec.builtins.normalisation = request.normalisation;
  JADE_ASSIGN_OR_RETURN(spec.params, BindParams(program, request.params, spec.builtins));
  JADE_TRY(SetEntry(&pending, &spec));
  spec.seed = request.seed;
  spec.budget = request.budget;
  spec.settings = request.settings;
  spec.plans = PlansOf(request.program);
  spec.observer = request.observer;
  spec.stream = request.stream;
  pending.params = spec.params;
  pending.record = NewRecord(pending, InputsJson(program, pending.workflow, spec.arguments));
  if (request.store != nullptr) JADE_TRY(request.store->AddRun(pending.record));
  spec.store = request.store;
  spec.store_id = pending.record.id;
  spec.ended = [&pending](RunId, const schedule::RunResult& result) { RecordEnd(pending, result); };
  const RunId id = scheduler_.Start(std::move(spec));
  pending_.emplace(id, std::move(owned));
  return id;
}

trace::RunRecord Session::NewRecord(const Pending& pending, std::string inputs_json) {
  const Program& program = *pending.request.program;
  trace::RunRecord record;
  record.status = trace::RunStatus::kUnfinished;
  record.started_unix_us = UnixMicros();
  const int64_t identity[3] = {record.started_unix_us, static_cast<int64_t>(getpid()),
                               static_cast<int64_t>(++started_)};
  record.id = fmt::format("{:016x}", XXH3_64bits(identity, sizeof(identity)));
  record.module_name = program.name();
  record.module_hash = program.hash();
  record.workflow = pending.workflow.name;
  record.inputs_json = std::move(inputs_json);
  record.backbone = engine_->Describe();
  record.seed = pending.request.seed;
  if (!pending.request.gold.empty()) record.gold_json = GoldJson(pending.request.gold);
  return record;
}

std::optional<double> Session::RewardOf(const Pending& pending, const schedule::RunResult& result) {
  const RunRequest& request = pending.request;
  if (request.reward.empty() || request.gold.empty() || result.status != trace::RunStatus::kDone) return std::nullopt;
  Result<Program::Workflow> reward = request.program->FindReward(request.reward);
  if (!reward.ok()) return std::nullopt;
  const TypeTable& types = request.program->types();
  std::vector<Value> gold;
  for (const std::string& one : request.gold) gold.push_back(Value::Text(one));
  std::vector<Value> arguments;
  for (const types::Parameter& parameter : reward->signature->parameters) {
    if (types.kind(parameter.type) == TypeKind::kRecord && types[parameter.type].name == "Run") {
      arguments.push_back(RunValue(result, parameter.type, types));
    } else if (types.IsList(parameter.type)) {
      arguments.push_back(Value::List(gold));
    } else {
      arguments.push_back(result.value);
    }
  }
  builtins::Settings builtins;
  builtins.normalisation = request.normalisation;
  interp::PureResult value =
      interp::EvaluatePure(request.program->module(), reward->function, std::move(arguments), pending.params, builtins);
  if (value.trap || value.value.kind() != abi::ValueKind::kFloat) return std::nullopt;
  return value.value.as_float();
}

void Session::RecordEnd(Pending& pending, const schedule::RunResult& result) {
  trace::RunRecord& record = pending.record;
  record.reward = RewardOf(pending, result);
  record.status = result.status;
  record.elapsed_us = result.elapsed_us;
  record.turns = result.turns;
  record.retrievals = result.retrievals;
  record.calls = result.call_count;
  record.tokens = result.tokens;
  record.prompt_tokens = result.prompt_tokens;
  record.depth = result.depth;
  if (result.status == trace::RunStatus::kDone) {
    record.value_json = abi::ToJson(result.value, pending.workflow.signature->result, pending.request.program->types());
  } else {
    record.trap_json = result.trap->ToJson();
  }
  // A store that has failed says so when it is flushed.
  if (pending.request.store != nullptr) (void)pending.request.store->AddRun(record);
}

void Session::ForgetPrograms() {
  JADE_CHECK(active_count() == 0, "{} runs are active", active_count());
  plans_.clear();
}

FinishedRun Session::Take(RunId id) {
  schedule::RunResult result = scheduler_.Take(id);
  auto found = pending_.find(id);
  JADE_CHECK(found != pending_.end(), "run {} is not of this session", id);
  FinishedRun finished;
  finished.run = std::move(found->second->record);
  pending_.erase(found);
  finished.calls = std::move(result.calls);
  finished.trap = std::move(result.trap);
  if (result.status == trace::RunStatus::kDone) {
    finished.answer = result.value.kind() == abi::ValueKind::kText ? result.value.as_text() : finished.run.value_json;
    finished.value = std::move(result.value);
  }
  return finished;
}

}  // namespace jade::session
