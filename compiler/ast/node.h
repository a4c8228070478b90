#pragma once
// What every node of the syntax tree has. Trees own their children through unique_ptr, are made by compiler/parse, and
// are not changed afterwards; facts about them (types, names, …) live in side tables indexed by NodeId. The parser
// bounds the depth of a tree (kMaxDepth), so plain recursion over it, its destruction included, is safe.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/check.h"
#include "compiler/source/source.h"

namespace jade::ast {

using source::Span;

// Greatest depth of expressions, types or template parts within each other.
inline constexpr uint32_t kMaxDepth = 512;

// Dense from 0 within one tree (Module, Plan or expression): expressions, types, patterns, bindings and parameters are
// numbered, in the order they were made. The tree's node_count is the size a side table needs.
struct NodeId {
  uint32_t index = UINT32_MAX;
  bool valid() const { return index != UINT32_MAX; }
  friend bool operator==(NodeId, NodeId) = default;
  friend auto operator<=>(NodeId, NodeId) = default;
};

// A word of the source. Empty text stands for one that was missing (already diagnosed).
struct Name {
  std::string text;
  Span span;
  bool empty() const { return text.empty(); }
};

// `std.rag`, `Query`, `Reply.Ask`.
struct Path {
  std::vector<Name> parts;
  Span span;
  std::string ToString() const;
};

// A comment, from `//` to the end of its line.
struct Comment {
  Span span;
  bool own_line = false;  // nothing but blanks stands before it
};

struct Type;
struct Expr;
struct Block;
using TypePtr = std::unique_ptr<Type>;
using ExprPtr = std::unique_ptr<Expr>;

}  // namespace jade::ast
