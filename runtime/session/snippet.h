#pragma once
// What a prompt runs: one statement typed over a program and the values that the prompt has kept.

#include "compiler/abi/value.h"
#include "compiler/sema/snippet.h"
#include "runtime/session/program.h"

namespace jade::session {

struct Snippet {
  ir::ModulePtr module;        // extends the program's; main() is the statement
  types::Signature signature;  // of main()
  std::vector<abi::Value> arguments;
};

// Lowers a statement of the snippet. `arguments` are the values of what it uses, in order; `name` begins its call
// paths.
Snippet MakeSnippet(const Program& program, const sema::TypedSnippet& tree, size_t statement, const std::string& name,
                    std::vector<abi::Value> arguments);

}  // namespace jade::session
