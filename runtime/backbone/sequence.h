#pragma once
// A sequence of tokens that is being computed: what the scheduler knows of a call. Its owner makes it, hands it to a
// Scheduler and keeps it alive until it has removed it there; the engine's thread.

#include <chrono>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "runtime/backbone/executor.h"

namespace jade::backbone {

struct Sequence;

// Who goes first: the earlier deadline (none is later than any), then who came first.
struct GoesBefore {
  bool operator()(const Sequence* a, const Sequence* b) const;
};

struct Sequence {
  // Set by the owner before it is added.
  int policy = 0;
  uint64_t arrival = 0;  // unique among the sequences of a scheduler
  std::chrono::steady_clock::time_point deadline{};
  std::vector<int32_t> tokens;  // the prompt; the owner appends what is chosen to go on with
  int64_t prompt_tokens = 0;
  int64_t most_tokens = 0;    // that there can be, prompt and reply
  int64_t pinned_tokens = 0;  // of the prompt, the same in other calls: kept in the cache longest

  // The scheduler's; the owner only reads.
  enum class State : uint8_t {
    kNew,
    kWaiting,
    kFollowing,  // waits for another that computes a prefix of this one
    kActive,
  };
  State state = State::kNew;
  bool begun = false;           // has been active
  int64_t computed = 0;         // tokens whose keys and values are there
  int64_t cached_tokens = 0;    // of the prompt, found in the cache when it began
  std::vector<BlockId> blocks;  // of the computed tokens, and of those in the step under way
  int64_t inserted = 0;         // tokens that the prefix tree has
  int passed_over = 0;          // steps in which its prompt waited for others'
  Sequence* leader = nullptr;   // whom it follows, and until how many of the leader's tokens are computed
  int64_t wanted = 0;
  struct Follows {
    bool operator()(const Sequence* a, const Sequence* b) const {
      return a->wanted != b->wanted ? a->wanted < b->wanted : GoesBefore()(a, b);
    }
  };
  std::set<Sequence*, Follows> followers;

  int64_t length() const { return static_cast<int64_t>(tokens.size()); }
  // Tokens to compute before the next one can be chosen. One: it is being decoded.
  int64_t left() const { return length() - computed; }
};

inline bool GoesBefore::operator()(const Sequence* a, const Sequence* b) const {
  constexpr std::chrono::steady_clock::time_point kNone{};
  if (a->deadline == b->deadline) return a->arrival < b->arrival;
  if (a->deadline == kNone || b->deadline == kNone) return b->deadline == kNone;
  return a->deadline < b->deadline;
}

}  // namespace jade::backbone
