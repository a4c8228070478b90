#include "compiler/parse/tokens.h"

#include <algorithm>

#include "compiler/parse/mistakes.h"
#include "compiler/parse/parse.h"
#include "compiler/parse/scanner.h"
#include "grammar/JadeLexer.h"

namespace jade::parse {
namespace {

using grammar::JadeLexer;
using source::Span;

// Unclosed templates repaired in one file before giving up on the rest of it.
constexpr int kMaxRepairs = 20;

bool IsOpening(size_t type) {
  return type == JadeLexer::LPAREN || type == JadeLexer::LBRACK || type == JadeLexer::LBRACE ||
         type == JadeLexer::HOLE_OPEN || type == JadeLexer::STRING_OPEN || type == JadeLexer::TRIPLE_OPEN ||
         type == JadeLexer::RAW_OPEN;
}

bool IsTemplateOpening(size_t type) {
  return type == JadeLexer::STRING_OPEN || type == JadeLexer::TRIPLE_OPEN || type == JadeLexer::RAW_OPEN;
}

// The type that closes an opening one.
size_t Closing(size_t type) {
  switch (type) {
    case JadeLexer::LPAREN:
      return JadeLexer::RPAREN;
    case JadeLexer::LBRACK:
      return JadeLexer::RBRACK;
    case JadeLexer::STRING_OPEN:
      return JadeLexer::STRING_CLOSE;
    case JadeLexer::TRIPLE_OPEN:
      return JadeLexer::TRIPLE_CLOSE;
    case JadeLexer::RAW_OPEN:
      return JadeLexer::RAW_CLOSE;
    default:
      return JadeLexer::RBRACE;
  }
}

bool IsClosing(size_t type) {
  return type == JadeLexer::RPAREN || type == JadeLexer::RBRACK || type == JadeLexer::RBRACE ||
         type == JadeLexer::STRING_CLOSE || type == JadeLexer::TRIPLE_CLOSE || type == JadeLexer::RAW_CLOSE;
}

// Where, after `from`, a line begins with a declaration's header in column 0; npos when none does.
size_t NextHeader(std::string_view text, size_t from) {
  static constexpr std::string_view kWords[] = {"executor ",      "tool ",   "planner ", "workflow ",
                                                "main workflow ", "record ", "enum ",    "param ",
                                                "reward ",        "type ",   "test \"",  "use std"};
  for (size_t at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const std::string_view line = text.substr(at + 1, 80);
    for (const std::string_view word : kWords) {
      if (line.substr(0, word.size()) == word) return at + 1;
    }
  }
  return std::string_view::npos;
}

class Tokenizer {
 public:
  Tokenizer(const source::SourceFilePtr& file, diag::Diagnostics& sink, bool cut)
      : file_(file), sink_(sink), cut_(cut) {}

  TokenList Run() {
    ScanAll();
    if (!list_.usable) return std::move(list_);
    Retype();
    CutAndMatch();
    return std::move(list_);
  }

 private:
  struct Open {
    size_t token = 0;        // index of the opening token
    size_t closing = 0;      // its closing type
    bool directive = false;  // `{for}`, `{if}`: closed by `{end}`
  };

  // ---- Scanning, with the repair of unclosed templates

  void ScanAll() {
    const auto size = static_cast<uint32_t>(file_->text().size());
    uint32_t from = 0;
    for (int repairs = 0;; ++repairs) {
      diag::Diagnostics found;
      ScanResult result = Scan(file_, {from, size}, found);
      uint32_t to = size;
      if (result.unclosed && cut_ && repairs < kMaxRepairs) to = SwallowedHeader(result, size);
      if (to < size) {  // scan again, only as far as the template should have gone
        diag::Diagnostics shorter;
        result = Scan(file_, {from, to}, shorter);
        Keep(shorter);
      } else {
        Keep(found);
      }
      Append(result);
      if (result.too_many || list_.tokens.size() > kMaxTokens) {
        sink_.Report(diag::kTooManyTokens, file_, {from, from}, kMaxTokens).Help("split the file into modules");
        list_ = {};
        list_.usable = false;
        return;
      }
      if (result.unclosed) ReportUnclosed(*result.unclosed, to);
      if (to >= size) return;
      from = to;
    }
  }

  void Keep(const diag::Diagnostics& found) {
    for (const diag::Diagnostic& diagnostic : found.all()) sink_.Add(diagnostic);
  }

  // The first declaration in column 0 that a template swallowed, or the end of the file.
  uint32_t SwallowedHeader(const ScanResult& scan, uint32_t size) const {
    for (size_t i = 0; i < scan.tokens.size(); ++i) {
      const Lexeme& token = scan.tokens[i];
      if (token.type != JadeLexer::TRIPLE_OPEN && token.type != JadeLexer::RAW_OPEN) continue;
      size_t close = i + 1;
      while (close < scan.tokens.size() && scan.tokens[close].type != Closing(token.type)) ++close;
      const uint32_t end = close < scan.tokens.size() ? scan.tokens[close].span.begin : size;
      const size_t header = NextHeader(file_->text().substr(0, end), token.span.end);
      if (header != std::string_view::npos) return static_cast<uint32_t>(header);
      i = close;
    }
    return size;
  }

  void Append(const ScanResult& result) {
    list_.tokens.insert(list_.tokens.end(), result.tokens.begin(), result.tokens.end());
    list_.comments.insert(list_.comments.end(), result.comments.begin(), result.comments.end());
    reported_.insert(reported_.end(), result.reported.begin(), result.reported.end());
  }

  void ReportUnclosed(Span quotes, uint32_t end) {
    reported_.push_back(quotes);
    auto report = sink_.Report(diag::kUnclosedTemplate, file_, quotes);
    report.Help("close it with `\"\"\"`");
    if (end < file_->text().size()) report.Note(file_, {end, end + 1}, "it would swallow the declaration here");
  }

  // ---- Types that depend on lines and neighbours

  // Whether the token after `run` can begin its plan.
  static bool BeginsOperand(const Lexeme& token) {
    switch (token.type) {
      case JadeLexer::LPAREN:
      case JadeLexer::NAME:
        return true;
      default:
        return token.type >= JadeLexer::USE && token.type <= JadeLexer::RUN && token.type != JadeLexer::ON;
    }
  }

  void Retype() {
    auto& tokens = list_.tokens;
    for (size_t i = 0; i < tokens.size(); ++i) {
      Lexeme& token = tokens[i];
      const bool after_hole = i > 0 && tokens[i - 1].type == JadeLexer::HOLE_OPEN;
      const bool last = i + 1 >= tokens.size();
      switch (token.type) {
        case JadeLexer::RUN:
          if (last || tokens[i + 1].first_on_line || !BeginsOperand(tokens[i + 1])) token.type = JadeLexer::NAME;
          break;
        case JadeLexer::FOR:
          if (after_hole) token.type = JadeLexer::HOLE_FOR;
          break;
        case JadeLexer::IF:
          if (after_hole) token.type = JadeLexer::HOLE_IF;
          break;
        case JadeLexer::ELSE:
          if (after_hole) token.type = JadeLexer::HOLE_ELSE;
          break;
        case JadeLexer::END:
          if (after_hole) token.type = JadeLexer::HOLE_END;
          break;
        default:
          break;
      }
    }
  }

  // Clause words are themselves only where a clause can begin: directly in a role's body, first on their line or after
  // something that ends a clause.
  void RetypeClauseWord(size_t i) {
    Lexeme& token = list_.tokens[i];
    if (stack_.empty() && IsDeclarationWord(token.type)) {
      in_role_ = token.type == JadeLexer::EXECUTOR || token.type == JadeLexer::PLANNER;
    }
    if (token.type < JadeLexer::SYSTEM || token.type > JadeLexer::OVERRUN) return;
    const bool in_body = in_role_ && stack_.size() == 1 && stack_[0].closing == JadeLexer::RBRACE;
    if (!in_body || !(token.first_on_line || EndsClause(list_.tokens[i - 1].type))) token.type = JadeLexer::NAME;
  }

  static bool EndsClause(size_t type) {
    switch (type) {
      case JadeLexer::LBRACE:
      case JadeLexer::SEMI:
      case JadeLexer::RPAREN:
      case JadeLexer::RBRACK:
      case JadeLexer::RBRACE:
      case JadeLexer::INT:
      case JadeLexer::FLOAT:
      case JadeLexer::DURATION:
      case JadeLexer::QUESTION:
      case JadeLexer::TRUE:
      case JadeLexer::FALSE:
      case JadeLexer::NONE:
      case JadeLexer::NAME:
      case JadeLexer::TEXT:
      case JadeLexer::PLAN:
        return true;
      default:
        return IsClosing(type);
    }
  }

  // Types by position in the line; after matching, which wants the plain ones.
  void RetypeLineStarts() {
    for (Lexeme& token : list_.tokens) {
      if (!token.first_on_line) continue;
      if (token.type == JadeLexer::LPAREN) token.type = JadeLexer::LPAREN_NL;
      if (token.type == JadeLexer::LBRACK) token.type = JadeLexer::LBRACK_NL;
      if (token.type == JadeLexer::MINUS) token.type = JadeLexer::MINUS_NL;
    }
  }

  // ---- Chunks and brackets

  // `exector QR(…)`, `def f(…)` in column 0 after something complete: no declaration goes on like that.
  bool BeginsMistypedDeclaration(size_t i) const {
    const auto& tokens = list_.tokens;
    if (!stack_.empty() || (tokens[i].type != JadeLexer::NAME && tokens[i].type != JadeLexer::LET)) return false;
    if (IsDeclarationWord(tokens[i - 1].type) || !EndsOperand(tokens[i - 1].type)) return false;
    const std::string_view word = file_->Text(tokens[i].span);
    return !ForeignDeclaration(word).empty() || !NearestDeclaration(word).empty();
  }

  bool BeginsDeclaration(size_t i) const {
    const auto& tokens = list_.tokens;
    if (!tokens[i].first_on_line || tokens[i].column != 0) return false;
    if (!IsDeclarationWord(tokens[i].type)) return BeginsMistypedDeclaration(i);
    if (stack_.empty()) return true;
    if (i + 1 >= tokens.size()) return false;
    const size_t next = tokens[i + 1].type;  // inside brackets only what cannot be a use of the word as a name
    return next == JadeLexer::NAME || next == JadeLexer::WORKFLOW ||
           (tokens[i].type == JadeLexer::TEST && next == JadeLexer::STRING_OPEN);
  }

  void CutAndMatch() {
    std::sort(reported_.begin(), reported_.end(), [](Span a, Span b) { return a.begin < b.begin; });
    for (size_t i = 0; i < list_.tokens.size(); ++i) {
      if (cut_ && i > chunk_begin_ && BeginsDeclaration(i)) {
        EndChunk(chunk_begin_, i);
        chunk_begin_ = i;
      }
      RetypeClauseWord(i);
      Match(i);
      if (!list_.usable) return;
    }
    EndChunk(chunk_begin_, list_.tokens.size());
    RetypeLineStarts();
  }

  void EndChunk(size_t begin, size_t end) {
    if (!stack_.empty()) {
      // The outermost one: what is left open inside it is a consequence.
      if (!broken_ && !AnyReported(begin, end))
        ReportOpen(stack_.front(), end < list_.tokens.size() ? &list_.tokens[end] : nullptr);
      broken_ = true;
      stack_.clear();
    }
    if (begin == end && !broken_) return;
    list_.chunks.push_back({begin, end, broken_ || AnyReported(begin, end)});
    broken_ = false;
    in_role_ = false;
  }

  // Whether the scanner diagnosed something between two tokens.
  bool AnyReported(size_t begin, size_t end) const {
    if (begin >= end) return false;
    const uint32_t from = list_.tokens[begin].span.begin;
    const uint32_t to = end < list_.tokens.size() ? list_.tokens[end].span.begin : UINT32_MAX;
    const auto first = std::lower_bound(reported_.begin(), reported_.end(), from,
                                        [](Span span, uint32_t place) { return span.begin < place; });
    return first != reported_.end() && first->begin < to;
  }

  bool AlreadyReported(Span span) const {
    return std::find(reported_.begin(), reported_.end(), span) != reported_.end();
  }

  void ReportOpen(const Open& open, const Lexeme* until) {
    const Lexeme& token = list_.tokens[open.token];
    if (AlreadyReported(token.span)) return;
    if (open.directive) {
      const Span word = list_.tokens[open.token + 1].span;
      sink_.Report(diag::kUnclosedDirective, file_, source::Cover(token.span, word), file_->Text(word))
          .Help("close it with `{end}`");
      return;
    }
    if (IsTemplateOpening(token.type)) {
      sink_.Report(diag::kUnclosedTemplate, file_, token.span).Help("close it with `\"\"\"`");
      return;
    }
    const std::string_view bracket = token.type == JadeLexer::HOLE_OPEN ? "{" : file_->Text(token.span);
    auto report = sink_.Report(diag::kUnclosedBracket, file_, token.span, bracket);
    report.Help(HelpForOpen(token, bracket));
    if (until != nullptr) report.Note(file_, until->span, "it would have to be closed before this");
  }

  // `a // 2 }`: the closing bracket may stand in a comment on the same line.
  std::string HelpForOpen(const Lexeme& token, std::string_view bracket) const {
    const std::string_view closing = bracket == "(" ? ")" : bracket == "[" ? "]" : "}";
    const std::string_view text = file_->text();
    const auto comment =
        std::lower_bound(list_.comments.begin(), list_.comments.end(), token.span.end,
                         [](const ast::Comment& one, uint32_t place) { return one.span.begin < place; });
    if (comment != list_.comments.end()) {
      constexpr uint32_t kNear = 500;  // the same line, or too far to matter
      const uint32_t gap = comment->span.begin - token.span.end;
      const bool same_line = gap < kNear && text.substr(token.span.end, gap).find('\n') == std::string_view::npos;
      if (same_line && file_->Text(comment->span).find(closing) != std::string_view::npos) {
        return fmt::format("`//` begins a comment, and the `{}` stands in it; `/` divides", closing);
      }
    }
    return fmt::format("close it with `{}`", closing);
  }

  void Match(size_t i) {
    Lexeme& token = list_.tokens[i];
    token.depth = static_cast<uint32_t>(stack_.size());
    if (IsOpening(token.type)) return Push(i, Closing(token.type), false);
    if (token.type == JadeLexer::HOLE_FOR || token.type == JadeLexer::HOLE_IF) pending_directive_ = i - 1;
    if (token.type == JadeLexer::HOLE_END || token.type == JadeLexer::HOLE_ELSE) EndDirective(i);
    if (IsClosing(token.type)) Close(i);
  }

  void Push(size_t i, size_t closing, bool directive) {
    if (stack_.size() >= kMaxNesting) {
      sink_.Report(diag::kTooDeep, file_, list_.tokens[i].span, kMaxNesting)
          .Help("name the inner parts with `let`, or move them into a workflow of their own");
      list_.tokens.clear();
      list_.chunks.clear();
      list_.usable = false;
      return;
    }
    stack_.push_back({i, closing, directive});
  }

  void Close(size_t i) {
    Lexeme& token = list_.tokens[i];
    size_t level = stack_.size();
    while (level > 0 && (stack_[level - 1].directive || stack_[level - 1].closing != token.type)) --level;
    if (level == 0) {
      if (!broken_ && !AnyReported(chunk_begin_, i)) {
        sink_.Report(diag::kUnmatchedBracket, file_, token.span, file_->Text(token.span))
            .Help("remove it, or open it before");
      }
      broken_ = true;
      return;
    }
    if (level < stack_.size()) {
      if (!broken_ && !AnyReported(chunk_begin_, i)) ReportOpen(stack_[level], &token);
      broken_ = true;
    }
    stack_.resize(level - 1);
    token.depth = static_cast<uint32_t>(stack_.size());
    if (pending_directive_ != kNone && token.type == JadeLexer::RBRACE) {
      const size_t directive = pending_directive_;
      pending_directive_ = kNone;
      Push(directive, JadeLexer::HOLE_END, true);
    }
  }

  // `{end}` and `{else}`: the hole itself is on top of the stack, its `{for}` or `{if}` right below.
  void EndDirective(size_t i) {
    const Lexeme& token = list_.tokens[i];
    const bool inside = stack_.size() >= 2 && stack_[stack_.size() - 2].directive;
    const bool is_else = token.type == JadeLexer::HOLE_ELSE;
    const bool fits =
        inside && (!is_else || list_.tokens[stack_[stack_.size() - 2].token + 1].type == JadeLexer::HOLE_IF);
    if (!fits) {
      if (!broken_) {
        sink_.Report(diag::kUnmatchedDirective, file_, token.span, file_->Text(token.span), is_else ? "if" : "for")
            .Help(is_else ? "begin with `{if …}`" : "begin with `{for … in …}` or `{if …}`");
      }
      broken_ = true;
      return;
    }
    if (!is_else) stack_.erase(stack_.end() - 2);
  }

  static constexpr size_t kNone = SIZE_MAX;

  const source::SourceFilePtr& file_;
  diag::Diagnostics& sink_;
  const bool cut_;
  TokenList list_;
  std::vector<Span> reported_;
  size_t chunk_begin_ = 0;
  bool in_role_ = false;  // the declaration is an executor or a planner
  std::vector<Open> stack_;
  size_t pending_directive_ = kNone;
  bool broken_ = false;
};

}  // namespace

bool IsReservedWord(size_t type) {
  return type >= JadeLexer::LET && type <= JadeLexer::NEW;
}

bool IsDeclarationWord(size_t type) {
  return type >= JadeLexer::USE && type <= JadeLexer::TEST;
}

std::string DescribeToken(const Lexeme& token, const source::SourceFile& file) {
  constexpr size_t kMaxShown = 40;
  if (IsTemplateOpening(token.type)) return "template";
  if (token.type == JadeLexer::TEMPLATE_TEXT || token.type == JadeLexer::RAW_TEXT) return "text";
  if (token.type == JadeLexer::STRING_CLOSE || token.type == JadeLexer::TRIPLE_CLOSE ||
      token.type == JadeLexer::RAW_CLOSE) {
    return "end of the template";
  }
  const std::string_view text = file.Text(token.span);
  if (text.size() <= kMaxShown) return fmt::format("`{}`", text);
  return fmt::format("`{}…`", text.substr(0, kMaxShown));  // only words of ASCII are that long
}

TokenList Tokenize(const source::SourceFilePtr& file, diag::Diagnostics& sink, bool cut) {
  return Tokenizer(file, sink, cut).Run();
}

}  // namespace jade::parse
