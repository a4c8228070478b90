#include "compiler/format/format.h"

#include <algorithm>

#include "compiler/format/spacing.h"

namespace jade::format {
namespace {

using parse::TokenKind;

constexpr size_t kIndent = 2;

// Line breaks in the blanks between two tokens.
uint32_t BreaksBetween(std::string_view text) {
  return static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

bool Opens(const Piece& piece) {
  return piece.kind == TokenKind::kPunctuation && (piece.text == "{" || piece.text == "(" || piece.text == "[");
}
bool Closes(const Piece& piece) {
  return piece.kind == TokenKind::kPunctuation && (piece.text == "}" || piece.text == ")" || piece.text == "]");
}

class Formatter {
 public:
  explicit Formatter(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}

  std::string Run() {
    Annotate(pieces_);
    for (size_t begin = 0; begin < pieces_.size();) {
      size_t end = begin + 1;
      while (end < pieces_.size() && pieces_[end].line_breaks == 0) ++end;
      PutLine(begin, end);
      begin = end;
    }
    return std::move(out_);
  }

 private:
  void PutLine(size_t begin, size_t end) {
    const Piece& first = pieces_[begin];
    const bool after_opening = begin > 0 && Opens(pieces_[begin - 1]);
    if (begin > 0 && first.line_breaks > 1 && !after_opening && !Closes(first)) out_ += '\n';
    const size_t indent = IndentOf(begin);
    out_.append(indent, ' ');
    for (size_t i = begin; i < end; ++i) {
      const Piece& piece = pieces_[i];
      if (i > begin) {
        if (piece.kind == TokenKind::kComment) {
          out_ += "  ";
        } else if (BlankBetween(pieces_[i - 1], piece)) {
          out_ += ' ';
        }
      }
      out_ += piece.text;
      if (piece.clause && i == begin && i + 1 < end) out_.append(ClauseWidth(i) - piece.text.size(), ' ');
      if (Opens(piece)) open_.push_back(indent);
      if (Closes(piece) && !open_.empty()) open_.pop_back();
    }
    out_ += '\n';
  }

  // Two more than the line that opened the innermost bracket; as that line when this one closes it; two more again
  // when this line goes on with the expression of the line before.
  size_t IndentOf(size_t begin) const {
    const Piece& first = pieces_[begin];
    if (open_.empty()) return GoesOn(begin) ? kIndent : 0;
    if (!Closes(first)) return open_.back() + kIndent + (GoesOn(begin) ? kIndent : 0);
    size_t level = open_.size();
    for (size_t i = begin; i < pieces_.size() && Closes(pieces_[i]) && (i == begin || pieces_[i].line_breaks == 0);
         ++i) {
      if (level > 0) --level;
    }
    return open_[level];
  }

  bool GoesOn(size_t begin) const {
    const Piece& first = pieces_[begin];
    if (first.kind == TokenKind::kComment) return false;
    size_t before = begin;
    while (before > 0 && pieces_[before - 1].kind == TokenKind::kComment) --before;
    if (before == 0) return false;
    const Piece& last = pieces_[before - 1];
    if (IsOperator(first) || IsOperator(last)) return true;
    const bool after_brace = last.kind == TokenKind::kPunctuation && last.text == "}";
    return first.kind == TokenKind::kReserved && first.text == "else" && !after_brace;
  }

  // The width of the longest clause word of the body that this clause stands in.
  size_t ClauseWidth(size_t at) {
    if (width_of_.empty()) MeasureClauses();
    return width_of_[at];
  }

  void MeasureClauses() {
    width_of_.resize(pieces_.size());
    std::vector<size_t> clauses;
    size_t depth = 0;
    size_t width = 0;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].clause && pieces_[i].line_breaks > 0) {
        clauses.push_back(i);
        width = std::max(width, pieces_[i].text.size());
      }
      if (Opens(pieces_[i])) ++depth;
      if (Closes(pieces_[i]) && depth > 0 && --depth == 0) {
        for (const size_t clause : clauses) width_of_[clause] = width;
        clauses.clear();
        width = 0;
      }
    }
    for (size_t i = 0; i < pieces_.size(); ++i) width_of_[i] = std::max(width_of_[i], pieces_[i].text.size());
  }

  std::vector<Piece> pieces_;
  std::vector<size_t> open_;  // indentation of the lines that opened the brackets open here
  std::vector<size_t> width_of_;
  std::string out_;
};

}  // namespace

std::optional<std::string> Format(const source::SourceFilePtr& file, diag::Diagnostics& sink) {
  const size_t errors = sink.error_count();
  parse::ParseModule(file, sink);
  if (sink.error_count() > errors) return std::nullopt;
  std::vector<Piece> pieces;
  uint32_t at = 0;
  for (const parse::Token& token : parse::Tokens(file, sink)) {
    std::string_view text = file->Text(token.span);
    if (token.kind == TokenKind::kComment) text = TrimRight(text);
    const std::string_view gap = file->Text({at, token.span.begin});
    pieces.push_back({token.kind, text, pieces.empty() ? 0 : BreaksBetween(gap)});
    at = token.span.end;
  }
  return Formatter(std::move(pieces)).Run();
}

}  // namespace jade::format
