#pragma once
// Diagnostics: what the user's program, plan or file has wrong. One object serves text, JSON, LSP, REPL and the trace.
// A room reports through a Diagnostics sink:
//
//   sink.Report(diag::kUnknownName, file, span, name).Label("not declared").Help("did you mean `{}`?", best);
//
// Diagnostics are plain values that share ownership of their source files. A sink belongs to one compilation and one
// thread.

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/source/source.h"

namespace jade::diag {

enum class Severity : uint8_t { kError, kWarning };

// "error" or "warning".
std::string_view SeverityName(Severity severity);

enum class DiagnosticId : uint16_t {
#define JADE_DIAGNOSTIC(code, name, severity, message) code,
#include "compiler/diag/diagnostics.def"
#undef JADE_DIAGNOSTIC
};

// A row of diagnostics.def whose message has `Holes` holes.
template <size_t Holes>
struct DiagnosticKind {
  DiagnosticId id;
  const char* code;
  Severity severity;
  const char* message;
};

// Holes of a message; `{{` and `}}` are braces.
consteval size_t CountHoles(std::string_view message) {
  size_t holes = 0;
  for (size_t i = 0; i + 1 < message.size(); ++i) {
    if (message[i] != '{') continue;
    if (message[i + 1] == '}') ++holes;
    ++i;
  }
  return holes;
}

#define JADE_DIAGNOSTIC(code, name, severity, message) \
  inline constexpr DiagnosticKind<CountHoles(message)> name{DiagnosticId::code, #code, Severity::severity, message};
#include "compiler/diag/diagnostics.def"
#undef JADE_DIAGNOSTIC

struct DiagnosticRow {
  DiagnosticId id;
  std::string_view code;
  Severity severity;
  std::string_view message;
};

// All rows in the order of the file.
const std::vector<DiagnosticRow>& AllDiagnostics();

// A place and what to say about it there. The label may be empty.
struct Location {
  source::SourceFilePtr file;
  source::Span span;
  std::string label;
};

// Replace `span` of the primary file by `text`.
struct Edit {
  source::Span span;
  std::string text;
};

struct Note {
  std::string message;
  Location location;  // file may be null: a note without a place
};

struct Diagnostic {
  DiagnosticId id{};
  std::string code;
  Severity severity = Severity::kError;
  std::string message;
  Location primary;  // file may be null: about no text (a missing file, a configuration)
  std::vector<Note> notes;
  std::string help;
  std::vector<Edit> fix;  // applied together they make the likely repair; in order, not overlapping
};

// Finishes a diagnostic that has just been reported. Do not keep it past the statement.
class Builder {
 public:
  explicit Builder(Diagnostic* diagnostic) : diagnostic_(diagnostic) {}

  Builder& Label(std::string label) {
    if (diagnostic_ != nullptr) diagnostic_->primary.label = std::move(label);
    return *this;
  }
  Builder& Note(source::SourceFilePtr file, source::Span span, std::string message) {
    if (diagnostic_ != nullptr) diagnostic_->notes.push_back({std::move(message), {std::move(file), span, {}}});
    return *this;
  }
  Builder& Note(std::string message) { return Note(nullptr, {}, std::move(message)); }
  Builder& Help(std::string help) {
    if (diagnostic_ != nullptr) diagnostic_->help = std::move(help);
    return *this;
  }
  Builder& Fix(source::Span span, std::string text) {
    if (diagnostic_ != nullptr) diagnostic_->fix.push_back({span, std::move(text)});
    return *this;
  }

 private:
  Diagnostic* diagnostic_;  // null when the sink dropped it
};

// Collects diagnostics up to a cap; later ones are counted, not kept.
class Diagnostics {
 public:
  static constexpr size_t kDefaultCap = 100;
  explicit Diagnostics(size_t cap = kDefaultCap) : cap_(cap) {}
  Diagnostics(const Diagnostics&) = delete;
  Diagnostics& operator=(const Diagnostics&) = delete;

  // `arguments` fill the holes of the kind's message: strings, numbers, anything fmt prints.
  template <size_t Holes, typename... Arguments>
  Builder Report(const DiagnosticKind<Holes>& kind, source::SourceFilePtr file, source::Span span,
                 const Arguments&... arguments) {
    static_assert(sizeof...(Arguments) == Holes, "one argument for each {} of the message");
    return Add(kind.id, kind.code, kind.severity, fmt::format(fmt::runtime(kind.message), arguments...),
               std::move(file), span);
  }

  // Adds a finished one, e.g. from another sink.
  void Add(Diagnostic diagnostic);

  // In the order reported.
  const std::vector<Diagnostic>& all() const { return kept_; }
  size_t error_count() const { return errors_; }  // counts dropped ones too
  size_t dropped() const { return dropped_; }
  bool has_errors() const { return errors_ > 0; }
  bool empty() const { return kept_.empty(); }

  // By file in order of first mention, then by place, stably. For showing; appends E0005 when some were dropped.
  std::vector<Diagnostic> Sorted() const;

 private:
  Builder Add(DiagnosticId id, const char* code, Severity severity, std::string message, source::SourceFilePtr file,
              source::Span span);

  std::vector<Diagnostic> kept_;
  size_t cap_;
  size_t errors_ = 0;
  size_t dropped_ = 0;
};

}  // namespace jade::diag
