#include "bench/plan_churn.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "bench/programs.h"
#include "bench/quantile.h"
#include "runtime/schedule/scheduler.h"
#include "runtime/session/plan_cache.h"
#include "runtime/session/session.h"

namespace jade::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kProgram = R"(
executor Ask(question: Text, number: Int = 0) -> Text { user "{question} {number}" emits <answer> Text }
planner Plans(question: Text) -> Plan<Text, Text> {
  user "{question}"
  emits <workflow> plan
  uses Ask
  malformed Ask
  invalid Ask
}
main workflow Solve(question: Text) -> Text { run Plans(question) on question }
)";

// One plan in 16 is not of the planner's language, one names what there is not.
bool IsRefused(uint64_t number) {
  return number % 8 == 7;
}

std::string PlanText(uint64_t number) {
  if (number % 16 == 7) return fmt::format("Ask(question, {}", number);
  if (number % 16 == 15) return fmt::format("Other(question, {})", number);
  return fmt::format(
      "let a = Ask(question, {0}); let b = Ask(question, {0} + 1); let n = if a == b {{ {0} }} else {{ 0 }}; "
      "Ask(if n > 1000 {{ a }} else {{ b }}, n * 2)",
      number);
}

class PlanWriter final : public engine::Engine {
 public:
  Status Submit(engine::Request request) override {
    engine::Reply reply;
    reply.text = request.role == "Plans" ? fmt::format("<workflow>{}</workflow>", PlanText(next_++))
                                         : std::string("<answer>x</answer>");
    PostReply(request.id, std::move(reply));
    return {};
  }
  void Cancel(uint64_t) override {}
  std::string Describe() const override { return "plan writer"; }

 private:
  uint64_t next_ = 0;
};

// The program always has code, plans when it is their turn.
class Turns final : public interp::CodeSource {
 public:
  explicit Turns(interp::CodeSource* code) : code_(code) {}
  interp::NativeFunctionPtr Find(const ir::ModulePtr& module, ir::FunctionId function) override {
    const bool plan = function.index >= module->first_function() && module->base() != nullptr;
    return plan && !turn_ ? nullptr : code_->Find(module, function);
  }
  void SetTurn(bool turn) { turn_ = turn; }

 private:
  interp::CodeSource* code_;
  bool turn_ = false;
};

double ResidentMegabytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

double HeapMegabytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd) / 1e6;
}

class Churn {
 public:
  static Result<std::unique_ptr<Churn>> Create(const PlanChurnOptions& options, interp::CodeSource* code) {
    JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(kProgram));
    auto churn = std::make_unique<Churn>(options, program, code);
    JADE_ASSIGN_OR_RETURN(const session::Program::Workflow workflow, program->FindWorkflow(""));
    JADE_ASSIGN_OR_RETURN(churn->arguments_,
                          session::BindInputs(*program, workflow, {{"question", "Who wrote Dune?"}}, {}, {}));
    churn->entry_ = workflow.function;
    return churn;
  }

  Churn(const PlanChurnOptions& options, const session::ProgramPtr& program, interp::CodeSource* code)
      : options_(options), program_(program), plans_(program, options.kept), turns_(code) {
    setup_->module = program->module();
    setup_->plans = &plans_;
    setup_->code = code == nullptr ? nullptr : &turns_;
  }

  Status Run(uint64_t plans) {
    for (uint64_t i = 0; i < plans; ++i, ++run_) {
      if (options_.cancel != nullptr && *options_.cancel) return Error(ErrorCode::kCancelled, "interrupted");
      if (options_.progress != nullptr) options_.progress->Update(run_, "");
      const bool native = options_.native_every != 0 && run_ % options_.native_every == 0;
      turns_.SetTurn(native);
      schedule::RunSpec spec;
      spec.setup = setup_;
      spec.entry = entry_;
      spec.arguments = arguments_;
      spec.seed = run_;
      const schedule::RunId run = scheduler_.Start(std::move(spec));
      scheduler_.Drain();
      const schedule::RunResult result = scheduler_.Take(run);
      if (result.trap) return Error(ErrorCode::kCorrupt, result.trap->ToString());
      // A planner's call and those of its plan; a refused plan's fallback makes one.
      const int64_t expected = IsRefused(run_) ? 2 : 4;
      if (result.call_count != expected) return Error(ErrorCode::kCorrupt, PlanText(run_) + " did not run");
    }
    return {};
  }
  size_t types() const { return program_->types().size(); }
  uint64_t hits() const { return plans_.hits(); }

 private:
  PlanChurnOptions options_;
  session::ProgramPtr program_;
  session::PlanCache plans_;
  Turns turns_;
  std::shared_ptr<schedule::RunSetup> setup_ = std::make_shared<schedule::RunSetup>();
  std::vector<abi::Value> arguments_;
  ir::FunctionId entry_;
  PlanWriter engine_;
  schedule::Scheduler scheduler_{&engine_, {}, nullptr};
  uint64_t run_ = 0;
};

}  // namespace

Result<std::vector<Figure>> BenchPlanChurn(const PlanChurnOptions& options, interp::CodeSource* code) {
  JADE_ASSIGN_OR_RETURN(const std::unique_ptr<Churn> churn, Churn::Create(options, code));
  progress::SilentSink silent;
  progress::Sink& progress = options.progress != nullptr ? *options.progress : silent;
  progress.Begin({.name = "compiling plans", .unit = "plans", .total = 2 * options.kept + options.plans});
  // As many as are kept, twice: what grows while the cache fills is not what is looked for.
  JADE_TRY(churn->Run(2 * options.kept));
  std::vector<Figure> figures;
  const auto note = [&figures](std::string_view point) {
    figures.push_back({fmt::format("churn.{}.rss.mb", point), ResidentMegabytes(), "MB"});
    figures.push_back({fmt::format("churn.{}.heap.mb", point), HeapMegabytes(), "MB"});
  };
  note("start");
  const size_t types = churn->types();
  const Clock::time_point start = Clock::now();
  constexpr std::array kPoints = {"quarter", "half", "three_quarters", "end"};
  for (size_t i = 0; i < kPoints.size(); ++i) {
    JADE_TRY(churn->Run(options.plans * (i + 1) / kPoints.size() - options.plans * i / kPoints.size()));
    note(kPoints[i]);
  }
  progress.End();
  figures.push_back({"churn.plan.us", Micros(Clock::now() - start) / static_cast<double>(options.plans), "us"});
  figures.push_back({"churn.types", static_cast<double>(churn->types() - types), "types"});
  if (churn->hits() > 0) return Error(ErrorCode::kCorrupt, "a plan was seen twice");
  return figures;
}

}  // namespace jade::bench
