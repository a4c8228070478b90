#pragma once
// What a run came to, in a form that two runs can be compared in: value or trap, and the log of its calls.

#include <map>
#include <string>
#include <vector>

#include "compiler/abi/trap.h"
#include "runtime/trace/record.h"

namespace jade::schedule {
struct RunResult;
}

namespace jade::differential {

struct Outcome {
  std::string refused;  // why the run could not be started
  bool trapped = false;
  std::string value;  // JSON
  abi::TrapKind kind = abi::TrapKind::kCancelled;
  std::string message;
  std::string place;                               // "Solve/QDS at main.jade 10..12"
  std::map<std::string, trace::CallRecord> calls;  // by path
  std::string repeated_path;                       // two calls had it, which is a bug
  int64_t turns = 0;
  int64_t retrievals = 0;
  int64_t depth = 0;

  // Whether some trap was raised on the way, caught or not, or a call ended without a value.
  bool Disturbed() const;
  std::string ToString() const;
};

Outcome OutcomeOf(schedule::RunResult result, const std::string& value_json);

// What the language promises to be the same of two runs of one program on the same replies; the first difference, or
// nothing.
//
// Always: the value, or the trap's kind, message, place and path. Of a limit on calls, tokens or seconds only that one
// of them ran out: which of several overlapping calls was one too many, and which of two limits it met first, depends
// on their timing (docs/language.md, "Calls"). An undisturbed run: every call with all that is recorded of it but
// times, turns, retrievals and depth. A disturbed one: calls later in program order than a trap may have been made,
// cancelled or never begun when it was raised (docs/jir.md, "Order and traps"); those that ended in both runs ended
// alike.
std::string Difference(const Outcome& a, const Outcome& b);

}  // namespace jade::differential
