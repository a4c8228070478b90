#pragma once
// ANTLR's lexer, made safe: byte spans instead of code points, a mode stack that cannot underflow, and the repairs that
// need both the text and the open templates. Private to compiler/parse.

#include <optional>
#include <string>
#include <vector>

#include "compiler/parse/tokens.h"

namespace jade::parse {

struct ScanResult {
  std::vector<Lexeme> tokens;  // depth not filled in
  std::vector<ast::Comment> comments;
  std::optional<source::Span> unclosed;  // the quotes of a template still open at the end
  std::vector<source::Span> reported;    // places where something was diagnosed
  bool too_many = false;
};

// Scans [begin, end) of the file, which must be valid UTF-8.
ScanResult Scan(const source::SourceFilePtr& file, source::Span range, diag::Diagnostics& sink);

}  // namespace jade::parse
