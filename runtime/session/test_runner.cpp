#include "runtime/session/test_runner.h"

#include <fmt/format.h>

#include "runtime/engine/scripted.h"
#include "runtime/schedule/scheduler.h"
#include "runtime/session/plan_cache.h"
#include "runtime/session/session.h"

namespace jade::session {

namespace {

class Script final : public schedule::TestHooks {
 public:
  Script(engine::ScriptedEngine* engine, engine::ScriptedTools* tools, TestResult* result)
      : engine_(engine), tools_(tools), result_(result) {}

  void Reply(const ir::Callee& callee, const std::vector<std::string>& texts) override {
    for (const std::string& text : texts) {
      if (callee.kind == ir::CalleeKind::kTool) {
        tools_->Add(callee.name, {text, 0, std::nullopt});
      } else {
        engine_->Add(callee.name, text);
      }
    }
  }
  void Expect(bool held, abi::Trap place, const std::string& left, const std::string& right) override {
    ++result_->expectations;
    if (!held) result_->failures.push_back({std::move(place), left, right});
  }

 private:
  engine::ScriptedEngine* engine_;
  engine::ScriptedTools* tools_;
  TestResult* result_;
};

TestResult RunTest(const ProgramPtr& program, ir::FunctionId id, PlanCache* plans, const TestOptions& options) {
  const ir::Function& function = program->module()->function(id);
  TestResult result;
  result.name = function.name;
  if (function.file != ir::kInvalidIndex) result.file = program->module()->file(function.file);
  result.span = function.span;
  engine::ScriptOptions script;
  script.repeat_last = true;
  if (options.shuffle_seed != 0) {
    script.order = engine::ScriptOptions::Order::kShuffled;
    script.seed = options.shuffle_seed;
  }
  auto schedule = std::make_shared<engine::ScriptSchedule>(script);
  engine::ScriptedEngine engine(schedule);
  engine::ScriptedTools tools(schedule);
  Script hooks(&engine, &tools, &result);
  auto setup = std::make_shared<schedule::RunSetup>();
  setup->module = program->module();
  setup->plans = plans;
  setup->test = &hooks;
  setup->code = options.code;
  schedule::RunSpec spec;
  spec.entry = id;
  spec.budget.calls = 10'000;
  spec.budget.depth = 64;
  spec.budget.tokens = 10'000'000;
  Result<std::vector<abi::Value>> params = BindParams(*program, {}, setup->builtins);
  if (!params.ok()) {
    result.trap = abi::Trap{abi::TrapKind::kCallFailed, params.error().ToString(), result.file, result.span, ""};
    return result;
  }
  setup->params = std::move(params).value();
  spec.setup = std::move(setup);
  schedule::Scheduler scheduler(&engine, {&tools}, engine.clock());
  const schedule::RunId run = scheduler.Start(std::move(spec));
  scheduler.Drain();
  result.trap = scheduler.Take(run).trap;
  if (result.trap) return result;
  for (const auto& unused : {engine.Unused(), tools.Unused()}) {
    for (const auto& [role, count] : unused) {
      result.unused_replies.push_back(fmt::format("{} {} of `{}`", count, count == 1 ? "reply" : "replies", role));
    }
  }
  return result;
}

}  // namespace

std::vector<TestResult> RunTests(const ProgramPtr& program, const TestOptions& options) {
  std::vector<TestResult> results;
  PlanCache plans(program);
  const ir::Module& module = *program->module();
  for (uint32_t i = 0; i < module.function_count(); ++i) {
    const ir::Function& function = module.function({i});
    if (function.kind != ir::FunctionKind::kTest) continue;
    if (function.file != ir::kInvalidIndex && module.file(function.file)->name() != program->name()) continue;
    if (function.name.find(options.filter) == std::string::npos) continue;
    results.push_back(RunTest(program, {i}, &plans, options));
  }
  return results;
}

}  // namespace jade::session
