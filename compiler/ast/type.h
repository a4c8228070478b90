#pragma once
// Types as written.

#include "compiler/ast/node.h"

namespace jade::ast {

enum class TypeForm : uint8_t {
  kNamed,     // Query, rag.Query, Plan<Query, Answer>
  kList,      // [T]
  kOptional,  // T?
  kError,     // could not be parsed; already diagnosed
};

struct Type {
  TypeForm form = TypeForm::kError;
  NodeId id;
  Span span;
  Path name;                       // kNamed
  std::vector<TypePtr> arguments;  // kNamed: what stands in <…>
  TypePtr element;                 // kList, kOptional
};

}  // namespace jade::ast
