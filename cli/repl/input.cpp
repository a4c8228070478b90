#include "cli/repl/input.h"

#include <algorithm>
#include <array>

#include "compiler/parse/parse.h"

namespace jade::repl {
namespace {

constexpr std::array<std::string_view, 12> kDeclarationWords = {
    "use", "type", "record", "enum", "executor", "planner", "tool", "workflow", "main", "param", "reward", "test"};

bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsWordPart(char c) {
  return IsWordStart(c) || (c >= '0' && c <= '9');
}
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Behind blanks and comments.
size_t SkipBlanks(std::string_view text, size_t at) {
  while (at < text.size()) {
    if (IsBlank(text[at])) {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else {
      break;
    }
  }
  return at;
}

std::string_view WordAt(std::string_view text, size_t at) {
  size_t end = at;
  if (end < text.size() && IsWordStart(text[end])) {
    while (end < text.size() && IsWordPart(text[end])) ++end;
  }
  return text.substr(at, end - at);
}

// Commands whose argument is a piece of program, which may take several lines.
bool TakesProgram(std::string_view text) {
  const std::string_view word = WordAt(text, text.find(':') + 1);
  return word == "type" || word == "time";
}

// Whether the parser misses something behind the last word.
bool EndsTooEarly(std::string_view text, InputKind kind) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  constexpr std::string_view kNeverLast = "+-*/%=,|<";  // spares long inputs a parse for each of their lines
  if (end != std::string_view::npos && kNeverLast.find(text[end]) != std::string_view::npos) return true;
  const auto file = std::make_shared<const source::SourceFile>("", std::string(text));
  diag::Diagnostics sink;
  if (kind == InputKind::kDeclaration) {
    parse::ParseModule(file, sink);
  } else {
    parse::ParseExpression(file, sink);
  }
  if (!sink.has_errors()) return false;
  diag::Diagnostics ignored;
  const std::vector<parse::Token> tokens = parse::Tokens(file, ignored);
  const auto last = std::find_if(tokens.rbegin(), tokens.rend(),
                                 [](const parse::Token& token) { return token.kind != parse::TokenKind::kComment; });
  if (last == tokens.rend()) return false;
  return std::all_of(sink.all().begin(), sink.all().end(), [&](const diag::Diagnostic& diagnostic) {
    return diagnostic.primary.span.begin >= last->span.end;
  });
}

}  // namespace

void Brackets::CloseLine() {
  // A text in simple quotes ends with its line, and with it whatever was opened inside.
  while (!open_.empty() && open_.back() == Kind::kText) open_.pop_back();
}

size_t Brackets::Code(std::string_view text, size_t at) {
  const char c = text[at];
  if (text.substr(at, 2) == "//") return std::min(text.find('\n', at), text.size());
  if (text.substr(at, 3) == "\"\"\"") {
    const bool raw = at > 0 && text[at - 1] == 'r' && (at < 2 || !IsWordPart(text[at - 2]));
    open_.push_back(raw ? Kind::kRawText : Kind::kLongText);
    return at + 3;
  }
  if (c == '"') open_.push_back(Kind::kText);
  if (c == '(' || c == '[' || c == '{') open_.push_back(Kind::kBracket);
  if ((c == ')' || c == ']' || c == '}') && !open_.empty()) open_.pop_back();
  return at + 1;
}

size_t Brackets::Inside(std::string_view text, size_t at, Kind kind) {
  const char c = text[at];
  if (kind != Kind::kText && text.substr(at, 3) == "\"\"\"") {
    open_.pop_back();
    return at + 3;
  }
  if (kind == Kind::kRawText) return at + 1;
  if (c == '{') {
    if (text.substr(at, 2) == "{{") return at + 2;
    open_.push_back(Kind::kBracket);
  }
  if (kind != Kind::kText) return at + 1;
  if (c == '\\' && at + 1 < text.size() && text[at + 1] != '\n') return at + 2;
  if (c == '"') open_.pop_back();
  if (c == '\n') CloseLine();
  return at + 1;
}

void Brackets::Feed(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Kind kind = open_.empty() ? Kind::kBracket : open_.back();
    at = kind == Kind::kBracket ? Code(text, at) : Inside(text, at, kind);
  }
}

InputKind KindOf(std::string_view text) {
  const size_t begin = SkipBlanks(text, 0);
  if (begin == text.size()) return InputKind::kEmpty;
  if (text[begin] == ':') return InputKind::kCommand;
  const std::string_view word = WordAt(text, begin);
  if (std::find(kDeclarationWords.begin(), kDeclarationWords.end(), word) == kDeclarationWords.end()) {
    return InputKind::kStatement;
  }
  // These words are names too: a name or a title behind them makes a declaration.
  const size_t next = SkipBlanks(text, begin + word.size());
  const std::string_view second = WordAt(text, next);
  const bool declares = (!second.empty() && second != "and" && second != "or") ||
                        (word == "test" && next < text.size() && text[next] == '"');
  return declares ? InputKind::kDeclaration : InputKind::kStatement;
}

void InputBuffer::Add(std::string_view line) {
  const bool submits = state_ == InputState::kUnfinished && SkipBlanks(line, 0) == line.size();
  if (text_.empty() && SkipBlanks(line, 0) == line.size()) return;  // nothing has begun
  text_ += line;
  text_ += '\n';
  brackets_.Feed(std::string_view(text_).substr(text_.size() - line.size() - 1));
  const InputKind kind = KindOf(text_);
  const bool too_long = text_.size() > parse::kMaxSourceBytes;  // the parser says so
  if (submits || too_long || (kind == InputKind::kCommand && !TakesProgram(text_))) {
    state_ = InputState::kComplete;
  } else if (brackets_.open()) {
    state_ = InputState::kOpen;
  } else if (kind == InputKind::kCommand) {
    state_ = InputState::kComplete;
  } else {
    state_ = EndsTooEarly(text_, kind) ? InputState::kUnfinished : InputState::kComplete;
  }
}

bool InputBuffer::EndsBefore(std::string_view line) const {
  if (!brackets_.open() || brackets_.in_text() || line.empty()) return false;
  const bool command = line[0] == ':' && line.size() > 1 && IsWordStart(line[1]);
  return command || (IsWordStart(line[0]) && KindOf(line) == InputKind::kDeclaration);
}

std::string InputBuffer::Take() {
  std::string taken = std::move(text_);
  *this = InputBuffer();
  return taken;
}

std::vector<std::string> SplitInputs(std::string_view text, std::string* rest) {
  std::vector<std::string> inputs;
  InputBuffer buffer;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (buffer.EndsBefore(text.substr(0, end))) inputs.push_back(buffer.Take());
    buffer.Add(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!buffer.empty() && buffer.state() == InputState::kComplete) inputs.push_back(buffer.Take());
  }
  *rest = buffer.Take();
  return inputs;
}

}  // namespace jade::repl
