#include "runtime/train/legal_tokens.h"

#include <fmt/format.h>

#include <bit>

namespace jade::train {

Result<LegalTokens::Constraint*> LegalTokens::Find(const std::string& id) {
  const auto known = constraints_.find(id);
  if (known != constraints_.end()) return &known->second;
  JADE_ASSIGN_OR_RETURN(const constrain::ConstraintPtr constraint, library_.FromId(id));
  JADE_ASSIGN_OR_RETURN(auto bound, constraint->Bind(vocabulary_));
  return &constraints_.emplace(id, Constraint{std::move(bound), {}}).first->second;
}

const engine::TokenMask* LegalTokens::Keep(const engine::TokenMask& mask) {
  masks_.push_back(mask);
  int64_t count = 0;
  for (const uint64_t word : mask.words()) count += std::popcount(word);
  if (count <= 1) single_.insert(&masks_.back());
  return &masks_.back();
}

Result<std::vector<const engine::TokenMask*>> LegalTokens::Of(const rollout::Transition& transition) {
  std::vector<const engine::TokenMask*> masks(transition.action.size(), nullptr);
  if (transition.constraint.empty()) return masks;
  JADE_ASSIGN_OR_RETURN(Constraint* const constraint, Find(transition.constraint));
  const auto state = constraint->bound->Start(max_positions_ - static_cast<int64_t>(transition.observation.size()));
  for (size_t i = 0; i < masks.size(); ++i) {
    const uint32_t number = state->number();
    if (i < transition.constraint_states.size() && transition.constraint_states[i] != number) {
      return Error(ErrorCode::kCorrupt,
                   fmt::format("token {} of a reply at `{}` was recorded in state {} of its constraint and is in state "
                               "{}: the record is of another version",
                               i, transition.site, transition.constraint_states[i], number));
    }
    const engine::TokenMask*& kept = constraint->masks[number];
    if (kept == nullptr) kept = Keep(state->Allowed());
    masks[i] = kept;
    if (!state->Accept(transition.action[i])) {
      return Error(ErrorCode::kCorrupt,
                   fmt::format("token {} of a reply at `{}` is not one its constraint allows", i, transition.site));
    }
  }
  return masks;
}

}  // namespace jade::train
