#pragma once
// From text to the tokens the grammar reads. Private to compiler/parse.
//
// What depends on lines and pairs is settled here, before ANTLR's parser: brackets, interpolations and template
// directives are matched up (an odd one is reported once, at its place), nesting is capped, `(`, `[` and `-` that begin
// a line get types of their own, `run` becomes a name unless an operand follows, and the file is cut into chunks that
// begin at a declaration in column 0, so that an error in one never spoils the next.

#include <cstdint>
#include <memory>
#include <vector>

#include "compiler/ast/node.h"
#include "compiler/diag/diagnostic.h"
#include "compiler/source/source.h"

namespace jade::parse {

struct Lexeme {
  size_t type = 0;
  source::Span span;    // bytes
  uint32_t depth = 0;   // brackets, braces and templates open round it; a bracket counts as outside itself
  uint32_t column = 0;  // code points from the start of its line
  bool first_on_line = false;
};

// A run of tokens that is parsed by itself.
struct Chunk {
  size_t begin = 0;
  size_t end = 0;
  bool reported = false;  // something in it was already diagnosed: the parser stays silent about it
};

struct TokenList {
  std::vector<Lexeme> tokens;
  std::vector<Chunk> chunks;
  std::vector<ast::Comment> comments;
  bool usable = true;  // false when a cap was hit: there is nothing to parse
};

// `cut` is false for plans and snippets: one chunk then.
TokenList Tokenize(const source::SourceFilePtr& file, diag::Diagnostics& sink, bool cut);

// How a token reads in a message: "`)`", "the name `x`", "the end of the file".
std::string DescribeToken(const Lexeme& token, const source::SourceFile& file);

// True for the words that can never be names.
bool IsReservedWord(size_t token_type);
// True for the words that begin a declaration.
bool IsDeclarationWord(size_t token_type);

}  // namespace jade::parse
