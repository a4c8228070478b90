#include "bench/bare_calls.h"

#include <chrono>
#include <utility>
#include <vector>

#include "bench/programs.h"
#include "bench/quantile.h"
#include "runtime/interp/interpreter.h"

namespace jade::bench {

namespace {

using Clock = std::chrono::steady_clock;

// Takes calls and answers them when the task waits.
class BareHost final : public interp::Host {
 public:
  void Issue(IssueArguments arguments) override {
    ++calls_;
    streams_ += interp::StreamKey(7, *arguments.path)[0];
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
  uint64_t streams() const { return streams_; }

  // To its end.
  void Drive(interp::RunContext& run, interp::TaskPtr task) {
    ready_ = std::move(task);
    std::vector<interp::FuturePtr> answered;
    while (ready_ != nullptr) {
      const interp::TaskPtr now = std::exchange(ready_, nullptr);
      interp::Advance(now, 4096);
      answered.swap(waiting_);
      for (const interp::FuturePtr& future : answered) interp::Settle(run, *future, value_);
      answered.clear();
    }
  }

 private:
  const abi::Value value_ = abi::Value::Text("x");
  int calls_ = 0;
  uint64_t streams_ = 0;
  std::vector<interp::FuturePtr> waiting_;
  interp::TaskPtr ready_;
};

}  // namespace

Result<double> BareCalls(int runs, interp::CodeSource* code) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(kChain));
  const ir::FunctionId entry = program->module()->FindFunction("Ten");
  std::vector<double> times;
  uint64_t streams = 0;
  for (int i = 0; i < runs; ++i) {
    BareHost host;
    interp::RunContext run;
    run.host = &host;
    run.root = interp::MakeLocal<interp::Scope>();
    run.code = code;
    const Clock::time_point start = Clock::now();
    const interp::TaskPtr task = interp::MakeTask(&run, program->module(), entry, {abi::Value::Text("q")},
                                                  interp::CallPath::Root("Ten"), run.root);
    host.Drive(run, task);
    times.push_back(Micros(Clock::now() - start) / 10);
    if (task->result->state != interp::Future::State::kReady || host.calls() != 10) {
      return Error(ErrorCode::kCorrupt, "the chain of ten calls did not end");
    }
    if (streams != 0 && streams != host.streams()) return Error(ErrorCode::kCorrupt, "random streams differ");
    streams = host.streams();
  }
  return Quantile(times, 0.5);
}

}  // namespace jade::bench
