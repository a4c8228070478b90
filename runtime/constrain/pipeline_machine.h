#pragma once
// Reads rows of stages, `R,DS,AG` or `QDS(R,AG)`, byte by byte, as a part of PlanMachine. Immutable: any thread.

#include <array>
#include <cstdint>
#include <memory>

#include "runtime/constrain/pipeline_table.h"

namespace jade::constrain {

class PipelineMachine {
 public:
  struct State {
    uint32_t place = 0;
    uint16_t move = 0;    // kWord: the first of the place that begins with what was read
    uint16_t length = 0;  // kWord: bytes read of its name
    uint16_t phase = 0;
    uint16_t depth = 0;
    std::array<uint32_t, PipelineTable::kNesting> behind{};  // places to go on in after each `)`
  };

  static Result<PipelineMachine> Make(std::shared_ptr<const PlanScope> scope);

  // Whether anything can be written at all.
  bool Possible() const { return table_.places()[table_.start()].begin[PipelineTable::kNesting] < kNever; }
  State Start() const { return {.place = table_.start()}; }
  bool Next(State* state, uint8_t byte) const;
  // kNever when there is no complete text.
  uint32_t Distance(const State& state) const;

  static constexpr uint32_t kNever = PipelineTable::kNever;

 private:
  enum Phase : uint16_t { kBegin, kWord, kAfter };
  static uint32_t Open(const State& state) { return PipelineTable::kNesting - state.depth; }
  // Calls `visit` with each move that what was read may be; until it says true.
  template <typename Visit>
  void Candidates(const State& state, Visit visit) const;
  // The move whose name was read, or null.
  const PipelineTable::Move* Named(const State& state) const;
  uint32_t Outside(const State& state) const;  // what closing the sub-plans costs
  bool Separator(State* state, uint32_t place, uint8_t byte) const;

  std::shared_ptr<const PlanScope> scope_;
  PipelineTable table_;
};

}  // namespace jade::constrain
