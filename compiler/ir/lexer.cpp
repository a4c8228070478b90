#include "compiler/ir/lexer.h"

namespace jade::ir {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
// `~` only before a digit belongs to a word (Query~2), as ` ~12..30` starts with a blank.
bool IsWordByte(char c) {
  return IsWordStart(c) || IsDigit(c) || c == '.' || c == '/' || c == '~';
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

void Lexer::SkipBlanks() {
  while (at_ < text_.size()) {
    char c = text_[at_];
    if (c == '\n') {
      ++line_;
      line_start_ = true;
    } else if (c == ';') {  // a comment, to the end of the line
      while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
    ++at_;
  }
}

Token Lexer::Next() {
  SkipBlanks();
  Token token;
  token.line = line_;
  token.first_on_line = line_start_;
  line_start_ = false;
  if (at_ >= text_.size()) return token;
  size_t begin = at_;
  char c = text_[at_];
  if (c == '"') return String(std::move(token));
  if (IsDigit(c) || (c == '-' && at_ + 1 < text_.size() && (IsDigit(text_[at_ + 1]) || text_[at_ + 1] == 'i'))) {
    return Number(std::move(token));
  }
  if (IsWordStart(c)) {
    while (at_ < text_.size() && IsWordByte(text_[at_])) ++at_;
    token.kind = TokenKind::kWord;
    token.spelling = text_.substr(begin, at_ - begin);
    token.text = token.spelling;
    return token;
  }
  ++at_;
  if (c == '%') {
    while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
    token.kind = TokenKind::kValue;
  } else if ((c == '-' || c == '.') && at_ < text_.size() && text_[at_] == (c == '-' ? '>' : '.')) {
    ++at_;
    token.kind = TokenKind::kPunct;
  } else if (std::string_view("(){}[]<>,:=?@#!~").find(c) != std::string_view::npos) {
    token.kind = TokenKind::kPunct;
  } else {
    token.kind = TokenKind::kError;
    token.text = "unexpected byte";
  }
  token.spelling = text_.substr(begin, at_ - begin);
  return token;
}

Token Lexer::Number(Token token) {
  size_t begin = at_++;
  auto more = [&] { return at_ < text_.size(); };
  if (more() && text_[begin] == '-' && text_[at_] == 'i') {
    while (more() && IsWordStart(text_[at_])) ++at_;
  }
  while (more() && IsDigit(text_[at_])) ++at_;
  if (at_ + 1 < text_.size() && text_[at_] == '.' && IsDigit(text_[at_ + 1])) {
    ++at_;
    while (more() && IsDigit(text_[at_])) ++at_;
  }
  if (more() && text_[at_] == 'e') {
    ++at_;
    if (more() && (text_[at_] == '-' || text_[at_] == '+')) ++at_;
    while (more() && IsDigit(text_[at_])) ++at_;
  }
  token.kind = TokenKind::kNumber;
  token.spelling = text_.substr(begin, at_ - begin);
  return token;
}

Token Lexer::String(Token token) {
  size_t begin = at_++;
  auto fail = [&](const char* message) {
    token.kind = TokenKind::kError;
    token.text = message;
    token.spelling = text_.substr(begin, 1);
    return token;
  };
  while (at_ < text_.size() && text_[at_] != '"') {
    char c = text_[at_++];
    if (c == '\n') return fail("a string ends on its line");
    if (c != '\\') {
      token.text += c;
      continue;
    }
    if (at_ >= text_.size()) break;
    char escape = text_[at_++];
    if (escape == 'n') {
      token.text += '\n';
    } else if (escape == 't') {
      token.text += '\t';
    } else if (escape == '"' || escape == '\\') {
      token.text += escape;
    } else if (escape == 'x' && at_ + 1 < text_.size() && HexDigit(text_[at_]) >= 0 && HexDigit(text_[at_ + 1]) >= 0) {
      token.text += static_cast<char>(HexDigit(text_[at_]) * 16 + HexDigit(text_[at_ + 1]));
      at_ += 2;
    } else {
      return fail("unknown escape in a string");
    }
  }
  if (at_ >= text_.size()) return fail("the string has no end");
  ++at_;
  token.kind = TokenKind::kString;
  token.spelling = text_.substr(begin, at_ - begin);
  return token;
}

}  // namespace jade::ir
