#pragma once
// Internal to runtime/schedule: what is to happen at which time. Nearly all of it is the end of a run's seconds, which
// takes 24 bytes and no allocation of its own. Equal times fire in the order in which they were set. One thread.

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "runtime/schedule/run.h"

namespace jade::schedule {

class Timers {
 public:
  using Action = std::function<void()>;
  // The run whose time is over, or 0 and what to do.
  struct Fired {
    RunId run = 0;
    Action action;
  };

  bool empty() const { return heap_.empty(); }
  int64_t next() const { return heap_.front().micros; }
  void AtEndOf(RunId run, int64_t micros) { Push(micros, run); }
  void At(int64_t micros, Action action) { actions_.emplace(Push(micros, 0), std::move(action)); }
  Fired Pop();

 private:
  struct Timer {
    int64_t micros = 0;
    uint64_t order = 0;
    RunId run = 0;
  };
  static bool IsLater(const Timer& a, const Timer& b);
  uint64_t Push(int64_t micros, RunId run);

  std::vector<Timer> heap_;                       // the earliest in front
  std::unordered_map<uint64_t, Action> actions_;  // by order
  uint64_t set_ = 0;
};

}  // namespace jade::schedule
