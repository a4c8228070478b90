#include "tests/differential/outcome.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/schedule/run.h"
#include "tests/differential/program.h"

namespace jade::differential {
namespace {

using abi::TrapKind;
using trace::CallRecord;
using trace::CallStatus;

std::string_view StatusName(CallStatus status) {
  return status == CallStatus::kDone ? "done" : status == CallStatus::kFailed ? "failed" : "cancelled";
}

bool IsTimed(TrapKind kind) {
  return kind == TrapKind::kCallBudget || kind == TrapKind::kTokenBudget || kind == TrapKind::kTimeBudget;
}

// Everything about a call but its times, its number and whose execution it shares: of several calls that are alike,
// whichever is made first is executed.
std::string Contents(const CallRecord& call, bool with_penalty) {
  std::string text =
      fmt::format("{} of {} {}, validity {}, penalty {}, error `{}`", StatusName(call.status), call.parent_path,
                  call.role, static_cast<int>(call.validity), with_penalty ? call.penalty : 0.0, call.error);
  text += fmt::format("\n    action {}\n    value {}\n    plan {} {}", call.action, call.value_json, call.plan,
                      call.diagnostics_json);
  for (const trace::CallMessage& message : call.messages)
    text += fmt::format("\n    {}: {}", message.role, message.text);
  for (const uint8_t byte : call.path_hash) text += fmt::format("{:02x}", byte);
  return text;
}

// How many executions the tool calls of an undisturbed run share.
size_t SharedCount(const Outcome& outcome) {
  return static_cast<size_t>(std::count_if(outcome.calls.begin(), outcome.calls.end(),
                                           [](const auto& call) { return call.second.shared_with.has_value(); }));
}

std::string CallDifference(const std::string& path, const CallRecord& a, const CallRecord& b, bool with_penalty) {
  const std::string left = Contents(a, with_penalty);
  const std::string right = Contents(b, with_penalty);
  return left == right ? "" : fmt::format("a call differs: {}\n  {}\n  {}", path, left, right);
}

std::string UndisturbedDifference(const Outcome& a, const Outcome& b) {
  for (const auto& [path, call] : a.calls) {
    const auto other = b.calls.find(path);
    if (other == b.calls.end()) return fmt::format("a call is missing in the second: {}", path);
    if (std::string text = CallDifference(path, call, other->second, true); !text.empty()) return text;
  }
  for (const auto& [path, call] : b.calls) {
    if (a.calls.count(path) == 0) return fmt::format("a call is missing in the first: {}", path);
  }
  if (SharedCount(a) != SharedCount(b))
    return fmt::format("shared calls: {} against {}", SharedCount(a), SharedCount(b));
  const auto numbers = [](const Outcome& one) {
    return fmt::format("{} turns, {} retrievals, depth {}", one.turns, one.retrievals, one.depth);
  };
  if (numbers(a) != numbers(b)) return fmt::format("counters: {} against {}", numbers(a), numbers(b));
  return "";
}

std::string DisturbedDifference(const Outcome& a, const Outcome& b) {
  for (const auto& [path, call] : a.calls) {
    const auto other = b.calls.find(path);
    if (other == b.calls.end()) continue;
    if (call.status == CallStatus::kCancelled || other->second.status == CallStatus::kCancelled) continue;
    // A plan's penalty for its overrun comes with a trap that another may forestall.
    const bool with_penalty = call.kind != trace::CallKind::kPlanner;
    if (std::string text = CallDifference(path, call, other->second, with_penalty); !text.empty()) return text;
  }
  return "";
}

}  // namespace

bool Outcome::Disturbed() const {
  return trapped || std::any_of(calls.begin(), calls.end(), [](const auto& call) {
           return call.second.status != CallStatus::kDone || call.second.role == kCaughtTool;
         });
}

std::string Outcome::ToString() const {
  std::string text = !refused.empty() ? "refused: " + refused
                     : trapped        ? fmt::format("trap {}: {} in {}", abi::TrapKindName(kind), message, place)
                                      : "value " + value;
  text += fmt::format("\n{} turns, {} retrievals, depth {}\n", turns, retrievals, depth);
  for (const auto& [path, call] : calls) text += fmt::format("  {}: {}\n", path, Contents(call, true));
  return text;
}

Outcome OutcomeOf(schedule::RunResult result, const std::string& value_json) {
  Outcome outcome;
  outcome.trapped = result.status != trace::RunStatus::kDone;
  outcome.value = value_json;
  if (outcome.trapped) {
    outcome.kind = result.trap->kind;
    outcome.message = result.trap->message;
    outcome.place = fmt::format("{} at {} {}..{}", result.trap->call_path,
                                result.trap->file == nullptr ? "?" : result.trap->file->name(), result.trap->span.begin,
                                result.trap->span.end);
  }
  for (CallRecord& call : result.calls) {
    const std::string path = call.path;
    if (!outcome.calls.emplace(path, std::move(call)).second) outcome.repeated_path = path;
  }
  outcome.turns = result.turns;
  outcome.retrievals = result.retrievals;
  outcome.depth = result.depth;
  return outcome;
}

std::string Difference(const Outcome& a, const Outcome& b) {
  if (a.refused != b.refused) return fmt::format("refused: {} against {}", a.refused, b.refused);
  for (const Outcome* one : {&a, &b}) {
    if (!one->repeated_path.empty()) return "two calls have one path: " + one->repeated_path;
  }
  if (a.trapped != b.trapped) return "one trapped, the other did not";
  if (a.value != b.value) return "the values differ";
  const bool timed = a.trapped && IsTimed(a.kind) && IsTimed(b.kind);
  if (a.trapped && !timed && (a.kind != b.kind || a.message != b.message)) return "the traps differ";
  if (a.trapped && !timed && a.place != b.place) return "the traps' places differ";
  if (a.Disturbed() || b.Disturbed()) return DisturbedDifference(a, b);
  return UndisturbedDifference(a, b);
}

}  // namespace jade::differential
