#include "bench/compiler_bench.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "bench/bare_calls.h"
#include "bench/programs.h"
#include "bench/quantile.h"
#include "bench/tier_bench.h"
#include "runtime/session/session.h"

namespace jade::bench {
namespace {

using Clock = std::chrono::steady_clock;

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

Status RunOnce(session::Session& session, const session::ProgramPtr& program, interp::CodeSource* code = nullptr) {
  session::RunRequest request;
  request.program = program;
  request.inputs = {{"question", "Who wrote Dune?"}};
  request.code = code;
  JADE_ASSIGN_OR_RETURN(const session::RunId run, session.Start(request));
  session.Drain();
  const session::FinishedRun finished = session.Take(run);
  if (finished.trap) return Error(ErrorCode::kCorrupt, finished.trap->ToString());
  return {};
}

// Microseconds from a planner's reply to the call that its plan issues first, rendered prompt and all. A session of its
// own knows no plan yet.
Result<std::vector<double>> FreshPlans(std::string_view text, const std::vector<std::string>& plans, int samples) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(text));
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
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(kPrograms));
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

// Microseconds of a call with its prompt, parsing and a record in memory.
Result<double> WholeCalls(int runs, interp::CodeSource* code) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(kChain));
  InstantEngine engine;
  session::Session session(&engine, {});
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const Clock::time_point start = Clock::now();
    JADE_TRY(RunOnce(session, program, code));
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

Result<Suspended> SuspendRuns(int runs, interp::CodeSource* code) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(kChain));
  InstantEngine engine;
  session::Session session(&engine, {});
  JADE_TRY(RunOnce(session, program, code));  // what is made once for a program is made
  engine.BeSilent();
  session::RunRequest request;
  request.program = program;
  request.code = code;
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
Status Suspensions(int runs, interp::CodeSource* code, std::vector<Figure>& figures) {
  for (const auto& [part, suffix] : {std::pair{1, ""}, std::pair{10, ".tenth"}, std::pair{100, ".hundredth"}}) {
    JADE_ASSIGN_OR_RETURN(const Suspended suspended, SuspendRuns(std::max(runs / part, 1), nullptr));
    figures.push_back({std::string("run.suspended.bytes") + suffix, suspended.bytes, "bytes"});
    figures.push_back({std::string("run.start.us") + suffix, suspended.start_us, "us"});
    figures.push_back({std::string("run.cancel.us") + suffix, suspended.cancel_us, "us"});
  }
  if (code == nullptr) return {};
  JADE_ASSIGN_OR_RETURN(const Suspended compiled, SuspendRuns(runs, code));
  figures.push_back({"run.suspended.tier1.bytes", compiled.bytes, "bytes"});
  figures.push_back({"run.start.tier1.us", compiled.start_us, "us"});
  figures.push_back({"run.cancel.tier1.us", compiled.cancel_us, "us"});
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
    JADE_TRY(LoadProgram(text));
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
  JADE_ASSIGN_OR_RETURN(const std::unique_ptr<interp::CodeSource> code, MakeCompiledCode());
  for (interp::CodeSource* tier : {static_cast<interp::CodeSource*>(nullptr), code.get()}) {
    const std::string name = tier == nullptr ? "call.tier0" : "call.tier1";
    JADE_ASSIGN_OR_RETURN(const double bare, BareCalls(options.runs, tier));
    JADE_ASSIGN_OR_RETURN(const double whole, WholeCalls(options.runs, tier));
    figures.push_back({name + ".us", bare, "us"});
    figures.push_back({name + ".whole.us", whole, "us"});
    if (code == nullptr) break;
  }
  JADE_TRY(Suspensions(options.suspended_runs, code.get(), figures));
  JADE_ASSIGN_OR_RETURN(const std::vector<Figure> tiers, BenchTiers());
  figures.insert(figures.end(), tiers.begin(), tiers.end());
  JADE_ASSIGN_OR_RETURN(const double lines, FrontEnd(options.front_end_rounds));
  figures.push_back({"frontend.lines_per_s", lines, "lines/s"});
  return figures;
}

}  // namespace jade::bench
