#pragma once
// Why a run, or a `within` scope of it, ended without a value. The interpreter and compiled code raise the same traps.
// Plain values: any thread.

#include <string>
#include <string_view>

#include "compiler/source/source.h"

namespace jade::abi {

enum class TrapKind {
  kIntOverflow,
  kDivisionByZero,
  kIndexOutOfRange,
  kDepthBudget,
  kCallBudget,
  kTokenBudget,
  kTimeBudget,
  kFuel,        // more interpreter steps than one run may take
  kMemory,      // a value larger than one run may hold
  kCallFailed,  // the backbone or a tool gave an error, after its retries
  kCancelled,   // by the user, or because an earlier branch trapped
};

// Stable snake_case name, as in traces and JSON.
std::string_view TrapKindName(TrapKind kind);

// Budget traps (depth, calls, tokens, seconds) are the planner's `overrun`.
bool IsBudgetTrap(TrapKind kind);

struct Trap {
  TrapKind kind = TrapKind::kCancelled;
  std::string message;         // lower case, no full stop: "index 7 is out of range for a list of 3"
  source::SourceFilePtr file;  // where; null when the trap has no place
  source::Span span;
  std::string call_path;  // readable path of the frame that trapped: "Solve/QDS/fold[1]"

  // "qds.jade:12:7: index 7 is out of range … (in Solve/QDS/fold[1])"
  std::string ToString() const;
  // {"kind", "message", "file", "line", "column", "path"}; place members only when known.
  std::string ToJson() const;
};

}  // namespace jade::abi
