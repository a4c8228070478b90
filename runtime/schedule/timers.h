#pragma once
// Internal to runtime/schedule: what is to happen at which time. Nearly all of it is the end of a run's seconds, which
// takes 24 bytes and no allocation of its own. Equal times fire in the order in which they were set. Those of runs that
// have ended are swept out now and then, so that there are never many more than the runs under way need. One thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "runtime/schedule/run.h"

namespace jade::schedule {

class Timers {
 public:
  using Action = std::function<void()>;
  // Without an action: the run's time is over.
  struct Fired {
    RunId run = 0;
    Action action;
  };

  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  int64_t next() const { return heap_.front().micros; }
  void AtEndOf(RunId run, int64_t micros) { Push(micros, run, 0); }
  void At(RunId run, int64_t micros, Action action) { actions_.emplace(Push(micros, run, kActs), std::move(action)); }
  Fired Pop();

  // A run has ended. `is_over(RunId)` says of which runs that is so.
  template <typename IsOver>
  void Sweep(IsOver is_over) {
    if (heap_.size() < sweep_at_) return;
    std::erase_if(heap_, [&](const Timer& timer) {
      if (!is_over(timer.run)) return false;
      if ((timer.order & kActs) != 0) actions_.erase(timer.order);
      return true;
    });
    std::make_heap(heap_.begin(), heap_.end(), IsLater);
    sweep_at_ = std::max(kLeastSwept, 2 * heap_.size());
  }

 private:
  static constexpr size_t kLeastSwept = 1024;
  static constexpr uint64_t kActs = 1;  // in Timer::order: it has an action
  struct Timer {
    int64_t micros = 0;
    uint64_t order = 0;
    RunId run = 0;
  };
  static bool IsLater(const Timer& a, const Timer& b);
  uint64_t Push(int64_t micros, RunId run, uint64_t acts);

  std::vector<Timer> heap_;                       // the earliest in front
  std::unordered_map<uint64_t, Action> actions_;  // by order
  uint64_t set_ = 0;
  size_t sweep_at_ = kLeastSwept;
};

}  // namespace jade::schedule
