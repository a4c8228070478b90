#pragma once
// What a planner may write: a row of stages or, where its names are given by `uses`, also a block, between its tags.
// Both are followed at once until the text has chosen. See machine.h.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "runtime/constrain/block_machine.h"
#include "runtime/constrain/machine.h"
#include "runtime/constrain/pipeline_machine.h"

namespace jade::constrain {

class PlanMachine {
 public:
  struct State {
    uint16_t phase = 0;
    uint16_t at = 0;  // in a tag
    uint16_t pipeline_alive = 1;
    uint16_t block_alive = 1;
    PipelineMachine::State pipeline;
    BlockMachine::State block;
  };

  // Fails (kInvalidArgument) for a broken scope, one with too many places, and one that admits no plan.
  static Result<PlanMachine> Make(const Spec& spec);

  State Start() const;
  bool Next(State* state, uint8_t byte) const;
  uint32_t Distance(const State& state) const;
  Utf8 Pending(const State& state) const {
    return state.block_alive != 0 && block_ ? block_->Pending(state.block) : Utf8::kWhole;
  }
  FreeText Free(const State& state) const;
  const std::string& Required() const { return required_; }
  size_t MaxBytes() const;

 private:
  enum Phase : uint16_t { kOpen, kInside, kClose, kDone };
  uint32_t Inside(const State& state) const;

  std::string open_;
  std::string close_;
  std::optional<PipelineMachine> pipeline_;
  std::optional<BlockMachine> block_;
  std::string required_;
};

}  // namespace jade::constrain
