// The host functions: what compiled code asks of the runtime (compiler/abi/host_functions.def). Each does what the
// interpreter does for the same operation, with the same functions of Machine.

#include <type_traits>

#include "compiler/ir/scalar.h"
#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::NativeFrame;
using abi::Progress;
using abi::Value;

class NativeHost {
 public:
  // ---- values
  static void Assign(Value* out, const Value* value) { *out = *value; }
  static void Move(Value* out, Value* value) { *out = std::move(*value); }
  static uint32_t Compare(uint32_t code, const Value* a, const Value* b) {
    return ir::ApplyComparison(static_cast<ir::Opcode>(code), *a, *b) ? 1 : 0;
  }
  static void Display(Value* out, const Value* value) {
    *out = Value::Text(value->is_none() ? std::string() : abi::DisplayText(*value));
  }
  static uint32_t Concat(NativeFrame* frame, uint32_t op, Value* out, const Value* args, uint32_t n) {
    return Done(MachineOf(frame).ConcatTexts(OpOf(frame, op), {args, n}, out));
  }
  static uint32_t MakeList(NativeFrame* frame, uint32_t op, Value* out, const Value* args, uint32_t n) {
    if (!MachineOf(frame).CheckBytes(OpOf(frame, op), n * sizeof(Value))) return Done(false);
    *out = Value::List({args, args + n});
    return Done(true);
  }
  static uint32_t ConcatList(NativeFrame* frame, uint32_t op, Value* out, const Value* a, const Value* b) {
    return Done(MachineOf(frame).ListConcat(OpOf(frame, op), *a, *b, out));
  }
  static void MakeRecord(Value* out, const Value* args, uint32_t n) {
    if (!out->ReplaceFields({args, n})) *out = Value::Record({args, args + n});
  }
  static void MakeEnum(Value* out, uint32_t index, const Value* args, uint32_t n) {
    *out = Value::Enum(index, {args, args + n});
  }
  static uint32_t Builtin(NativeFrame* frame, uint32_t op, Value* out, const Value* args, uint32_t n) {
    return Done(MachineOf(frame).Builtin(OpOf(frame, op), {args, n}, out));
  }
  static void MakePlan(NativeFrame* frame, uint32_t op, Value* out, const Value* args, uint32_t n) {
    *out = MachineOf(frame).MakePlan(OpOf(frame, op), {args, args + n});
  }
  static uint32_t CheckRange(NativeFrame* frame, uint32_t op, uint64_t length) {
    return Done(MachineOf(frame).CheckRange(OpOf(frame, op), static_cast<int64_t>(length)));
  }
  static void BeginItems(Value* out, uint64_t room) {
    std::vector<Value> items;
    items.reserve(room);
    *out = Value::List(std::move(items));
  }
  static void PushItem(Value* list, const Value* value) { list->MutableList().push_back(*value); }
  static uint32_t EndItems(NativeFrame* frame, uint32_t op, const Value* list) {
    return Done(MachineOf(frame).CheckBytes(OpOf(frame, op), list->as_list().size() * sizeof(Value)));
  }
  static void EmitText(NativeFrame* frame, uint32_t op) {
    std::string* emit = TaskOf(frame).emit;
    if (emit != nullptr) *emit += FrameOf(frame).module->text({static_cast<uint32_t>(OpOf(frame, op).imm)});
  }
  static uint32_t Emit(NativeFrame* frame, uint32_t op, const Value* value) {
    return Done(MachineOf(frame).Emit(OpOf(frame, op), value->as_text()));
  }

  // ---- traps
  static void TrapScalar(NativeFrame* frame, uint32_t op, uint32_t kind) {
    const auto trap = static_cast<abi::TrapKind>(kind);
    MachineOf(frame).Trap(OpOf(frame, op), trap, ir::ScalarTrapMessage(trap));
  }
  static void TrapIndex(NativeFrame* frame, uint32_t op, uint64_t index, uint64_t count) {
    MachineOf(frame).TrapIndex(OpOf(frame, op), static_cast<int64_t>(index), static_cast<int64_t>(count));
  }
  static void TrapHere(NativeFrame* frame, uint32_t index) {
    const ir::Op& op = OpOf(frame, index);
    const Frame& f = FrameOf(frame);
    MachineOf(frame).Trap(op, static_cast<abi::TrapKind>(op.imm), f.module->text({f.function->AuxOf(op)[0]}));
  }
  static void TrapFuel(NativeFrame* frame, uint32_t op) { (void)MachineOf(frame).Burn(OpOf(frame, op), 0); }

  // ---- calls
  static uint32_t Issue(NativeFrame* frame, uint32_t op, const Value* args, uint32_t n, uint32_t slot) {
    if (!Charge(frame, op)) return Done(false);
    FuturePtr future = MachineOf(frame).Issue(OpOf(frame, op), {args, args + n});
    if (future == nullptr) return Done(false);
    FrameOf(frame).futures[slot] = std::move(future);
    return Done(true);
  }
  static uint32_t Await(NativeFrame* frame, uint32_t op, uint32_t slot, Value* out) {
    if (!Charge(frame, op)) return Done(false);
    return static_cast<uint32_t>(MachineOf(frame).Await(FrameOf(frame).futures[slot], out));
  }
  static uint32_t Take(NativeFrame* frame, uint32_t op, uint32_t slot, Value* out) {
    if (!Charge(frame, op)) return Done(false);
    FuturePtr& future = FrameOf(frame).futures[slot];
    const Progress progress = MachineOf(frame).Await(future, out, /*take=*/true);
    if (progress == Progress::kDone) future = nullptr;
    return static_cast<uint32_t>(progress);
  }
  static uint32_t Spawn(NativeFrame* frame, uint32_t op, const Value* captures, uint32_t n, uint32_t slot) {
    if (!Charge(frame, op)) return Done(false);
    FrameOf(frame).futures[slot] = MachineOf(frame).SpawnRegion(OpOf(frame, op), {captures, n});
    return Done(true);
  }
  static void BeginEach(NativeFrame* frame, uint32_t op, const Value* list, const Value* captures, uint32_t n) {
    MachineOf(frame).BeginEach(OpOf(frame, op), *list, {captures, n});
  }
  static uint32_t JoinEach(NativeFrame* frame, uint32_t op, Value* out) {
    if (!Charge(frame, op)) return Done(false);
    return static_cast<uint32_t>(MachineOf(frame).JoinEach(OpOf(frame, op), out));
  }
  static void DropItem(NativeFrame* frame) {
    TaskOf(frame).result->dropped = true;
    MachineOf(frame).EndActivation(Value::Bool(false));
  }
  static void Ahead(NativeFrame* frame, uint32_t op, uint32_t region, const Value* list, const Value* captures,
                    uint32_t n) {
    MachineOf(frame).SpawnAhead(OpOf(frame, op), region, *list, {captures, n});
  }
  static void BindAhead(NativeFrame* frame, uint32_t index, uint64_t item, uint32_t slot) {
    Frame& f = FrameOf(frame);
    const std::vector<FuturePtr>& ahead = *f.positions.back().ahead;
    const uint32_t regions = OpOf(frame, index).region_count - 1;
    const size_t items = ahead.size() / regions;
    for (uint32_t region = 0; region < regions; ++region) f.futures[slot + region] = ahead[region * items + item];
  }
  static void Call(NativeFrame* frame, uint32_t index, const Value* args, uint32_t n) {
    if (!Charge(frame, index)) return;
    const Frame& f = FrameOf(frame);
    const ir::Op& op = OpOf(frame, index);
    MachineOf(frame).EnterFunction(op, f.module, {static_cast<uint32_t>(op.imm)}, {args, args + n}, f.plan_call);
  }
  static void Run(NativeFrame* frame, uint32_t op, const Value* args, uint32_t /*n*/) {
    if (!Charge(frame, op)) return;
    MachineOf(frame).RunPlan(OpOf(frame, op), args[0], args[1]);
  }

  // ---- regions in which calls are made
  static void Enter(NativeFrame* frame, uint32_t op, uint32_t region, uint32_t loop) {
    Frame& f = FrameOf(frame);
    MachineOf(frame).Enter(OpOf(frame, op), region - OpOf(frame, op).first_region.index);
    if (loop == 0) return;
    f.positions.back().index = 0;
    f.loops.push_back(0);
  }
  static uint32_t EnterInlined(NativeFrame* frame, uint32_t op) {
    if (!Charge(frame, op)) return Done(false);
    MachineOf(frame).EnterInlined(OpOf(frame, op));
    return Done(!TaskOf(frame).raised);
  }
  static void Next(NativeFrame* frame, uint64_t index) {
    Frame& f = FrameOf(frame);
    MachineOf(frame).CloseIteration();
    f.positions.back().index = static_cast<int64_t>(index);
    f.loops.back() = static_cast<int64_t>(index);
  }
  static void Leave(NativeFrame* frame) {
    Machine machine = MachineOf(frame);
    if (machine.position().index >= 0) machine.CloseIteration();
    machine.PopRegion();
  }
  static uint32_t Within(NativeFrame* frame, uint32_t op, const Value* args, uint32_t n) {
    if (!Charge(frame, op)) return Done(false);
    MachineOf(frame).Within(OpOf(frame, op), {args, n});
    return Done(true);
  }
  static void Return(NativeFrame* frame, const Value* value) { MachineOf(frame).EndActivation(*value); }

 private:
  static Task& TaskOf(NativeFrame* frame) { return *static_cast<Task*>(frame->task); }
  static Frame& FrameOf(NativeFrame* frame) { return *static_cast<Frame*>(frame->frame); }
  static Machine MachineOf(NativeFrame* frame) { return Machine(TaskOf(frame)); }
  static const ir::Op& OpOf(NativeFrame* frame, uint32_t op) { return FrameOf(frame).function->ops[op]; }
  // For the operation and the computing before it. False when the run's fuel ends.
  static bool Charge(NativeFrame* frame, uint32_t op) {
    *frame->fuel -= FrameOf(frame).native->code->charges[op];
    return *frame->fuel >= 0 || MachineOf(frame).Burn(OpOf(frame, op), 0);
  }
  static uint32_t Done(bool done) { return static_cast<uint32_t>(done ? Progress::kDone : Progress::kRaised); }
};

namespace {

template <typename T>
constexpr char Letter() {
  if constexpr (std::is_void_v<T>) return 'v';
  if constexpr (std::is_pointer_v<T>) return 'p';
  if constexpr (std::is_same_v<T, uint32_t>) return 'i';
  if constexpr (std::is_same_v<T, uint64_t>) return 'l';
  return '?';
}

// Holds the function against the signature that code is made for.
template <typename Result, typename... Parameters>
constexpr bool Fits(Result (*)(Parameters...), const char* signature) {
  const char letters[] = {Letter<Result>(), Letter<Parameters>()..., '\0'};
  for (size_t i = 0; i < sizeof(letters); ++i) {
    if (letters[i] != signature[i]) return false;
  }
  return true;
}
#define JADE_HOST(name, symbol, signature) \
  static_assert(Fits(&NativeHost::name, signature), symbol " is not as host_functions.def says");
#include "compiler/abi/host_functions.def"
#undef JADE_HOST

}  // namespace

const std::array<void*, abi::kHostFunctionCount>& HostAddresses() {
  static const std::array<void*, abi::kHostFunctionCount> kAddresses = {{
#define JADE_HOST(name, symbol, signature) reinterpret_cast<void*>(&NativeHost::name),
#include "compiler/abi/host_functions.def"
#undef JADE_HOST
  }};
  return kAddresses;
}

}  // namespace jade::interp
