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

std::string InputsJson(const Program& program, const Program::Workflow& workflow, const Value* arguments) {
  std::string json = "{";
  for (size_t i = 0; i < workflow.signature->parameters.size(); ++i) {
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

ConstraintCache* Session::ConstraintsOf(const ProgramPtr& program) {
  std::unique_ptr<ConstraintCache>& cache = constraints_[program.get()];
  if (cache == nullptr) cache = std::make_unique<ConstraintCache>(program, library_);
  return cache.get();
}

Result<PlanCheck> Session::CompilePlan(const ProgramPtr& program, const std::string& planner, const std::string& text) {
  const ir::ModulePtr& module = program->module();
  const ir::CalleeId callee = module->FindCallee(planner);
  if (!callee.valid() || module->callee(callee).kind != ir::CalleeKind::kPlanner) {
    std::vector<std::string> planners;
    for (uint32_t i = 0; i < module->callee_count(); ++i) {
      if (module->callee({i}).kind == ir::CalleeKind::kPlanner) planners.push_back(module->callee({i}).name);
    }
    return Error(ErrorCode::kNotFound, fmt::format("`{}` has no planner `{}`{}", program->name(), planner,
                                                   source::DidYouMean(planner, planners)));
  }
  call::CompiledPlan compiled = PlansOf(program)->Compile(module, callee, text, 0);
  PlanCheck check;
  check.parsed = compiled.parsed;
  check.diagnostics_json = std::move(compiled.diagnostics_json);
  if (!compiled.plan) return check;
  const auto& target = dynamic_cast<const interp::PlanFunction&>(*compiled.plan->as_plan());
  const ir::Function& function = target.module()->function(target.function());
  RunnablePlan plan;
  plan.program = program;
  plan.module = target.module();
  plan.text = std::move(compiled.canonical);
  const sema::Declaration& declaration = program->checked().declarations[program->DeclarationOf(callee)];
  plan.signature.parameters = {{declaration.role.input_name, function.ParameterType(0)}};
  plan.signature.result = function.result;
  plan.calls = compiled.calls;
  check.plan = std::make_shared<const RunnablePlan>(std::move(plan));
  return check;
}

namespace {

// Whether two requests differ in inputs, seed, budget, gold answers and what they are watched by at most.
bool Agree(const RunRequest& a, const RunRequest& b) {
  return a.program == b.program && a.plan == b.plan && a.snippet == b.snippet && a.workflow == b.workflow &&
         a.params == b.params && a.normalisation == b.normalisation && a.settings == b.settings && a.code == b.code &&
         a.observer == b.observer && a.stream == b.stream && a.store == b.store && a.reward == b.reward;
}

}  // namespace

Result<std::shared_ptr<const Session::Setup>> Session::SetupOf(const RunRequest& request) {
  std::string backbone = engine_->Describe();
  const auto known = std::find_if(setups_.begin(), setups_.end(), [&](const std::shared_ptr<const Setup>& setup) {
    return setup->backbone == backbone && Agree(setup->request, request);
  });
  if (known != setups_.end()) return *known;
  const Program& program = *request.program;
  auto setup = std::make_shared<Setup>();
  setup->request = request;
  setup->request.inputs.clear();
  setup->request.gold.clear();
  setup->request.origins = nullptr;
  setup->backbone = std::move(backbone);
  if (request.plan != nullptr) {
    const RunnablePlan& plan = *setup->request.plan;
    if (plan.program != request.program) return Error(ErrorCode::kInvalidArgument, "the plan is another program's");
    setup->workflow = {plan.text, plan.module->main(), &plan.signature, {}};
    setup->module = plan.module;
  } else if (request.snippet != nullptr) {
    const Snippet& snippet = *setup->request.snippet;
    const ir::FunctionId entry = snippet.module->main();
    setup->workflow = {snippet.module->function(entry).name, entry, &snippet.signature, {}};
    setup->module = snippet.module;
  } else {
    JADE_ASSIGN_OR_RETURN(setup->workflow, program.FindWorkflow(request.workflow));
    setup->module = program.module();
  }
  if (!request.reward.empty()) {
    JADE_ASSIGN_OR_RETURN(setup->reward, program.FindReward(request.reward));
  }
  setup->builtins.normalisation = request.normalisation;
  JADE_ASSIGN_OR_RETURN(setup->params, BindParams(program, request.params, setup->builtins));
  setup->settings = request.settings;
  setup->plans = PlansOf(request.program);
  const bool constrained = request.settings != nullptr && request.settings->constrained;
  if (constrained) setup->constraints = ConstraintsOf(request.program);
  setup->code = request.code;
  setup->observer = request.observer;
  setup->owner = this;
  setup->store = request.store;
  setup->stream = request.stream;
  constexpr size_t kKept = 8;  // workflows that are started in turn
  setups_.push_front(std::move(setup));
  if (setups_.size() > kKept) setups_.pop_back();
  return setups_.front();
}

Result<RunId> Session::Start(const RunRequest& request) {
  Pending pending;
  JADE_ASSIGN_OR_RETURN(pending.setup, SetupOf(request));
  const Setup& setup = *pending.setup;
  std::vector<Value> arguments;
  if (request.snippet != nullptr) {
    arguments = request.snippet->arguments;
  } else {
    JADE_ASSIGN_OR_RETURN(arguments,
                          BindInputs(*request.program, setup.workflow, request.inputs, setup.params, setup.builtins));
  }
  pending.arguments = std::make_unique<Value[]>(arguments.size());
  std::copy(arguments.begin(), arguments.end(), pending.arguments.get());
  if (!request.gold.empty()) pending.gold = std::make_unique<const std::vector<std::string>>(request.gold);
  pending.seed = request.seed;
  pending.started_unix_us = UnixMicros();
  const int64_t identity[3] = {pending.started_unix_us, static_cast<int64_t>(getpid()),
                               static_cast<int64_t>(++started_)};
  pending.id = XXH3_64bits(identity, sizeof(identity));
  if (request.store != nullptr) JADE_TRY(request.store->AddRun(NewRecord(pending)));
  const RunId run = scheduler_.Start(
      {pending.setup, setup.workflow.function, std::move(arguments), request.seed, request.budget, request.origins});
  pending_.emplace(run, std::move(pending));
  return run;
}

std::string Session::StoreId(RunId run) const {
  return fmt::format("{:016x}", pending_.at(run).id);
}

// Of a run that has just begun.
trace::RunRecord Session::NewRecord(const Pending& pending) {
  const Setup& setup = *pending.setup;
  const Program& program = *setup.request.program;
  trace::RunRecord record;
  record.status = trace::RunStatus::kUnfinished;
  record.started_unix_us = pending.started_unix_us;
  record.id = fmt::format("{:016x}", pending.id);
  record.module_name = program.name();
  record.module_hash = program.hash();
  record.workflow = setup.workflow.name;
  record.inputs_json = InputsJson(program, setup.workflow, pending.arguments.get());
  record.backbone = setup.backbone;
  record.seed = pending.seed;
  if (pending.gold != nullptr) record.gold_json = GoldJson(*pending.gold);
  return record;
}

std::optional<double> Session::RewardOf(const Pending& pending, const schedule::RunResult& result) {
  const Setup& setup = *pending.setup;
  if (setup.request.reward.empty() || pending.gold == nullptr || result.status != trace::RunStatus::kDone) {
    return std::nullopt;
  }
  const TypeTable& types = setup.request.program->types();
  std::vector<Value> gold;
  for (const std::string& one : *pending.gold) gold.push_back(Value::Text(one));
  std::vector<Value> arguments;
  for (const types::Parameter& parameter : setup.reward.signature->parameters) {
    if (types.kind(parameter.type) == TypeKind::kRecord && types[parameter.type].name == "Run") {
      arguments.push_back(RunValue(result, parameter.type, types));
    } else if (types.IsList(parameter.type)) {
      arguments.push_back(Value::List(gold));
    } else {
      arguments.push_back(result.value);
    }
  }
  interp::PureResult value = interp::EvaluatePure(setup.module, setup.reward.function, std::move(arguments),
                                                  setup.params, setup.builtins, nullptr, interp::kPureFuel, setup.code);
  if (value.trap || value.value.kind() != abi::ValueKind::kFloat) return std::nullopt;
  return value.value.as_float();
}

trace::RunRecord Session::EndRecord(const Pending& pending, const schedule::RunResult& result) {
  const Setup& setup = *pending.setup;
  trace::RunRecord record = NewRecord(pending);
  record.reward = pending.reward;
  record.status = result.status;
  record.elapsed_us = result.elapsed_us;
  record.turns = result.turns;
  record.retrievals = result.retrievals;
  record.calls = result.call_count;
  record.tokens = result.tokens;
  record.prompt_tokens = result.prompt_tokens;
  record.depth = result.depth;
  if (result.status == trace::RunStatus::kDone) {
    record.value_json = abi::ToJson(result.value, setup.workflow.signature->result, setup.request.program->types());
  } else {
    record.trap_json = result.trap->ToJson();
  }
  return record;
}

void Session::RunEnded(RunId run, const schedule::RunResult& result) {
  Pending& pending = pending_.at(run);
  pending.reward = RewardOf(pending, result);
  trace::Store* store = pending.setup->store;
  // A store that has failed says so when it is flushed.
  if (store != nullptr) (void)store->AddRun(EndRecord(pending, result));
}

void Session::ForgetPrograms() {
  JADE_CHECK(active_count() == 0, "{} runs are active", active_count());
  plans_.clear();
  constraints_.clear();
  setups_.clear();
}

FinishedRun Session::Take(RunId id) {
  schedule::RunResult result = scheduler_.Take(id);
  auto found = pending_.find(id);
  JADE_CHECK(found != pending_.end(), "run {} is not of this session", id);
  FinishedRun finished;
  finished.run = EndRecord(found->second, result);
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
