#include "compiler/codegen/frame_layout.h"

#include <algorithm>

#include "compiler/codegen/function_layout.h"

namespace jade::codegen {

using ir::Opcode;
using types::TypeKind;

Rep RepOf(const ir::Module& module, const ir::ValueInfo& value) {
  if (value.future) return Rep::kFuture;
  switch (module.types().kind(module.types().BaseOf(value.type))) {
    case TypeKind::kInt:
      return Rep::kInt;
    case TypeKind::kFloat:
      return Rep::kFloat;
    case TypeKind::kBool:
      return Rep::kBool;
    default:
      return Rep::kBoxed;
  }
}

namespace {

// Values used in the regions of a child task and defined outside them, without constants.
class FreeValues {
 public:
  FreeValues(const ir::Function& function, const std::vector<uint32_t>& definers)
      : function_(function), definers_(definers), inside_(function.values.size(), false) {}

  void Visit(uint32_t region) {
    const ir::Region& code = function_.regions[region];
    for (uint32_t i = 0; i < code.param_count; ++i) inside_[code.first_param + i] = true;
    for (const ir::Op& op : function_.OpsOf(code)) {
      for (const ir::ValueId operand : function_.OperandsOf(op)) {
        const ir::ValueId root = FrameLayout::Root(function_, definers_, operand);
        const uint32_t definer = definers_[root.index];
        const bool constant = definer != ir::kInvalidIndex && IsConstant(function_.ops[definer].code);
        if (!inside_[root.index] && !constant) free_.push_back(root);
      }
      for (uint32_t r = 0; r < op.region_count; ++r) Visit(op.first_region.index + r);
      if (op.result.valid()) inside_[op.result.index] = true;
    }
  }

  std::vector<ir::ValueId> Take() {
    std::sort(free_.begin(), free_.end());
    free_.erase(std::unique(free_.begin(), free_.end()), free_.end());
    return std::move(free_);
  }

 private:
  const ir::Function& function_;
  const std::vector<uint32_t>& definers_;
  std::vector<bool> inside_;
  std::vector<ir::ValueId> free_;
};

}  // namespace

ir::ValueId FrameLayout::Root(const ir::Function& function, const std::vector<uint32_t>& definers, ir::ValueId value) {
  for (;;) {
    const uint32_t definer = definers[value.index];
    if (definer == ir::kInvalidIndex) return value;
    const ir::Op& op = function.ops[definer];
    if (op.code != Opcode::kCast) return value;
    value = function.OperandsOf(op)[0];
  }
}

FrameLayout::FrameLayout(const ir::Module& module, const ir::Function& function, const FunctionLayout& shared,
                         uint32_t region, bool filter)
    : module_(module), function_(function), shared_(shared), region_(region), filter_(filter) {
  const size_t count = function.values.size();
  defined_.assign(count, 0);
  last_use_.assign(count, 0);
  places_.assign(count, {});
  if (region != 0) {
    FreeValues free(function, shared.definers);
    free.Visit(region);
    if (filter) free.Visit(region + 1);
    for (const ir::ValueId value : free.Take()) {
      (function.values[value.index].future ? captured_futures_ : captures_).push_back(value);
    }
  }
  if (filter) Walk(region + 1);
  Walk(region);
  PlaceAll();
}

void FrameLayout::Define(uint32_t value) {
  defined_[value] = now_;
  order_.push_back(value);
}

void FrameLayout::Use(ir::ValueId value) {
  const ir::ValueId root = Root(function_, shared_.definers, value);
  const uint32_t defined = defined_[root.index];
  last_use_[root.index] = now_;
  if (defined == 0) return;
  for (Loop& loop : open_loops_) {
    if (loop.start < defined) continue;
    loop.used.push_back(root.index);
    break;
  }
}

void FrameLayout::Wait(uint32_t op) {
  waits_.push_back(now_);
  states_.emplace(op, static_cast<uint32_t>(states_.size()) + 1);
}

void FrameLayout::Walk(uint32_t region) {
  const ir::Region& code = function_.regions[region];
  for (uint32_t i = 0; i < code.param_count; ++i) Define(code.first_param + i);
  for (uint32_t i = code.op_begin; i < code.op_begin + code.op_count; ++i) WalkOp(i);
}

void FrameLayout::WalkRegions(const ir::Op& op, uint32_t first, uint32_t count, bool loop) {
  if (loop) open_loops_.push_back({now_, {}});
  ++now_;
  for (uint32_t r = first; r < first + count; ++r) Walk(op.first_region.index + r);
  ++now_;
  if (!loop) return;
  for (const uint32_t value : open_loops_.back().used) last_use_[value] = now_;
  open_loops_.pop_back();
}

void FrameLayout::WalkOp(uint32_t index) {
  const ir::Op& op = function_.ops[index];
  ++now_;
  most_arguments_ = std::max(most_arguments_, op.operand_count);
  for (const ir::ValueId operand : function_.OperandsOf(op)) Use(operand);
  for (uint32_t r = 0; r < op.region_count; ++r) {
    if (!RunsInChild(op, r)) continue;
    FreeValues free(function_, shared_.definers);
    free.Visit(op.first_region.index + r);
    // The body of an `each` and its filter are one unit, which is given what either needs.
    if (op.code == Opcode::kEach && op.region_count > 1) free.Visit(op.first_region.index + ++r);
    const std::vector<ir::ValueId> captured = free.Take();
    for (const ir::ValueId value : captured) Use(value);
    most_arguments_ = std::max(most_arguments_, static_cast<uint32_t>(captured.size()));
  }
  const bool heavy_loop =
      (op.code == Opcode::kFold || op.code == Opcode::kRepeat) && shared_.keeps_position[op.first_region.index];
  if (heavy_loop) heavy_loops_.push_back(index);
  switch (op.code) {
    case Opcode::kAwait:
    case Opcode::kCall:
    case Opcode::kRun:
    case Opcode::kEach:
      Wait(index);
      break;
    case Opcode::kSpawn:
      break;
    case Opcode::kWithin:
      Wait(index);
      WalkRegions(op, 0, op.region_count, false);
      break;
    case Opcode::kFold:
      WalkRegions(op, 0, 1, true);
      break;
    case Opcode::kMap:
    case Opcode::kRepeat:
    case Opcode::kEmitFor:
      WalkRegions(op, 0, op.region_count, true);
      break;
    default:
      WalkRegions(op, 0, op.region_count, false);
  }
  // What a loop runs over is looked at before each iteration.
  if (heavy_loop) Use(function_.OperandsOf(op)[0]);
  ++now_;
  if (op.result.valid()) Define(op.result.index);
}

bool FrameLayout::Crosses(uint32_t value) const {
  const auto wait = std::upper_bound(waits_.begin(), waits_.end(), defined_[value]);
  return wait != waits_.end() && *wait < last_use_[value];
}

void FrameLayout::PlaceParams() {
  const ir::Region& code = function_.regions[region_];
  for (uint32_t i = 0; i < code.param_count; ++i) {
    places_[code.first_param + i] = {Home::kSlot, slots_ + i};
    if (filter_) places_[function_.regions[region_ + 1].first_param + i] = {Home::kSlot, slots_ + i};
  }
  slots_ += code.param_count;
  for (const ir::ValueId value : captures_) places_[value.index] = {Home::kSlot, slots_++};
  for (const ir::ValueId value : captured_futures_) places_[value.index] = {Home::kFuture, futures_++};
}

// The state of a loop is its body's first parameter and its result.
void FrameLayout::PlaceLoop(uint32_t index) {
  const ir::Op& op = function_.ops[index];
  const ir::Region& body = function_.regions[op.first_region.index];
  LoopPlace loop;
  loop.index_word = words_++;
  const bool boxed = RepOf(module_, function_.values[op.result.index]) == Rep::kBoxed;
  loop.state = boxed ? Place{Home::kSlot, slots_++} : Place{Home::kWord, words_++};
  places_[body.first_param] = loop.state;
  places_[op.result.index] = loop.state;
  loops_.emplace(index, loop);
}

void FrameLayout::PlaceValue(uint32_t value) {
  const Rep rep = RepOf(module_, function_.values[value]);
  if (rep == Rep::kFuture) {
    places_[value] = {Home::kFuture, futures_++};
    return;
  }
  const uint32_t definer = shared_.definers[value];
  if (shared_.counted[value]) {
    places_[value] = {Home::kRegister, 0};
    return;
  }
  bool owns = false;
  if (definer != ir::kInvalidIndex) {
    const ir::Op& op = function_.ops[definer];
    switch (op.code) {
      case Opcode::kDisplay:
      case Opcode::kTextConcat:
      case Opcode::kList:
      case Opcode::kListConcat:
      case Opcode::kRecord:
      case Opcode::kEnum:
      case Opcode::kBuiltin:
      case Opcode::kMakePlan:
      case Opcode::kAwait:
      case Opcode::kCall:
      case Opcode::kRun:
      case Opcode::kEach:
      case Opcode::kMap:
        owns = rep == Rep::kBoxed;
        break;
      case Opcode::kSome:
        owns = RepOf(module_, function_.values[function_.OperandsOf(op)[0].index]) != Rep::kBoxed;
        break;
      case Opcode::kFold:
      case Opcode::kRepeat:
        // A loop without calls: its state has a slot when it needs one.
        if (rep == Rep::kBoxed) {
          places_[value] = {Home::kSlot, slots_};
          places_[function_.regions[op.first_region.index].first_param] = {Home::kSlot, slots_++};
          return;
        }
        break;
      default:
        break;
    }
  }
  if (owns) {
    places_[value] = {Home::kSlot, slots_++};
  } else if (Crosses(value)) {
    places_[value] = {Home::kWord, words_++};
  } else {
    places_[value] = {Home::kRegister, 0};
  }
}

void FrameLayout::PlaceAll() {
  for (uint32_t value = 0; value < places_.size(); ++value) {
    const uint32_t definer = shared_.definers[value];
    if (definer != ir::kInvalidIndex && IsConstant(function_.ops[definer].code)) places_[value].home = Home::kConstant;
  }
  PlaceParams();
  for (const uint32_t loop : heavy_loops_) PlaceLoop(loop);
  // Results before parameters: a loop's result gives its state a place.
  for (const uint32_t value : order_) {
    if (places_[value].home == Home::kOutside && shared_.definers[value] != ir::kInvalidIndex) PlaceValue(value);
  }
  for (const uint32_t value : order_) {
    if (places_[value].home == Home::kOutside) PlaceValue(value);
  }
}

std::vector<std::pair<uint32_t, uint32_t>> FrameLayout::Catches() const {
  std::vector<std::pair<uint32_t, uint32_t>> catches;
  for (const auto& [op, state] : states_) {
    if (function_.ops[op].code == Opcode::kWithin && function_.ops[op].region_count > 1)
      catches.emplace_back(op, state);
  }
  std::sort(catches.begin(), catches.end());
  return catches;
}

std::vector<std::pair<uint32_t, uint32_t>> FrameLayout::FuturePlaces() const {
  std::vector<std::pair<uint32_t, uint32_t>> places;
  for (uint32_t value = 0; value < places_.size(); ++value) {
    if (places_[value].home == Home::kFuture) places.emplace_back(value, places_[value].index);
  }
  return places;
}

}  // namespace jade::codegen
