#pragma once
// Checks what is typed at a prompt: `let`s and an expression over a program's declarations and over values kept from
// before. Unlike in a block, a `let` may take a name again, and names inside expressions may hide kept ones.

#include <memory>
#include <string>
#include <vector>

#include "compiler/diag/diagnostic.h"
#include "compiler/sema/typed.h"

namespace jade::sema {

// A value that has a name.
struct Given {
  std::string name;
  TypeId type = kNoType;
  ast::NodeId binding;  // what the tables call it; set by CheckSnippet
};

struct TypedStatement {
  std::string name;  // of a `let`; empty for the expression
  source::Span name_span;
  const ast::Expr* value = nullptr;
  TypeId type = kNoType;
  ast::NodeId binding;      // of a `let`
  std::vector<Given> uses;  // kept values, and those that `let`s before it bind
};

struct TypedSnippet {
  source::SourceFilePtr file;
  ast::BlockPtr block;
  Tables tables;
  std::vector<TypedStatement> statements;  // the `let`s, then the expression if there is one
};

// Null when it has errors; `sink` then says which. A kept name that the program declares is not seen.
std::unique_ptr<TypedSnippet> CheckSnippet(Program& program, const source::SourceFilePtr& file, std::vector<Given> kept,
                                           diag::Diagnostics& sink);

}  // namespace jade::sema
