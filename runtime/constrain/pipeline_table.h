#pragma once
// The rows of stages a planner may write, as a finite automaton over stages: a place is what the pattern admits next
// together with the types that the pipeline has values of. Built once from a scope with the rules of
// compiler/sema/pipeline.cpp; immutable, any thread.

#include <array>
#include <cstdint>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/constrain/spec.h"

namespace jade::constrain {

class PipelineTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kNesting = 4;     // sub-plans in each other
  static constexpr size_t kMaxPlaces = 4096;  // kInvalidArgument above
  static constexpr uint32_t kNever = UINT32_MAX / 4;

  // `after` places; kNone where the stage may not stand so.
  struct Move {
    uint32_t stage = 0;
    uint32_t after = kNone;       // of the name alone
    uint32_t after_call = kNone;  // of the name with a sub-plan
    uint32_t sub_plan = kNone;    // the place it begins in
  };
  // Costs are bytes, by how many sub-plans may still open: kNever when it cannot be.
  using Cost = std::array<uint32_t, kNesting + 1>;
  struct Place {
    std::vector<Move> moves;
    bool complete = false;  // the pipeline may end here
    Cost begin{};           // to its end, the next stage's name first
    Cost finish{};          // to its end, after a stage
  };

  static Result<PipelineTable> Make(const PlanScope& scope);

  const std::vector<Place>& places() const { return places_; }
  uint32_t start() const { return 0; }

  // To the end of the pipeline by this move, behind the name.
  static uint32_t Tail(const std::vector<Place>& places, const Move& move, uint32_t open);

 private:
  std::vector<Place> places_;
};

}  // namespace jade::constrain
