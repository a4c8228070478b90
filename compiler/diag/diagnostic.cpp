#include "compiler/diag/diagnostic.h"

#include <algorithm>
#include <cctype>

namespace jade::diag {

std::string_view SeverityName(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

const std::vector<DiagnosticRow>& AllDiagnostics() {
  static const std::vector<DiagnosticRow> rows = {
#define JADE_DIAGNOSTIC(code, name, severity, message) {DiagnosticId::code, #code, Severity::severity, message},
#include "compiler/diag/diagnostics.def"
#undef JADE_DIAGNOSTIC
  };
  return rows;
}

void Diagnostics::Add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::kError) ++errors_;
  if (kept_.size() >= cap_) {
    ++dropped_;
    return;
  }
  kept_.push_back(std::move(diagnostic));
}

Builder Diagnostics::Add(DiagnosticId id, const char* code, Severity severity, std::string message,
                         source::SourceFilePtr file, source::Span span) {
  const size_t before = kept_.size();
  Diagnostic diagnostic;
  diagnostic.id = id;
  diagnostic.code = code;
  diagnostic.severity = severity;
  diagnostic.message = std::move(message);
  diagnostic.primary = {std::move(file), span, {}};
  Add(std::move(diagnostic));
  return Builder(kept_.size() > before ? &kept_.back() : nullptr);
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<const source::SourceFile*> files;
  const auto rank = [&](const Diagnostic& diagnostic) {
    const auto found = std::find(files.begin(), files.end(), diagnostic.primary.file.get());
    if (found != files.end()) return found - files.begin();
    files.push_back(diagnostic.primary.file.get());
    return static_cast<std::ptrdiff_t>(files.size()) - 1;
  };
  std::vector<std::pair<std::ptrdiff_t, const Diagnostic*>> order;
  order.reserve(kept_.size());
  for (const Diagnostic& diagnostic : kept_) order.emplace_back(rank(diagnostic), &diagnostic);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return a.second->primary.span.begin < b.second->primary.span.begin;
  });
  std::vector<Diagnostic> sorted;
  sorted.reserve(order.size() + 1);
  for (const auto& [file, diagnostic] : order) sorted.push_back(*diagnostic);
  if (dropped_ > 0) {
    Diagnostic more;
    more.id = kTooManyErrors.id;
    more.code = kTooManyErrors.code;
    more.message = fmt::format(fmt::runtime(kTooManyErrors.message), dropped_);
    sorted.push_back(std::move(more));
  }
  return sorted;
}

}  // namespace jade::diag
