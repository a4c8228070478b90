#pragma once
// Tags, numbered lists, alternatives and plain text as one finite automaton over bytes, built from the format. See
// machine.h. What it accepts, runtime/call reads as kOk.

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/constrain/machine.h"
#include "runtime/constrain/spec.h"

namespace jade::constrain {

class TagMachine {
 public:
  struct State {
    uint32_t node = 0;
    uint32_t utf8 = 0;
  };

  // Fails (kInvalidArgument) for tags that are too long, and for choices among nothing.
  static Result<TagMachine> Make(const Spec& spec);

  State Start() const { return {start_, 0}; }
  bool Next(State* state, uint8_t byte) const;
  uint32_t Distance(const State& state) const {
    return nodes_[state.node].distance + BytesMissing(static_cast<Utf8>(state.utf8));
  }
  Utf8 Pending(const State& state) const { return static_cast<Utf8>(state.utf8); }
  FreeText Free(const State& state) const;
  const std::string& Required() const { return required_; }
  size_t MaxBytes() const { return max_bytes_; }

 private:
  friend class TagBuilder;
  struct Edge {
    uint8_t byte = 0;
    uint32_t to = 0;
  };
  static constexpr uint32_t kNothing = UINT32_MAX;
  struct Node {
    std::vector<Edge> edges;
    uint32_t other = kNothing;  // where any other text goes
    uint32_t distance = kNothing;
  };

  std::vector<Node> nodes_;
  uint32_t start_ = 0;
  size_t max_bytes_ = 0;
  std::string required_;
};

}  // namespace jade::constrain
