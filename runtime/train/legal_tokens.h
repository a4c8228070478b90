#pragma once
// What the tokens of recorded replies might have been: follows each reply through the constraint it was written under,
// so that a trainer masks as the engine did. One thread.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/constrain/library.h"
#include "runtime/engine/constraint.h"
#include "runtime/rollout/transition.h"

namespace jade::train {

class LegalTokens {
 public:
  // `max_positions`: the context of the engine that wrote the replies.
  LegalTokens(std::shared_ptr<const engine::Vocabulary> vocabulary, int64_t max_positions)
      : vocabulary_(std::move(vocabulary)), max_positions_(max_positions) {}

  // By action token what was legal there; null where there was no constraint. The masks live as long as this does.
  // Fails with kCorrupt when the reply is not one that the constraint allows, or took other states than were recorded.
  Result<std::vector<const engine::TokenMask*>> Of(const rollout::Transition& transition);

  // Whether a mask leaves a choice.
  bool HasChoice(const engine::TokenMask* mask) const { return mask == nullptr || !single_.contains(mask); }

 private:
  struct Constraint {
    std::shared_ptr<const engine::BoundConstraint> bound;
    std::map<uint32_t, const engine::TokenMask*> masks;  // by state
  };
  Result<Constraint*> Find(const std::string& id);
  const engine::TokenMask* Keep(const engine::TokenMask& mask);

  std::shared_ptr<const engine::Vocabulary> vocabulary_;
  int64_t max_positions_;
  constrain::Library library_;
  std::map<std::string, Constraint> constraints_;
  std::deque<engine::TokenMask> masks_;
  std::set<const engine::TokenMask*> single_;
};

}  // namespace jade::train
