#pragma once
// What the engine's thread does, without the thread: takes calls, runs steps, samples, answers. Owns the calls; the
// executor outlives it.

#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/backbone/call.h"
#include "runtime/backbone/executor.h"
#include "runtime/backbone/observation.h"
#include "runtime/backbone/scheduler.h"
#include "runtime/backbone/serving.h"

namespace jade::backbone {

// Where answers go.
class EngineAnswers {
 public:
  virtual ~EngineAnswers() = default;
  virtual void Started(uint64_t id) = 0;
  virtual void Delta(uint64_t id, std::string text) = 0;
  virtual void Replied(uint64_t id, engine::Reply reply) = 0;
};

class EngineLoop {
 public:
  // A change of a policy's weights; see ServingEngine::Refresh.
  struct Change {
    int policy = 0;
    std::function<void()> change;
    std::promise<Status> done;
  };

  EngineLoop(Executor* executor, SchedulerOptions options, EngineAnswers* answers)
      : executor_(*executor),
        answers_(*answers),
        scheduler_(executor, options),
        deferred_(static_cast<size_t>(options.policies)) {}

  void Add(std::unique_ptr<Call> call);
  void Cancel(uint64_t id);
  void Refresh(std::unique_ptr<Change> change);
  // Runs one step, if there is something to do.
  void Step();
  // Ends everything: calls are cancelled, changes too.
  void Stop();

  // Whether Step has something to do.
  bool busy() const { return scheduler_.size() > 0; }
  ServingStatistics statistics() const;

 private:
  // What waits for a change of weights, in order: a change, or a call.
  struct Deferred {
    std::unique_ptr<Change> change;
    Call* call = nullptr;
  };

  void Begin(Call* call);
  void ApplyChanges(int policy);
  void RunStep(const Scheduler::Plan& plan);
  void Sample(std::span<float> logits);
  void Answer(Call* call, Clock::time_point now);
  void Close(Call* call);
  void Fail(Call* call, const Error& error);
  void FailStep(const Error& error);

  Executor& executor_;
  EngineAnswers& answers_;
  Scheduler scheduler_;
  RoleStarts role_starts_;
  std::unordered_map<uint64_t, std::unique_ptr<Call>> calls_;
  std::vector<std::deque<Deferred>> deferred_;  // by policy
  std::vector<Call*> stepping_, sampling_;      // calls in the step under way; those that get a token
  uint64_t arrivals_ = 0;
  ServingStatistics counts_;  // what the scheduler does not count
};

}  // namespace jade::backbone
