#include "runtime/constrain/pipeline_machine.h"

#include <algorithm>
#include <string_view>

namespace jade::constrain {

using Move = PipelineTable::Move;
using Place = PipelineTable::Place;

Result<PipelineMachine> PipelineMachine::Make(std::shared_ptr<const PlanScope> scope) {
  PipelineMachine machine;
  JADE_ASSIGN_OR_RETURN(machine.table_, PipelineTable::Make(*scope));
  machine.scope_ = std::move(scope);
  return machine;
}

template <typename Visit>
void PipelineMachine::Candidates(const State& state, Visit visit) const {
  const std::vector<Move>& moves = table_.places()[state.place].moves;
  const size_t first = state.phase == kWord ? state.move : 0;
  const std::string_view read = first < moves.size()
                                    ? std::string_view(scope_->stages[moves[first].stage].name).substr(0, state.length)
                                    : std::string_view();
  for (size_t i = first; i < moves.size(); ++i) {
    const std::string& name = scope_->stages[moves[i].stage].name;
    if (!name.starts_with(read)) continue;
    if (PipelineTable::Tail(table_.places(), moves[i], Open(state)) >= kNever) continue;
    if (visit(static_cast<uint16_t>(i), moves[i], std::string_view(name))) return;
  }
}

const Move* PipelineMachine::Named(const State& state) const {
  const Move* named = nullptr;
  Candidates(state, [&](uint16_t /*index*/, const Move& move, std::string_view name) {
    if (name.size() == state.length) named = &move;
    return named != nullptr;
  });
  return named;
}

uint32_t PipelineMachine::Outside(const State& state) const {
  uint32_t cost = 0;
  for (uint32_t level = 0; level < state.depth; ++level) {
    cost += 1 + table_.places()[state.behind[level]].finish[PipelineTable::kNesting - level];
  }
  return cost;
}

// After a stage: another one, or the end of the sub-plan.
bool PipelineMachine::Separator(State* state, uint32_t place, uint8_t byte) const {
  const Place& here = table_.places()[place];
  if (byte == ',') {
    if (here.begin[Open(*state)] >= kNever) return false;
    state->place = place;
    state->phase = kBegin;
    state->move = state->length = 0;
    return true;
  }
  if (byte != ')' || state->depth == 0 || !here.complete) return false;
  --state->depth;
  state->place = state->behind[state->depth];
  state->behind[state->depth] = 0;
  state->phase = kAfter;
  state->move = state->length = 0;
  return true;
}

bool PipelineMachine::Next(State* state, uint8_t byte) const {
  if (state->phase == kAfter) return Separator(state, state->place, byte);
  bool found = false;
  const uint16_t length = state->phase == kWord ? state->length : 0;
  uint16_t next = 0;
  Candidates(*state, [&](uint16_t index, const Move& /*move*/, std::string_view name) {
    found = name.size() > length && static_cast<uint8_t>(name[length]) == byte;
    next = index;
    return found;
  });
  if (found) {
    state->phase = kWord;
    state->move = next;
    state->length = static_cast<uint16_t>(length + 1);
    return true;
  }
  const Move* move = state->phase == kWord ? Named(*state) : nullptr;
  if (move == nullptr) return false;
  if (byte != '(') return move->after != PipelineTable::kNone && Separator(state, move->after, byte);
  const uint32_t open = Open(*state);
  const bool fits = open > 0 && move->after_call != PipelineTable::kNone &&
                    table_.places()[move->sub_plan].begin[open - 1] < kNever &&
                    table_.places()[move->after_call].finish[open] < kNever;
  if (!fits) return false;
  state->behind[state->depth++] = move->after_call;
  state->place = move->sub_plan;
  state->phase = kBegin;
  state->move = state->length = 0;
  return true;
}

uint32_t PipelineMachine::Distance(const State& state) const {
  const Place& place = table_.places()[state.place];
  uint32_t here = kNever;
  if (state.phase == kAfter) {
    here = place.finish[Open(state)];
  } else if (state.phase == kBegin) {
    here = place.begin[Open(state)];
  } else {
    Candidates(state, [&](uint16_t /*index*/, const Move& move, std::string_view name) {
      const auto left = static_cast<uint32_t>(name.size()) - state.length;
      here = std::min(here, left + PipelineTable::Tail(table_.places(), move, Open(state)));
      return false;
    });
  }
  return here >= kNever ? kNever : here + Outside(state);
}

}  // namespace jade::constrain
