#pragma once
// What the command line shows people: colours and bars on a terminal, plain lines elsewhere. Results go to standard
// output, everything here to standard error.

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "runtime/progress/progress.h"

namespace jade::cli {

// Escape codes, all empty where colour is off (not a terminal, NO_COLOR set, TERM=dumb).
struct Style {
  std::string_view bold, dim, red, green, yellow, blue, cyan, reset;
  static Style For(std::FILE* stream);
};

// "1.5 MB", "312 kB": powers of ten.
std::string HumanBytes(double bytes);
// "1,234,567".
std::string HumanCount(uint64_t count);
// "12 ms", "3.4 s", "2 min 05 s", "1 h 02 min".
std::string HumanDuration(double seconds);
// "12,345 tokens/s", "1.5 questions/s", "8.2 s each", "3.1 MB/s".
std::string HumanRate(double rate, const std::string& unit);
// The first `columns` characters on one line, with an ellipsis when something is cut; control characters become spaces.
std::string OneLine(std::string_view text, size_t columns);

// A bar with rate and ETA on a terminal, redrawn at most ten times a second; elsewhere a line every ten seconds.
class ProgressBar final : public progress::Sink {
 public:
  explicit ProgressBar(std::FILE* stream = stderr);
  void Begin(const progress::Task& task) override;
  void Update(uint64_t done, std::string_view note) override;
  void End() override;
  void Message(std::string_view text) override;

 private:
  using Clock = std::chrono::steady_clock;
  void Draw(bool last);
  std::string Line(double seconds) const;

  std::FILE* stream_;
  bool terminal_;
  progress::Task task_;
  uint64_t done_ = 0;
  std::string note_;
  Clock::time_point started_;
  Clock::time_point drawn_;
};

}  // namespace jade::cli
