#include "tests/differential/configurations.h"

#include <array>

#include "compiler/abi/value_json.h"
#include "runtime/schedule/scheduler.h"
#include "runtime/session/session.h"
#ifdef JADE_HAS_JIT
#include "runtime/jit/tiers.h"
#endif
#include "tests/differential/scripted_world.h"

namespace jade::differential {
namespace {

using Order = engine::ScriptOptions::Order;

constexpr double kSeconds = 1e6;  // of virtual time: far more than any run takes

constexpr std::array kConfigurations = {
    Configuration{.name = "interpreter"},
    Configuration{.name = "shuffled", .order = Order::kShuffled, .shuffle = 1},
    Configuration{.name = "shuffled again", .order = Order::kShuffled, .shuffle = 2},
    Configuration{.name = "passes off", .program = &Subject::plain},
    Configuration{.name = "passes off, shuffled", .program = &Subject::plain, .order = Order::kShuffled, .shuffle = 3},
    Configuration{.name = "reread", .reread = true},
    Configuration{.name = "at once", .copies = 4},
    Configuration{.name = "at once, shuffled", .order = Order::kShuffled, .shuffle = 4, .copies = 6},
    Configuration{.name = "plain code", .tier = Tier::kPlainCode},
    Configuration{.name = "optimised code", .tier = Tier::kOptimisedCode},
    Configuration{.name = "optimised code, shuffled",
                  .order = Order::kShuffled,
                  .shuffle = 5,
                  .copies = 3,
                  .tier = Tier::kOptimisedCode},
    Configuration{.name = "hot code", .copies = 4, .tier = Tier::kHotCode},
    Configuration{
        .name = "hot code, shuffled", .order = Order::kShuffled, .shuffle = 6, .copies = 8, .tier = Tier::kHotCode},
};

Result<schedule::RunSpec> SpecOf(const Subject& subject, const session::ProgramPtr& program,
                                 const std::shared_ptr<schedule::RunSetup>& setup) {
  const GeneratedProgram& generated = *subject.generated;
  schedule::RunSpec spec;
  JADE_ASSIGN_OR_RETURN(const session::Program::Workflow workflow, program->FindWorkflow("Main"));
  JADE_ASSIGN_OR_RETURN(setup->params, session::BindParams(*program, generated.params, setup->builtins));
  JADE_ASSIGN_OR_RETURN(spec.arguments,
                        session::BindInputs(*program, workflow, generated.inputs, setup->params, setup->builtins));
  setup->module = program->module();
  spec.setup = setup;
  spec.entry = workflow.function;
  spec.seed = generated.seed;
  spec.budget.depth = generated.depth;
  spec.budget.calls = generated.calls;
  spec.budget.tokens = generated.tokens;
  spec.budget.seconds = kSeconds;
  return spec;
}

// False when runs are still active long after their time was over: nothing will end them.
bool RunToTheEnd(schedule::Scheduler& scheduler) {
  constexpr int kLate = 1000;
  int late = 0;
  while (scheduler.Pump(std::chrono::microseconds(0))) {
    if (scheduler.clock().NowMicros() >= static_cast<int64_t>(kSeconds * 1e6) && ++late > kLate) return false;
  }
  return true;
}

}  // namespace

#ifdef JADE_HAS_JIT
bool CodeSources::Available() {
  return true;
}

interp::CodeSource* CodeSources::Of(Tier tier) {
  if (tier == Tier::kInterpreter) return nullptr;
  std::unique_ptr<interp::CodeSource>& source = sources_[tier];
  if (source == nullptr) {
    jit::JitOptions options;
    options.optimise = tier == Tier::kOptimisedCode ? codegen::Optimise::kFull : codegen::Optimise::kNone;
    auto jit = jit::Jit::Create(options);
    JADE_CHECK(jit.ok(), "{}", jit.error().ToString());
    source = std::make_unique<jit::Tiers>(*jit, jit::TierOptions{.at_once = tier != Tier::kHotCode, .hot_entries = 2});
  }
  return source.get();
}
#else
bool CodeSources::Available() {
  return false;
}

interp::CodeSource* CodeSources::Of(Tier) {
  return nullptr;
}
#endif

std::span<const Configuration> Configurations() {
  return kConfigurations;
}

std::vector<Outcome> RunIn(const Configuration& configuration, const Subject& subject, CodeSources& code) {
  const session::ProgramPtr& program = subject.*configuration.program;
  const auto setup = std::make_shared<schedule::RunSetup>();
  Result<schedule::RunSpec> spec = SpecOf(subject, program, setup);
  if (!spec.ok()) {
    Outcome refused;
    refused.refused = spec.error().ToString();
    return {refused};
  }
  if (configuration.reread) {
    spec->entry = subject.reread->FindFunction(setup->module->function(spec->entry).name);
    setup->module = subject.reread;
  }
  setup->code = code.Of(configuration.tier);
  session::PlanCache plans(program);
  setup->plans = &plans;
  World world(*subject.generated, {.order = configuration.order, .seed = configuration.shuffle});
  schedule::Scheduler scheduler(&world.engine, {&world.tools}, world.engine.clock());
  std::vector<schedule::RunId> runs;
  for (int i = 0; i < configuration.copies; ++i) runs.push_back(scheduler.Start(*spec));
  if (!RunToTheEnd(scheduler)) {
    Outcome stalled;
    stalled.refused = "stalled: a run waits for what nobody will give it";
    return {stalled};
  }
  std::vector<Outcome> outcomes;
  const types::TypeId type = setup->module->function(spec->entry).result;
  for (const schedule::RunId run : runs) {
    schedule::RunResult result = scheduler.Take(run);
    const bool done = result.status == trace::RunStatus::kDone;
    const std::string value = done ? abi::ToJson(result.value, type, setup->module->types()) : "";
    outcomes.push_back(OutcomeOf(std::move(result), value));
  }
  return outcomes;
}

}  // namespace jade::differential
