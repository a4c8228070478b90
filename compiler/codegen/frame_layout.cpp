#include "compiler/codegen/frame_layout.h"

#include <algorithm>

#include "compiler/ir/builtin.h"

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

bool IsConstant(Opcode code) {
  switch (code) {
    case Opcode::kConstBool:
    case Opcode::kConstInt:
    case Opcode::kConstFloat:
    case Opcode::kConstText:
    case Opcode::kNone:
    case Opcode::kParam:
      return true;
    default:
      return false;
  }
}

std::vector<uint32_t> FindDefiners(const ir::Function& function) {
  std::vector<uint32_t> definers(function.values.size(), ir::kInvalidIndex);
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    if (function.ops[i].result.valid()) definers[function.ops[i].result.index] = i;
  }
  return definers;
}

bool CanCompile(const ir::Function& function) {
  return function.kind != ir::FunctionKind::kTest && function.ops.size() <= kMostOperations;
}

namespace {

// What the runtime does for an operation depends on the regions that it stands in.
bool NeedsPosition(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIssue:
    case Opcode::kAwait:
    case Opcode::kSpawn:
    case Opcode::kCall:
    case Opcode::kRun:
    case Opcode::kEach:
    case Opcode::kWithin:
    case Opcode::kEnter:
      return true;
    case Opcode::kFold:
      return op.region_count > 1;
    default:
      return false;
  }
}

bool RunsInChild(const ir::Op& op, uint32_t region) {
  switch (op.code) {
    case Opcode::kSpawn:
    case Opcode::kEach:
      return true;
    case Opcode::kFold:
      return region > 0;
    default:
      return false;
  }
}

std::vector<bool> FindPositions(const ir::Function& function) {
  std::vector<bool> keeps(function.regions.size(), false);
  for (size_t r = function.regions.size(); r-- > 0;) {
    for (const ir::Op& op : function.OpsOf(function.regions[r])) {
      bool here = NeedsPosition(op);
      for (uint32_t i = 0; i < op.region_count; ++i) {
        const uint32_t inner = op.first_region.index + i;
        if (op.code == Opcode::kWithin || op.code == Opcode::kEnter) keeps[inner] = true;
        here = here || keeps[inner];
      }
      if (here) keeps[r] = true;
    }
  }
  return keeps;
}

// The order of a trap as the innermost region that keeps a position sees it: regions within that one are one operation
// to it.
void FindRaiseOrder(const ir::Function& function, const std::vector<bool>& keeps, uint32_t region, uint32_t above,
                    std::vector<uint32_t>& orders) {
  const ir::Region& code = function.regions[region];
  for (uint32_t i = code.op_begin; i < code.op_begin + code.op_count; ++i) {
    const ir::Op& op = function.ops[i];
    orders[i] = std::min(above, op.order);
    for (uint32_t r = 0; r < op.region_count; ++r) {
      const uint32_t inner = op.first_region.index + r;
      const bool fresh = keeps[inner] || RunsInChild(op, r);
      FindRaiseOrder(function, keeps, inner, fresh ? ir::kInvalidIndex : orders[i], orders);
    }
  }
}

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

std::string UnitSymbol(const ir::Function& function, const FrameLayout& unit) {
  std::string symbol = "jade." + function.name;
  if (unit.region() != 0) symbol += ".r" + std::to_string(unit.region());
  return symbol;
}

uint32_t StretchEnd(const ir::Function& function, const ir::Region& region, uint32_t first) {
  const uint32_t last = region.op_begin + region.op_count - 1;
  uint32_t end = first;
  for (; end < last; ++end) {
    const ir::Op& op = function.ops[end];
    if (op.region_count > 0 || ir::TraitOf(op.code) == ir::OpTrait::kSuspends) break;
  }
  return end;
}

bool IsChargedByHost(Opcode code) {
  switch (code) {
    case Opcode::kIssue:
    case Opcode::kAwait:
    case Opcode::kSpawn:
    case Opcode::kEach:
    case Opcode::kCall:
    case Opcode::kRun:
    case Opcode::kWithin:
    case Opcode::kEnter:
      return true;
    default:
      return false;
  }
}

namespace {

bool IsRange(const ir::Op& op) {
  return op.code == Opcode::kBuiltin && static_cast<ir::Builtin>(op.imm) == ir::Builtin::kRange;
}

// True when `user` only runs over the list, makes no calls, and nothing waits between the two.
bool OnlyRunsOver(const ir::Function& function, const std::vector<bool>& keeps, uint32_t range, uint32_t user) {
  const ir::Op& op = function.ops[user];
  const bool loop = op.code == Opcode::kFold || op.code == Opcode::kMap || op.code == Opcode::kEmitFor;
  if (!loop || user < range) return false;
  for (uint32_t region = 0; region < op.region_count; ++region) {
    if (keeps[op.first_region.index + region]) return false;
  }
  for (uint32_t i = range + 1; i < user; ++i) {
    const ir::Op& between = function.ops[i];
    if (between.code == Opcode::kYield || between.code == Opcode::kTrap) return false;  // not of one region
    if (ir::TraitOf(between.code) == ir::OpTrait::kSuspends && between.region_count == 0) return false;
    for (uint32_t region = 0; region < between.region_count; ++region) {
      if (keeps[between.first_region.index + region]) return false;
    }
  }
  return true;
}

std::vector<bool> FindCounted(const ir::Function& function, const std::vector<bool>& keeps) {
  std::vector<bool> counted(function.values.size(), false);
  std::vector<uint32_t> ranges(function.values.size(), ir::kInvalidIndex);
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    if (!IsRange(function.ops[i])) continue;
    counted[function.ops[i].result.index] = true;
    ranges[function.ops[i].result.index] = i;
  }
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    const std::span<const ir::ValueId> operands = function.OperandsOf(function.ops[i]);
    for (size_t k = 0; k < operands.size(); ++k) {
      const uint32_t value = operands[k].index;
      if (!counted[value]) continue;
      counted[value] = k == 0 && OnlyRunsOver(function, keeps, ranges[value], i);
    }
  }
  return counted;
}

std::vector<bool> FindTakes(const ir::Function& function) {
  std::vector<uint32_t> uses(function.values.size(), 0);
  for (const ir::ValueId operand : function.operands) ++uses[operand.index];
  // A region's parameter is bound anew in every round, from a future that the loop holds too.
  std::vector<bool> param(function.values.size(), false);
  for (const ir::Region& region : function.regions) {
    for (uint32_t i = 0; i < region.param_count; ++i) param[region.first_param + i] = true;
  }
  std::vector<bool> takes(function.ops.size(), false);
  for (const ir::Region& region : function.regions) {
    for (uint32_t i = region.op_begin; i < region.op_begin + region.op_count; ++i) {
      const ir::Op& op = function.ops[i];
      if (op.code != Opcode::kAwait) continue;
      const uint32_t future = function.OperandsOf(op)[0].index;
      // In the region that makes the future the await is run as often as it is made.
      const auto makes = [&](const ir::Op& other) { return other.result.index == future; };
      const std::span<const ir::Op> ops = function.OpsOf(region);
      takes[i] = uses[future] == 1 && !param[future] && std::any_of(ops.begin(), ops.end(), makes);
    }
  }
  return takes;
}

std::vector<uint32_t> FindCharges(const ir::Function& function) {
  std::vector<uint32_t> charges(function.ops.size(), 0);
  for (const ir::Region& region : function.regions) {
    const uint32_t end = region.op_begin + region.op_count;
    for (uint32_t first = region.op_begin; first < end;) {
      const uint32_t last = StretchEnd(function, region, first);
      if (IsChargedByHost(function.ops[last].code)) charges[last] = last + 1 - first;
      first = last + 1;
    }
  }
  return charges;
}

}  // namespace

FunctionLayout::FunctionLayout(const ir::Module& module, const ir::Function& function)
    : definers(FindDefiners(function)),
      keeps_position(FindPositions(function)),
      raise_order(function.ops.size(), ir::kInvalidIndex),
      counted(FindCounted(function, keeps_position)),
      takes(FindTakes(function)),
      charges(FindCharges(function)) {
  FindRaiseOrder(function, keeps_position, 0, ir::kInvalidIndex, raise_order);
  units.emplace_back(module, function, *this, 0, false);
  for (const ir::Op& op : function.ops) {
    if (op.code == Opcode::kConstText) {
      const ir::TextId text{static_cast<uint32_t>(op.imm)};
      if (constant_of.emplace(text.index, static_cast<uint32_t>(constants.size()) + 1).second)
        constants.push_back(text);
    }
    if (op.code == Opcode::kEach) {
      units.emplace_back(module, function, *this, op.first_region.index, op.region_count > 1);
      continue;
    }
    for (uint32_t r = 0; r < op.region_count; ++r) {
      if (RunsInChild(op, r)) units.emplace_back(module, function, *this, op.first_region.index + r, false);
    }
  }
}

const FrameLayout& FunctionLayout::UnitOf(uint32_t region) const {
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const FrameLayout& unit) { return unit.region() == region; });
  JADE_CHECK(found != units.end(), "region {} is no unit", region);
  return *found;
}

}  // namespace jade::codegen
