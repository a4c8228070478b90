#include "bench/compiler_bench.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/interp/interpreter.h"
#include "runtime/session/session.h"

namespace jade::bench {
namespace {

using Clock = std::chrono::steady_clock;

double Micros(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// q from 0 to 1; changes the order of the samples.
double Quantile(std::vector<double>& samples, double q) {
  const auto rank = static_cast<size_t>(q * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(rank), samples.end());
  return samples[rank];
}

// Answers at once with what the role is given, or never.
class InstantEngine final : public engine::Engine {
 public:
  Status Submit(engine::Request request) override {
    const Clock::time_point now = Clock::now();
    if (planner_replied_) gap_ = now - *std::exchange(planner_replied_, std::nullopt);
    if (silent_) return {};
    engine::Reply reply;
    reply.text = request.role == "Plans"             ? plan_
                 : request.role == "DecomposeSerial" ? "<q1>a</q1>"
                                                     : "<answer>x</answer>";
    const bool plans = request.role == "Plans";
    PostReply(request.id, std::move(reply));
    if (plans) planner_replied_ = Clock::now();
    return {};
  }
  void Cancel(uint64_t) override {}
  std::string Describe() const override { return "instant"; }

  void Write(std::string plan) { plan_ = "<workflow>" + std::move(plan) + "</workflow>"; }
  void BeSilent() { silent_ = true; }
  // From the reply of the last planner to the call submitted next.
  double gap_us() const { return Micros(gap_); }

 private:
  std::string plan_;
  bool silent_ = false;
  std::optional<Clock::time_point> planner_replied_;
  Clock::duration gap_{};
};

class NoPassages final : public engine::ToolProvider {
 public:
  bool Serves(std::string_view) const override { return true; }
  Status Submit(engine::ToolRequest request) override {
    PostToolReply(request.id, {"[]", std::nullopt});
    return {};
  }
  void Cancel(uint64_t) override {}
  std::string Describe() const override { return "no passages"; }
};

constexpr std::string_view kPrograms = R"(use std.rag

planner Plans(question: Query) -> Plan<Query, Answer> {
  user "{question}"
  emits <workflow> plan
  stages [QR] [R [DS]] AG | QDS([R [DS]] AG) | QDP([R [DS]] AG)
}
main workflow Solve(question: Query) -> Answer { run Plans(question) on question }
)";

constexpr std::string_view kBlocks = R"(use std.rag

planner Plans(question: Query) -> Plan<Query, Answer> {
  user "{question}"
  emits <workflow> plan
  uses QR, R, DS, AG
}
main workflow Solve(question: Query) -> Answer { run Plans(question) on question }
)";

constexpr std::string_view kChain = R"(
executor Step(question: Text) -> Text { user "{question}" emits <answer> Text }
main workflow Ten(question: Text) -> Text {
  Step(Step(Step(Step(Step(Step(Step(Step(Step(Step(question))))))))))
}
)";

Result<session::ProgramPtr> Load(std::string_view text) {
  const session::Loaded loaded = session::Program::LoadText("bench.jade", std::string(text));
  if (loaded.program != nullptr) return loaded.program;
  return Error(ErrorCode::kCorrupt, loaded.diagnostics.empty() ? "no program" : loaded.diagnostics[0].message);
}

Status RunOnce(session::Session& session, const session::ProgramPtr& program) {
  session::RunRequest request;
  request.program = program;
  request.inputs = {{"question", "Who wrote Dune?"}};
  JADE_ASSIGN_OR_RETURN(const session::RunId run, session.Start(request));
  session.Drain();
  const session::FinishedRun finished = session.Take(run);
  if (finished.trap) return Error(ErrorCode::kCorrupt, finished.trap->ToString());
  return {};
}

// Microseconds from a planner's reply to the call that its plan issues first, rendered prompt and all. A session of its
// own knows no plan yet.
Result<std::vector<double>> FreshPlans(std::string_view text, const std::vector<std::string>& plans, int samples) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, Load(text));
  std::vector<double> times;
  const int warm_up = samples / 10 + 1;
  for (int i = 0; i < samples + warm_up; ++i) {
    InstantEngine engine;
    NoPassages passages;
    session::Session session(&engine, {&passages});
    engine.Write(fmt::format(fmt::runtime(plans[static_cast<size_t>(i) % plans.size()]), i));
    JADE_TRY(RunOnce(session, program));
    if (i >= warm_up) times.push_back(engine.gap_us());
  }
  return times;
}

// A text seen before, until it is a value to run.
Result<std::vector<double>> CachedPlans(int samples) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, Load(kPrograms));
  session::PlanCache cache(program);
  const ir::CalleeId planner = program->module()->FindCallee("Plans");
  const std::string text = "QDS(R,DS,AG)";
  (void)cache.Compile(program->module(), planner, text, 1);
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    const Clock::time_point start = Clock::now();
    const call::CompiledPlan plan = cache.Compile(program->module(), planner, text, 1);
    times.push_back(Micros(Clock::now() - start));
  }
  return times;
}

// Takes calls and answers them when the task waits; what a call costs besides is the interpreter's own.
class BareHost final : public interp::Host {
 public:
  void Issue(IssueArguments arguments) override {
    ++calls_;
    waiting_.push_back(std::move(arguments.future));
  }
  void CancelCall(uint64_t) override {}
  void Ready(const interp::TaskPtr& task) override { ready_ = task; }
  int64_t NowMicros() const override { return 0; }
  void WatchDeadline(const interp::ScopePtr&) override {}
  void PlanOverrun(uint64_t) override {}
  void ScriptReply(const ir::Callee&, std::span<const abi::Value>) override {}
  void Expect(const interp::Task&, const ir::Op&, std::span<const abi::Value>) override {}
  double PenaltyOf(const ir::Callee&) override { return 0; }
  int64_t CallsOf(const ir::Callee&) override { return 0; }

  int calls() const { return calls_; }

  // To its end.
  void Drive(interp::RunContext& run, interp::TaskPtr task) {
    ready_ = std::move(task);
    while (ready_ != nullptr) {
      const interp::TaskPtr now = std::exchange(ready_, nullptr);
      interp::Advance(now, 4096);
      for (const interp::FuturePtr& future : std::exchange(waiting_, {})) interp::Settle(run, *future, value_);
    }
  }

 private:
  const abi::Value value_ = abi::Value::Text("x");
  int calls_ = 0;
  std::vector<interp::FuturePtr> waiting_;
  interp::TaskPtr ready_;
};

// Microseconds of a call in the interpreter: issue, path, budget, suspend, resume; no prompt, no parsing, no record.
Result<double> BareCalls(int runs) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, Load(kChain));
  const ir::FunctionId entry = program->module()->FindFunction("Ten");
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    BareHost host;
    interp::RunContext run;
    run.host = &host;
    run.root = interp::MakeLocal<interp::Scope>();
    const Clock::time_point start = Clock::now();
    const interp::TaskPtr task = interp::MakeTask(&run, program->module(), entry, {abi::Value::Text("q")},
                                                  interp::CallPath::Root("Ten"), run.root);
    host.Drive(run, task);
    times.push_back(Micros(Clock::now() - start) / 10);
    if (task->result->state != interp::Future::State::kReady || host.calls() != 10) {
      return Error(ErrorCode::kCorrupt, "the chain of ten calls did not end");
    }
  }
  return Quantile(times, 0.5);
}

// The same with prompts, parsing and records in memory.
Result<double> WholeCalls(int runs) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, Load(kChain));
  InstantEngine engine;
  session::Session session(&engine, {});
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const Clock::time_point start = Clock::now();
    JADE_TRY(RunOnce(session, program));
    times.push_back(Micros(Clock::now() - start) / 10);
  }
  return Quantile(times, 0.5);
}

struct Suspended {
  double bytes = 0;      // of a run
  double start_us = 0;   // until it waits
  double cancel_us = 0;  // until it is over
};

// Of the process: what malloc has given out and what it has mapped.
size_t HeapBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

Result<Suspended> SuspendRuns(int runs) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, Load(kChain));
  InstantEngine engine;
  engine.BeSilent();
  session::Session session(&engine, {});
  session::RunRequest request;
  request.program = program;
  request.inputs = {{"question", "Who wrote Dune?"}};
  const size_t before = HeapBytes();
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < runs; ++i) JADE_TRY(session.Start(request));
  session.Pump(std::chrono::microseconds(0));
  const Clock::time_point waiting = Clock::now();
  const size_t after = HeapBytes();
  const Clock::time_point before_end = Clock::now();
  session.CancelAll();
  return Suspended{static_cast<double>(after - before) / runs, Micros(waiting - start) / runs,
                   Micros(Clock::now() - before_end) / runs};
}

// The most runs, and a tenth and a hundredth of them: what one costs must not grow with how many there are.
Status Suspensions(int runs, std::vector<Figure>& figures) {
  for (const auto& [part, suffix] : {std::pair{1, ""}, std::pair{10, ".tenth"}, std::pair{100, ".hundredth"}}) {
    JADE_ASSIGN_OR_RETURN(const Suspended suspended, SuspendRuns(std::max(runs / part, 1)));
    figures.push_back({std::string("run.suspended.bytes") + suffix, suspended.bytes, "bytes"});
    figures.push_back({std::string("run.start.us") + suffix, suspended.start_us, "us"});
    figures.push_back({std::string("run.cancel.us") + suffix, suspended.cancel_us, "us"});
  }
  return {};
}

// Lines a second from text to JIR after the passes.
Result<double> FrontEnd(int rounds) {
  constexpr int kCopies = 200;
  std::string text = "type Query = new Text\ntype Answer = new Text\n";
  for (int i = 0; i < kCopies; ++i) {
    text += fmt::format(R"(
// Asks {0}.
executor Ask{0}(question: Query, notes: [Answer] = []) -> Answer {{
  system "Answer."
  user """{{for n in notes}}{{n}}
          {{end}}Question: {{question}}"""
  emits <answer> Answer
  check terms(result) <= 40
  malformed Answer(raw)
  penalty 2.0
}}
workflow Solve{0}(question: Query) -> Answer {{
  let first = Ask{0}(question)
  let both = each part in [question, Query("{{question}} again")] {{ Ask{0}(part, [first]) }}
  if len(both) > 1 {{ both[0] }} else {{ first }}
}}
)",
                        i);
  }
  const auto lines = static_cast<double>(std::count(text.begin(), text.end(), '\n'));
  std::vector<double> rates;
  for (int i = 0; i < rounds; ++i) {
    const Clock::time_point start = Clock::now();
    JADE_TRY(Load(text));
    rates.push_back(lines * 1e6 / Micros(Clock::now() - start));
  }
  return Quantile(rates, 0.5);
}

}  // namespace

Result<std::vector<Figure>> BenchCompiler(const CompilerBenchOptions& options) {
  std::vector<Figure> figures;
  const std::vector<std::string> pipelines = {"QDS(R,DS,AG)", "QDP(R,AG)", "QR,R,DS,AG", "QDS(AG)"};
  const std::vector<std::string> blocks = {
      "let a = R(question, {0}); let b = R(QR(question, question)); AG(question, DS(question, a + b))"};
  JADE_ASSIGN_OR_RETURN(std::vector<double> fresh, FreshPlans(kPrograms, pipelines, options.samples));
  JADE_ASSIGN_OR_RETURN(std::vector<double> block, FreshPlans(kBlocks, blocks, options.samples));
  JADE_ASSIGN_OR_RETURN(std::vector<double> cached, CachedPlans(options.samples));
  figures.push_back({"plan.fresh.us.p50", Quantile(fresh, 0.5), "us"});
  figures.push_back({"plan.fresh.us.p99", Quantile(fresh, 0.99), "us"});
  figures.push_back({"plan.fresh_block.us.p50", Quantile(block, 0.5), "us"});
  figures.push_back({"plan.fresh_block.us.p99", Quantile(block, 0.99), "us"});
  figures.push_back({"plan.cached.us.p50", Quantile(cached, 0.5), "us"});
  JADE_ASSIGN_OR_RETURN(const double bare, BareCalls(options.runs));
  figures.push_back({"call.tier0.us", bare, "us"});
  JADE_ASSIGN_OR_RETURN(const double whole, WholeCalls(options.runs));
  figures.push_back({"call.tier0.whole.us", whole, "us"});
  JADE_TRY(Suspensions(options.suspended_runs, figures));
  JADE_ASSIGN_OR_RETURN(const double lines, FrontEnd(options.front_end_rounds));
  figures.push_back({"frontend.lines_per_s", lines, "lines/s"});
  return figures;
}

}  // namespace jade::bench
