#pragma once
// Mistakes that people, and models that know other languages better, make often: recognised from the tokens round the
// place where the parser stopped, so that the message can name the rule and the repair. Private to compiler/parse.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/parse/tokens.h"

namespace jade::parse {

// The place where the parser stopped and the tokens of its chunk.
struct Stop {
  const source::SourceFile& file;
  const Lexeme* tokens = nullptr;
  size_t count = 0;
  size_t at = 0;              // `count` at the end of the chunk
  std::vector<size_t> rules;  // rules that have read something, the innermost first; never empty

  // 0 and no text beyond the chunk.
  size_t Type(ptrdiff_t offset = 0) const;
  std::string_view Text(ptrdiff_t offset = 0) const;
  source::Span Place(ptrdiff_t offset = 0) const;
  bool SameLine() const;  // as the token before it
  // The innermost rule that is more than a part of an expression or a type; and whether a rule is being read.
  size_t Construct() const;
  bool Inside(size_t rule) const;
  // Index of the innermost bracket, brace or hole open at the stop; `count` when there is none or it is far away.
  size_t Opener() const;
  // First token that may be looked at: looking back costs a bounded time, however many mistakes a chunk holds.
  size_t Horizon() const { return at > kMaxLook ? at - kMaxLook : 0; }
  static constexpr size_t kMaxLook = 300;
};

// What to say instead of the grammar's own "unexpected A: expected B". Empty parts stay as the grammar has them.
struct Mistake {
  std::string expected;
  std::string help;
  std::optional<diag::Edit> fix;
  std::optional<source::Span> place;  // where, when not at the token where the parser stopped
};

// A token that can begin, or end, an operand of an expression.
bool BeginsOperand(size_t type);
bool EndsOperand(size_t type);

// In expressions, blocks and templates; in declarations, roles and tests.
std::optional<Mistake> ExpressionMistake(const Stop& stop);
std::optional<Mistake> DeclarationMistake(const Stop& stop);

// The word that begins declarations for which `word` is a slip of the pen, or empty.
std::string_view NearestDeclaration(std::string_view word);

// The help for a word that begins no declaration; empty when there is nothing better than a list of those that do.
std::string_view ForeignDeclaration(std::string_view word);

}  // namespace jade::parse
