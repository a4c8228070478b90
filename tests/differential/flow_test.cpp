// The data flow of generated programs: what changes when a call says something else uses that call, near or far; and
// the flow is the same with and without passes.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/replay/counterfactual.h"
#include "runtime/replay/dataflow_tracer.h"
#include "tests/differential/program_generator.h"
#include "tests/differential/scripted_world.h"

namespace jade::differential {
namespace {

using replay::DataFlow;
using session::FinishedRun;
using session::RunRequest;
using trace::CallRecord;
using trace::CallStatus;

constexpr uint64_t kPrograms = 60;
constexpr size_t kCallsOfEach = 5;

std::map<std::string, const CallRecord*> ByPath(const std::vector<CallRecord>& calls) {
  std::map<std::string, const CallRecord*> by_path;
  for (const CallRecord& call : calls) by_path.emplace(call.path, &call);
  return by_path;
}

// Calls of which the order of events may have decided whether they were made are not looked at.
bool IsUndisturbed(const FinishedRun& run) {
  return run.value.has_value() && std::ranges::all_of(run.calls, [](const CallRecord& call) {
           return call.status == CallStatus::kDone && call.role != kCaughtTool;
         });
}

bool IsShownTheSame(const CallRecord& a, const CallRecord& b) {
  return std::ranges::equal(a.messages, b.messages, [](const trace::CallMessage& x, const trace::CallMessage& y) {
    return x.role == y.role && x.text == y.text;
  });
}

// By call, and last for the value: all calls that it uses, near and far.
std::vector<std::set<uint32_t>> Reach(const DataFlow& flow) {
  const auto uses = replay::AllUses(flow);
  std::vector<std::set<uint32_t>> reach(uses.size());
  for (size_t i = 0; i < uses.size(); ++i) {
    for (const uint32_t used : uses[i]) {
      reach[i].insert(used);
      reach[i].insert(reach[used].begin(), reach[used].end());
    }
  }
  return reach;
}

// By path; "=" is the value.
std::map<std::string, std::set<std::string>> Named(const DataFlow& flow, const std::vector<CallRecord>& calls) {
  std::map<std::string, std::set<std::string>> named;
  const auto uses = replay::AllUses(flow);
  for (size_t i = 0; i < uses.size(); ++i) {
    std::set<std::string>& names = named[i < calls.size() ? calls[i].path : "="];
    for (const uint32_t used : uses[i]) names.insert(calls[used].path);
  }
  return named;
}

struct Traced {
  FinishedRun run;
  DataFlow flow;
  std::vector<std::set<uint32_t>> reach;
};

class FlowTest : public ::testing::Test {
 protected:
  static RunRequest RequestOf(const GeneratedProgram& program, const session::LoadOptions& options = {}) {
    RunRequest request;
    request.program = session::Program::LoadText("main.jade", program.text, options).program;
    request.workflow = "Main";
    request.inputs = program.inputs;
    request.params = program.params;
    request.seed = program.seed;
    request.budget.depth = program.depth;
    request.budget.calls = program.calls;
    request.budget.tokens = program.tokens;
    request.budget.seconds = 1e6;
    return request;
  }
  DataFlow FlowOf(const RunRequest& request, const std::vector<CallRecord>& calls) {
    const Result<DataFlow> flow = tracer_.Trace(request, calls);
    EXPECT_TRUE(flow.ok()) << flow.error().ToString();
    return flow.ok() ? *flow : DataFlow{};
  }
  // What differs between the runs must use the call that was sampled anew, in the run where it is.
  void Compare(const Traced& one, const Traced& other, size_t sampled_in_one) {
    const auto others = ByPath(other.run.calls);
    const auto sampled = static_cast<uint32_t>(sampled_in_one);
    for (size_t i = 0; i < one.run.calls.size(); ++i) {
      const CallRecord& call = one.run.calls[i];
      const auto found = others.find(call.path);
      if (found != others.end() && IsShownTheSame(call, *found->second)) continue;
      ++changes_;
      EXPECT_TRUE(one.reach[i].contains(sampled)) << call.path << " changed with " << one.run.calls[sampled].path;
    }
    if (one.run.answer == other.run.answer) return;
    ++changes_;
    EXPECT_TRUE(one.reach.back().contains(sampled)) << "the value changed with " << one.run.calls[sampled].path;
  }

  replay::DataFlowTracer tracer_;
  size_t changes_ = 0;
};

TEST_F(FlowTest, WhatChangesWithACallUsesIt) {
  size_t flows = 0;
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    SCOPED_TRACE("program " + std::to_string(seed));
    const GeneratedProgram program = GenerateProgram(seed);
    const RunRequest request = RequestOf(program);
    ASSERT_NE(request.program, nullptr);
    World world(program, {});
    replay::ResamplingEngine engine(&world.engine);
    replay::ResamplingTools tools({&world.tools});
    session::Session session(&engine, {&tools}, world.engine.clock());
    replay::Counterfactuals resampled(&session, &engine, &tools);
    const auto run = session.Start(request);
    ASSERT_TRUE(run.ok()) << run.error().ToString();
    session.Drain();
    Traced first{session.Take(*run), {}, {}};
    first.flow = FlowOf(request, first.run.calls);
    if (!IsUndisturbed(first.run)) continue;
    ++flows;
    static const passes::PassList none;
    const RunRequest plain = RequestOf(program, {.passes = &none, .plan_passes = &none});
    EXPECT_EQ(Named(FlowOf(plain, first.run.calls), first.run.calls), Named(first.flow, first.run.calls));
    first.reach = Reach(first.flow);

    const auto recorded = std::make_shared<const replay::RecordedRun>(replay::RecordedRun{request, first.run.calls});
    size_t sampled = 0;
    for (size_t call = 0; call < first.run.calls.size() && sampled < kCallsOfEach; ++call) {
      const CallRecord& record = first.run.calls[call];
      if (record.kind == trace::CallKind::kTool) continue;
      ++sampled;
      RunRequest again = request;
      again.seed = replay::AlternativeSeed(request, record.path_hash, 0);
      // The one call answers as in another world.
      world.engine.SetMatcher([&, key = replay::StreamKeyOf(again.seed, record.path_hash)](const engine::Request& one) {
        return ReplyTo(one, program, one.sampling.stream == key ? program.seed + 1 : program.seed);
      });
      const auto started = resampled.Start(recorded, call, 1);
      ASSERT_TRUE(started.ok()) << started.error().ToString();
      session.Drain();
      replay::Alternative alternative = resampled.Take(started->front());
      if (!IsUndisturbed(alternative.finished)) continue;
      ASSERT_TRUE(alternative.call.has_value());
      Traced second{std::move(alternative.finished), {}, {}};
      second.flow = FlowOf(again, second.run.calls);
      second.reach = Reach(second.flow);
      Compare(first, second, call);
      Compare(second, first, *alternative.call);
    }
  }
  EXPECT_GT(flows, kPrograms / 4);
  EXPECT_GT(changes_, kPrograms);
}

}  // namespace
}  // namespace jade::differential
