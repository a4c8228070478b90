#pragma once
// Progress of long work, told by the room that does it and shown by whoever asked. A room only ever sees the sink; the
// terminal bar lives in the command line. Calls come from one thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace jade::progress {

struct Task {
  std::string name;    // "indexing", "training": shown before the bar
  std::string unit;    // "passages", "tokens": shown after the rate
  uint64_t total = 0;  // in units; 0 when unknown
  uint64_t done = 0;   // already done when the task starts (a resumed run); not counted in the rate
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void Begin(const Task& task) = 0;
  // `done` counts from zero in units; `note` is a short text after the bar ("loss 1.23"). Cheap: call it often.
  virtual void Update(uint64_t done, std::string_view note) = 0;
  virtual void End() = 0;
  // A line of its own above the bar.
  virtual void Message(std::string_view text) = 0;
};

// Shows nothing.
class SilentSink final : public Sink {
 public:
  void Begin(const Task&) override {}
  void Update(uint64_t, std::string_view) override {}
  void End() override {}
  void Message(std::string_view) override {}
};

}  // namespace jade::progress
