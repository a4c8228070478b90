// Frames of both tiers.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::NativeFrame;
using abi::Value;

const NativeUnit& NativeFunction::UnitOf(uint32_t region) const {
  const auto found = std::find_if(units.begin(), units.end(), [&](const auto& unit) { return unit.region == region; });
  JADE_CHECK(found != units.end(), "region {} has no code", region);
  return *found;
}

namespace {
uint32_t Lookup(const std::vector<std::pair<uint32_t, uint32_t>>& pairs, uint32_t key) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  JADE_CHECK(found != pairs.end(), "{} is not of this unit", key);
  return found->second;
}
}  // namespace

uint32_t NativeUnit::StateOf(uint32_t within) const {
  return Lookup(catches, within);
}

uint32_t NativeUnit::FutureOf(uint32_t value) const {
  return Lookup(future_of, value);
}

static_assert(sizeof(Activation) == offsetof(Activation, frame) + NativeFrame::kHeadBytes, "slots follow the head");

ActivationPtr MakeActivation(NativeFunctionPtr code, const NativeUnit& unit) {
  const size_t bytes = sizeof(Activation) + unit.slots * sizeof(Value) + unit.words * sizeof(uint64_t);
  void* memory = std::calloc(1, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  auto* activation = new (memory) Activation{std::move(code), &unit, {}};
  for (uint32_t i = 0; i < unit.slots; ++i) new (activation->frame.slots() + i) Value;
  return ActivationPtr(activation);
}

void ActivationDeleter::operator()(Activation* activation) const {
  for (uint32_t i = 0; i < activation->unit->slots; ++i) activation->frame.slots()[i].~Value();
  activation->~Activation();
  std::free(activation);
}

namespace {

void MakeNative(Task& task, Frame& frame, NativeFunctionPtr code, const NativeUnit& unit) {
  frame.futures.resize(unit.futures);
  frame.native = MakeActivation(std::move(code), unit);
  NativeFrame& native = frame.native->frame;
  native.frame = &frame;
  native.task = &task;
  native.fuel = &task.run->fuel;
  native.params = task.run->params.data();
  native.constants = frame.native->code->constants.data();
}

}  // namespace

std::unique_ptr<Frame> MakeFrame(Task& task, ir::ModulePtr module, ir::FunctionId function,
                                 std::vector<Value> arguments) {
  const ir::Function& code = module->function(function);
  JADE_CHECK(arguments.size() == code.body().param_count, "`{}` takes {} arguments, got {}", code.name,
             code.body().param_count, arguments.size());
  auto frame = std::make_unique<Frame>();
  frame->function = &code;
  frame->file = code.file;
  frame->positions.emplace_back();
  frame->positions.back().next = code.body().op_begin;
  NativeFunctionPtr compiled = task.run->code != nullptr ? task.run->code->Find(module, function) : nullptr;
  frame->module = std::move(module);
  if (compiled != nullptr) {
    const NativeUnit& unit = compiled->units.front();
    MakeNative(task, *frame, std::move(compiled), unit);
    std::move(arguments.begin(), arguments.end(), frame->native->frame.slots());
    return frame;
  }
  frame->values.resize(code.values.size());
  std::move(arguments.begin(), arguments.end(), frame->values.begin() + code.body().first_param);
  return frame;
}

std::unique_ptr<Frame> MakeChildFrame(Task& task, const Frame& parent, uint32_t region, bool filter,
                                      std::span<const Value> params, std::span<const Value> captures) {
  auto child = std::make_unique<Frame>();
  child->module = parent.module;
  child->function = parent.function;
  child->file = parent.file;
  child->loops = parent.loops;
  child->path = parent.path;
  child->depth = parent.depth;
  child->plan_call = parent.plan_call;
  const ir::Region& code = parent.function->regions[region];
  Position start;
  start.region = region;
  start.filter = filter;
  start.next = code.op_begin;
  child->positions.push_back(std::move(start));
  if (parent.native == nullptr) {
    child->values = parent.values;
    child->futures = parent.futures;
    std::copy(params.begin(), params.end(), child->values.begin() + code.first_param);
    return child;
  }
  // A filter stands behind the body whose unit has both.
  const NativeUnit& unit = parent.native->code->UnitOf(filter ? region - 1 : region);
  MakeNative(task, *child, parent.native->code, unit);
  Value* slots = child->native->frame.slots();
  std::copy(captures.begin(), captures.end(), std::copy(params.begin(), params.end(), slots));
  for (size_t i = 0; i < unit.captured_futures.size(); ++i) {
    child->futures[i] = parent.futures[parent.native->unit->FutureOf(unit.captured_futures[i])];
  }
  return child;
}

}  // namespace jade::interp
