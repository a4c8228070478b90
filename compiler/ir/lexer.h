#pragma once
// Tokens of JIR's text form, for the reader. Private to this room.

#include <cstdint>
#include <string>
#include <string_view>

namespace jade::ir {

enum class TokenKind : uint8_t {
  kEnd,
  kError,   // an unterminated or badly escaped string, or a byte that starts no token
  kWord,    // workflow, int.add, Query~2, std/rag
  kString,  // "…", unescaped in `text`
  kNumber,  // 12, -3, 1.5e-7, inf, -inf and nan are words except for the sign
  kValue,   // %12
  kPunct,   // one of ( ) { } [ ] < > , : = ? @ # ! ~ . and the pairs -> ..
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view spelling;
  std::string text;  // kString: unescaped; kWord: the word; kError: what is wrong
  uint32_t line = 1;
  bool first_on_line = false;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token Next();

 private:
  void SkipBlanks();
  Token String(Token token);
  Token Number(Token token);

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool line_start_ = true;
};

}  // namespace jade::ir
