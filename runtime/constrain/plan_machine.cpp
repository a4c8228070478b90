#include "runtime/constrain/plan_machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/constrain/limits.h"

namespace jade::constrain {

Result<PlanMachine> PlanMachine::Make(const Spec& spec) {
  if (spec.plan == nullptr) return Error(ErrorCode::kInvalidArgument, "a plan without a scope");
  JADE_TRY(CheckScope(*spec.plan));
  PlanMachine machine;
  if (!spec.tag.empty()) {
    JADE_TRY(CheckTag(spec.tag));
    machine.open_ = fmt::format("<{}>", spec.tag);
    machine.close_ = fmt::format("</{}>", spec.tag);
  }
  JADE_ASSIGN_OR_RETURN(PipelineMachine pipeline, PipelineMachine::Make(spec.plan));
  if (pipeline.Possible()) machine.pipeline_ = std::move(pipeline);
  std::string bytes = machine.open_ + machine.close_ + ",()";
  if (!spec.plan->input.empty()) {
    BlockMachine block(spec.plan);
    if (block.Possible()) machine.block_ = std::move(block);
    bytes += spec.plan->input + "let true false none =;.\"[]_0123456789abcdefghijklmnopqrstuvwxyz";
  }
  if (!machine.pipeline_ && !machine.block_) {
    return Error(ErrorCode::kInvalidArgument, "the planner can write no plan at all");
  }
  for (const PlanScope::Stage& stage : spec.plan->stages) bytes += stage.name;
  std::sort(bytes.begin(), bytes.end());
  bytes.erase(std::unique(bytes.begin(), bytes.end()), bytes.end());
  machine.required_ = std::move(bytes);
  return machine;
}

PlanMachine::State PlanMachine::Start() const {
  State state;
  state.phase = open_.empty() ? kInside : kOpen;
  state.pipeline_alive = pipeline_ ? 1 : 0;
  state.block_alive = block_ ? 1 : 0;
  if (pipeline_) state.pipeline = pipeline_->Start();
  return state;
}

size_t PlanMachine::MaxBytes() const {
  return kMaxPlanBytes;
}

bool PlanMachine::Next(State* state, uint8_t byte) const {
  const auto literal = [&](const std::string& text, Phase then) {
    if (byte != static_cast<uint8_t>(text[state->at])) return false;
    if (++state->at < text.size()) return true;
    state->phase = then;
    state->at = 0;
    return true;
  };
  switch (state->phase) {
    case kOpen:
      return literal(open_, kInside);
    case kClose:
      return literal(close_, kDone);
    case kInside:
      break;
    default:
      return false;
  }
  if (byte == '<' && !close_.empty()) {
    if (Inside(*state) != 0) return false;
    *state = {.phase = kClose, .at = 0, .pipeline_alive = 0, .block_alive = 0, .pipeline = {}, .block = {}};
    return literal(close_, kDone);
  }
  if (state->pipeline_alive != 0 && !pipeline_->Next(&state->pipeline, byte)) {
    state->pipeline_alive = 0;
    state->pipeline = {};
  }
  if (state->block_alive != 0 && !block_->Next(&state->block, byte)) {
    state->block_alive = 0;
    state->block = {};
  }
  return state->pipeline_alive != 0 || state->block_alive != 0;
}

uint32_t PlanMachine::Inside(const State& state) const {
  uint32_t distance = BlockMachine::kNever;
  if (state.pipeline_alive != 0) distance = pipeline_->Distance(state.pipeline);
  if (state.block_alive != 0) distance = std::min(distance, block_->Distance(state.block));
  return distance;
}

uint32_t PlanMachine::Distance(const State& state) const {
  const auto close = static_cast<uint32_t>(close_.size());
  switch (state.phase) {
    case kOpen:
      return static_cast<uint32_t>(open_.size()) - state.at + Inside(state) + close;
    case kClose:
      return close - state.at;
    case kInside:
      return Inside(state) + close;
    default:
      return 0;
  }
}

FreeText PlanMachine::Free(const State& state) const {
  if (state.phase != kInside || state.block_alive == 0 || state.pipeline_alive != 0) return {};
  FreeText free = block_->Free(state.block);
  free.distance += static_cast<uint32_t>(close_.size());
  return free;
}

}  // namespace jade::constrain
