#include "cli/run_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/trace_tree.h"

namespace jade::cli {

void Narrator::CallFinished(session::RunId, const trace::CallRecord& call) {
  const size_t slash = call.path.rfind('/');
  const std::string indent(2 * static_cast<size_t>(std::count(call.path.begin(), call.path.end(), '/')), ' ');
  const std::string name = slash == std::string::npos ? call.path : call.path.substr(slash + 1);
  fmt::print(stderr, "{}{}{}", indent, call.plan.empty() ? "" : "plan ", CallLine(call, name, style_));
}

std::string TrapText(abi::Trap trap, std::string_view remedy) {
  constexpr size_t kEnds = 100;
  if (trap.call_path.size() > 3 * kEnds) {
    const size_t begin = trap.call_path.rfind('/', kEnds);
    const size_t end = trap.call_path.find('/', trap.call_path.size() - kEnds);
    if (begin != std::string::npos && end != std::string::npos) {
      trap.call_path = trap.call_path.substr(0, begin) + "/…" + trap.call_path.substr(end);
    }
  }
  std::string text = trap.ToString();
  if (abi::IsBudgetTrap(trap.kind)) text += fmt::format("; {}", remedy);
  return text;
}

std::string PlaceText(const source::SourceFilePtr& file, source::Span span) {
  if (file == nullptr) return "";
  const auto at = file->At(span.begin);
  return fmt::format("{}:{}:{}", file->name(), at.line, at.column);
}

std::string FailureText(const session::TestResult& test) {
  std::string text;
  for (const auto& failure : test.failures) {
    text +=
        fmt::format("    {}: expected {}\n", PlaceText(failure.place.file, failure.place.span), failure.place.message);
    if (failure.left.empty()) continue;
    text += fmt::format("      left:  {}\n      right: {}\n", failure.left, failure.right);
  }
  if (test.trap) text += fmt::format("    trapped: {}\n", test.trap->ToString());
  for (const auto& unused : test.unused_replies) text += fmt::format("    never asked for: {}\n", unused);
  return text;
}

}  // namespace jade::cli
