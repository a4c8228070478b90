#pragma once
// Time as the scheduler sees it. Tests and the scripted engine use a virtual clock that moves only when they say so, so
// that deadlines, timings and overlap are tested without waiting.

#include <atomic>
#include <cstdint>

namespace jade::engine {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMicros() const = 0;  // monotonic, from an arbitrary start
  // False when time only moves by itself being moved: waiting for it would wait for ever.
  virtual bool is_real() const = 0;
};

class SteadyClock final : public Clock {
 public:
  int64_t NowMicros() const override;
  bool is_real() const override { return true; }
};

class VirtualClock final : public Clock {
 public:
  int64_t NowMicros() const override { return now_.load(std::memory_order_relaxed); }
  bool is_real() const override { return false; }
  // Moves forward to `micros`; never backwards.
  void AdvanceTo(int64_t micros) {
    if (micros > NowMicros()) now_.store(micros, std::memory_order_relaxed);
  }

 private:
  std::atomic<int64_t> now_{0};
};

}  // namespace jade::engine
