#pragma once
// What the text of a reply may be. The side that issues a call describes it (runtime/constrain), the engine asks it,
// token by token, what may come next. No tokenizer and no model here: a constraint is bound to an engine's tokens by
// the engine.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/token_mask.h"

namespace jade::engine {

// The tokens of an engine: the bytes each stands for. Shared by everything that is bound to them.
struct Vocabulary {
  std::vector<std::string> bytes;  // by id; empty for special tokens, which a constraint never allows but the end
  std::vector<int32_t> end_ids;    // each ends a reply
};

inline constexpr int64_t kAnyLength = INT64_MAX;

// Follows one reply. One thread at a time.
class ConstraintState {
 public:
  virtual ~ConstraintState() = default;
  // The tokens that may come next. Never empty for a state reached by allowed tokens: where the text is complete, the
  // end ids are in it. The mask stays valid until the next call of this state.
  virtual const TokenMask& Allowed() = 0;
  // False when `id` was not allowed; the state is then unchanged.
  virtual bool Accept(int32_t id) = 0;
  // A number that with the constraint's id says what is allowed next: equal numbers, equal masks. Recorded for each
  // token, so that a trainer masks as the engine did.
  virtual uint32_t number() const = 0;
};

// A constraint bound to a vocabulary. Immutable but for caches with locks of their own: any thread.
class BoundConstraint {
 public:
  virtual ~BoundConstraint() = default;
  // The reply is complete within `most_tokens` tokens, its end included, and within what the constraint itself says. An
  // engine gives what the context leaves behind the prompt; whoever follows a recorded reply must give the same.
  virtual std::unique_ptr<ConstraintState> Start(int64_t most_tokens) const = 0;
};

// A constraint as the caller knows it. Immutable: any thread.
class Constraint {
 public:
  virtual ~Constraint() = default;
  // Equal texts, equal constraints: the key of what is compiled, and what is recorded with a call.
  virtual const std::string& id() const = 0;
  // kInvalidArgument when the vocabulary cannot spell what the constraint asks for, naming what is missing.
  virtual Result<std::shared_ptr<const BoundConstraint>> Bind(std::shared_ptr<const Vocabulary> vocabulary) const = 0;
};

}  // namespace jade::engine
