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

namespace {

constexpr size_t kMaxWord = 64;

// Optimal string alignment distance (insert, delete, change, swap of neighbours).
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string Lower(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace

std::string_view DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kMaxWord) return {};
  const std::string lower = Lower(word);
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kMaxWord || candidate == word) continue;
    const size_t gap = candidate.size() > word.size() ? candidate.size() - word.size() : word.size() - candidate.size();
    if (gap >= best_distance) continue;
    const std::string candidate_lower = Lower(candidate);
    const size_t distance = candidate_lower == lower ? 0 : Distance(lower, candidate_lower);
    if (distance >= candidate.size()) continue;  // nothing in common
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace jade::diag
