#pragma once
// Which tokens of one line are set apart by a blank. Private to compiler/format.

#include <string_view>
#include <vector>

#include "compiler/parse/parse.h"

namespace jade::format {

// A token with what the formatter has found out about it.
struct Piece {
  parse::TokenKind kind;
  std::string_view text;
  uint32_t line_breaks = 0;  // in the source before it
  bool clause = false;       // the word that begins a clause of a role
  bool in_stages = false;    // inside a `stages` clause
  bool angle = false;        // `<` or `>` of a type or a tag
  bool tag = false;          // inside the brackets of a tag
  bool prefix = false;       // a `-` that is no subtraction
  bool takes_value = false;  // a word followed by a value: a setting's name, what `reply` answers for
};

// Fills in everything but kind, text and line_breaks.
void Annotate(std::vector<Piece>& pieces);

// Whether a blank stands between two neighbours on one line.
bool BlankBetween(const Piece& left, const Piece& right);

// Whether an expression can go on after this token on the next line, or needs to.
bool IsOperator(const Piece& piece);

}  // namespace jade::format
