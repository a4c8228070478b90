#pragma once
// From text to tree. Every function returns a tree, partial where the text has errors (ErrorExpr, empty names, missing
// clauses), and reports each mistake once. Inputs beyond the caps below get one diagnostic and an empty tree; nothing
// here overflows the stack or throws, whatever the bytes.
//
// Safe on any thread and on several at once; the parser's prediction tables are shared and warmed by use.

#include <memory>

#include "compiler/ast/decl.h"
#include "compiler/ast/plan.h"
#include "compiler/diag/diagnostic.h"

namespace jade::parse {

inline constexpr size_t kMaxSourceBytes = size_t{4} << 20;
inline constexpr size_t kMaxPlanBytes = size_t{8} << 10;
inline constexpr size_t kMaxTokens = 500'000;
inline constexpr uint32_t kMaxNesting = 256;  // brackets, braces, templates in each other

// What parsers of this process have learnt about the grammar, in states of ANTLR's automata. Never much above
// kMostLearntStates (some 75 MB), whatever is parsed.
inline constexpr size_t kMostLearntStates = 16'384;
size_t LearntStates();

std::unique_ptr<ast::Module> ParseModule(const source::SourceFilePtr& file, diag::Diagnostics& sink);

// The text a planner wrote between its tags.
std::unique_ptr<ast::Plan> ParsePlan(const source::SourceFilePtr& file, diag::Diagnostics& sink);

// A block without braces, as typed at a prompt: `let`s, then an expression, which `let`s can do without.
struct Expression {
  std::unique_ptr<ast::Block> block;  // never null; its result is, after `let`s without an expression
  uint32_t node_count = 0;
};
Expression ParseExpression(const source::SourceFilePtr& file, diag::Diagnostics& sink);

// A token as the formatter and editors need it.
enum class TokenKind : uint8_t {
  kName,      // names and soft words
  kClause,    // the word that begins a clause of a role
  kReserved,  // `let`, `fold`, … and `run` where it begins an expression
  kNumber,
  kTemplate,  // the whole literal with its quotes and interpolations
  kPunctuation,
  kComment,
};
struct Token {
  TokenKind kind;
  source::Span span;
};

// All tokens in source order, comments included.
std::vector<Token> Tokens(const source::SourceFilePtr& file, diag::Diagnostics& sink);

// Parses a sample that visits the grammar, so that the first plan of a process does not pay for building the
// prediction tables. Idempotent; tens of milliseconds the first time.
void WarmUp();

}  // namespace jade::parse
