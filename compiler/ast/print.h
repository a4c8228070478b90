#pragma once
// The text form of trees, one node a line, two blanks a level: what `jade compile --emit ast` prints and the parse
// goldens compare. Spans are left out unless asked for, so that two texts that differ in layout only print the same.

#include <string>

#include "compiler/ast/decl.h"
#include "compiler/ast/plan.h"

namespace jade::ast {

struct PrintOptions {
  bool spans = false;
};

std::string Print(const Module& module, const PrintOptions& options = {});
std::string Print(const Plan& plan, const PrintOptions& options = {});
std::string Print(const Block& block, const PrintOptions& options = {});
std::string Print(const Expr& expr, const PrintOptions& options = {});

// A type as one would write it: "[Plan<Query, Answer>?]".
std::string TypeText(const Type& type);

}  // namespace jade::ast
