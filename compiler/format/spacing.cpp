#include "compiler/format/spacing.h"

#include <algorithm>
#include <array>

namespace jade::format {
namespace {

using parse::TokenKind;

template <size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool IsWord(const Piece& piece) {
  return piece.kind == TokenKind::kName || piece.kind == TokenKind::kClause || piece.kind == TokenKind::kReserved;
}
bool IsPunctuation(const Piece& piece, std::string_view text) {
  return piece.kind == TokenKind::kPunctuation && piece.text == text;
}

// Words that are values themselves: a `-` after them subtracts, a `(` or `[` after them applies to them.
bool IsValueWord(const Piece& piece) {
  if (piece.kind == TokenKind::kName) return !piece.clause && !piece.takes_value;
  return piece.kind == TokenKind::kReserved && (piece.text == "true" || piece.text == "false" || piece.text == "none");
}

bool EndsValue(const Piece& piece) {
  if (piece.angle) return false;
  return IsValueWord(piece) || piece.kind == TokenKind::kNumber || piece.kind == TokenKind::kTemplate ||
         IsPunctuation(piece, ")") || IsPunctuation(piece, "]") || IsPunctuation(piece, "}") ||
         IsPunctuation(piece, "?");
}

class Annotator {
 public:
  explicit Annotator(std::vector<Piece>& pieces) : pieces_(pieces) {}

  void Run() {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      Piece& piece = pieces_[i];
      if (piece.kind == TokenKind::kComment) continue;
      Clauses(piece);
      Angles(piece);
      piece.in_stages = clause_ == "stages" && !piece.clause;
      piece.prefix =
          IsPunctuation(piece, "-") && !(previous_ != nullptr && EndsValue(*previous_) && piece.line_breaks == 0);
      Values(piece);
      Braces(piece);
      before_ = previous_;
      previous_ = &piece;
    }
  }

 private:
  enum class Body : uint8_t { kOther, kTool };

  // A tool's body begins with the `{` after `tool` at the top level.
  void Braces(const Piece& piece) {
    if (bodies_.empty() && piece.kind == TokenKind::kName && piece.text != "main") {
      const bool begins = previous_ == nullptr || piece.line_breaks > 0 || IsPunctuation(*previous_, "}");
      if (begins && piece.text == "tool") next_ = Body::kTool;
    }
    if (IsPunctuation(piece, "{") || IsPunctuation(piece, "(") || IsPunctuation(piece, "[")) {
      const bool body = bodies_.empty() && piece.text == "{";
      bodies_.push_back(body ? next_ : Body::kOther);
      if (body) next_ = Body::kOther;
    } else if (IsPunctuation(piece, "}") || IsPunctuation(piece, ")") || IsPunctuation(piece, "]")) {
      if (!bodies_.empty()) bodies_.pop_back();
      if (bodies_.empty()) clause_ = {};
    }
  }

  void Clauses(Piece& piece) {
    if (piece.kind != TokenKind::kClause) return;
    piece.clause = true;
    clause_ = piece.text;
  }

  void Angles(Piece& piece) {
    const bool opens = IsPunctuation(piece, "<");
    if (opens && previous_ != nullptr) {
      const bool tag = clause_ == "emits" && (previous_->clause || IsPunctuation(*previous_, "|"));
      if (tag || (IsWord(*previous_) && previous_->text == "Plan")) {
        piece.angle = true;
        angles_.push_back(tag);
        return;
      }
    }
    if (angles_.empty()) return;
    piece.tag = angles_.back();
    if (!IsPunctuation(piece, ">")) return;
    piece.angle = true;
    angles_.pop_back();
  }

  // `temperature 1.0`, `reply QR "…"`: the word before a value.
  void Values(Piece& piece) {
    if (piece.kind != TokenKind::kName || piece.clause || previous_ == nullptr) return;
    const bool tool = bodies_.size() == 1 && bodies_[0] == Body::kTool;
    const bool sample = bodies_.size() == 1 && clause_ == "sample";
    const bool starts = previous_->clause || IsPunctuation(*previous_, ",") || IsPunctuation(*previous_, "{");
    if ((tool && (starts || piece.line_breaks > 0)) || (sample && starts)) piece.takes_value = true;
    const bool reply = previous_->kind == TokenKind::kName && previous_->text == "reply" && bodies_.size() == 1 &&
                       (before_ == nullptr || previous_->line_breaks > 0 || IsPunctuation(*before_, "{") ||
                        IsPunctuation(*before_, ";"));
    if (reply) piece.takes_value = true;
  }

  std::vector<Piece>& pieces_;
  const Piece* previous_ = nullptr;
  const Piece* before_ = nullptr;
  std::vector<Body> bodies_;
  std::vector<bool> angles_;
  Body next_ = Body::kOther;
  std::string_view clause_;
};

}  // namespace

void Annotate(std::vector<Piece>& pieces) {
  Annotator(pieces).Run();
}

bool IsOperator(const Piece& piece) {
  static constexpr std::array<std::string_view, 16> kOperators = {"==", "!=", "<", "<=", ">", ">=", "+",  "-",
                                                                  "*",  "/",  "%", "??", "|", "=",  "->", "."};
  if (piece.kind == TokenKind::kReserved) return piece.text == "and" || piece.text == "or";
  return piece.kind == TokenKind::kPunctuation && !piece.prefix && !piece.angle && OneOf(piece.text, kOperators);
}

bool BlankBetween(const Piece& left, const Piece& right) {
  if (right.kind == TokenKind::kComment) return true;
  if (left.tag && (right.tag || right.angle)) return false;  // inside <…>
  if (left.angle && left.text == "<") return false;
  if (right.angle) return right.text == "<" && !(IsWord(left) && !left.clause);
  if (left.prefix) return false;
  if (right.kind != TokenKind::kPunctuation) {
    if (left.kind != TokenKind::kPunctuation) return true;
    return left.text != "(" && left.text != "[" && left.text != "." && left.text != "@";
  }
  const std::string_view text = right.text;
  if (text == "," || text == ";" || text == ":" || text == ")" || text == "]") return false;
  if (text == "." || text == "@") return left.kind == TokenKind::kNumber;
  if (text == "?") return left.kind == TokenKind::kPunctuation && left.text == "?";
  if (left.kind == TokenKind::kPunctuation && (left.text == "(" || left.text == "[")) return false;
  if (text == "}") return !(left.kind == TokenKind::kPunctuation && left.text == "{");
  if (text == "(" || text == "[") {
    if (right.in_stages && text == "[") return true;
    if (left.kind == TokenKind::kPunctuation && (left.text == "." || left.text == "@")) return false;
    return !EndsValue(left) || (left.kind == TokenKind::kPunctuation && left.text == "}");
  }
  return true;
}

}  // namespace jade::format
