#pragma once
// Makes constraints. What is expensive is made once and shared by all constraints of a library: the automaton of a
// format, the trie of a vocabulary, the masks of an automaton's states. Any thread; constraints may outlive it.

#include <memory>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/constrain/spec.h"
#include "runtime/engine/constraint.h"

namespace jade::constrain {

using ConstraintPtr = std::shared_ptr<const engine::Constraint>;

class Library {
 public:
  Library();

  // Fails (kInvalidArgument) when the spec is broken or the prefix is not the beginning of any reply of the format.
  Result<ConstraintPtr> Make(const Spec& spec) const;
  // The constraint of that id: same states, same numbers, same masks.
  Result<ConstraintPtr> FromId(std::string_view id) const;

  struct Shared;

 private:
  std::shared_ptr<Shared> shared_;
};

// Library().FromId, for who has one id.
Result<ConstraintPtr> FromId(std::string_view id);

}  // namespace jade::constrain
