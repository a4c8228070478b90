#pragma once
// Time as the scheduler sees it. Tests and the scripted engine use a virtual clock that moves only when they say so, so
// that deadlines, timings and overlap are tested without waiting.

#include <atomic>
#include <cstdint>
#include <limits>

namespace jade::engine {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMicros() const = 0;  // monotonic, from an arbitrary start
  // A virtual clock jumps to `micros` (never backwards) and returns true; a real one returns false: wait instead.
  virtual bool SkipTo(int64_t micros) = 0;
  // Whoever moves a virtual clock may not move it past this time: the scheduler has something to do then.
  virtual void SetHorizon(int64_t /*micros*/) {}
};

class SteadyClock final : public Clock {
 public:
  int64_t NowMicros() const override;
  bool SkipTo(int64_t) override { return false; }
};

class VirtualClock final : public Clock {
 public:
  int64_t NowMicros() const override { return now_.load(std::memory_order_relaxed); }
  bool SkipTo(int64_t micros) override {
    if (micros > NowMicros()) now_.store(micros, std::memory_order_relaxed);
    return true;
  }
  void SetHorizon(int64_t micros) override { horizon_.store(micros, std::memory_order_relaxed); }
  int64_t horizon() const { return horizon_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> now_{0};
  std::atomic<int64_t> horizon_{std::numeric_limits<int64_t>::max()};
};

}  // namespace jade::engine
