#pragma once
// Internal to runtime/interp: one Advance of one task. Scalar operations are in scalar_ops.cpp, regions and loops in
// control.cpp, calls and children in calls.cpp, traps in unwind.cpp.

#include <string>

#include "runtime/interp/interpreter.h"

namespace jade::interp {

class Machine {
 public:
  explicit Machine(Task& task) : task_(task), run_(*task.run) {}

  void Run(int slice);

 private:
  Frame& frame() { return *task_.frames.back(); }
  Position& position() { return frame().positions.back(); }
  abi::Value& operand(const ir::Op& op, uint32_t i) {
    Frame& f = frame();
    return f.values[f.function->operands[op.operand_begin + i].index];
  }
  std::vector<abi::Value> operands(const ir::Op& op);
  const types::TypeTable& types() { return frame().module->types(); }
  uint32_t IndexOf(const ir::Op& op) { return static_cast<uint32_t>(&op - frame().function->ops.data()); }

  // The operation is done: stores its result and goes on.
  void Finish(const ir::Op& op, abi::Value value);
  void FinishFuture(const ir::Op& op, FuturePtr future);
  // False (and raises) when the run's fuel ends.
  bool Burn(const ir::Op& op, int64_t amount);
  bool CheckBytes(const ir::Op& op, uint64_t bytes);
  // The place of its trap among the children of the region that it is in.
  uint32_t RaiseOrder(const ir::Op& op);
  void Trap(const ir::Op& op, abi::TrapKind kind, std::string message, ScopePtr exhausted = nullptr);
  void Raise(Raised raised, uint32_t order, int64_t item = -1);
  void WaitFor(const FuturePtr& future);

  void Step(const ir::Op& op);

  // marks.cpp: where values come from, in runs that want to know (origins.h). Called when run_.origins is there.
  void MarkResult(const ir::Op& op, abi::Value* value);
  Origins::Id OperandOrigin(const ir::Op& op, bool deep);
  // What the operations of the region on top are made for.
  Origins::Id ControlHere();
  // The region on top runs because of this, too.
  void AddControl(Origins::Id decided);
  // The region that `op` has just entered runs because of what it looked at, and of what the region around runs for.
  void MarkRegion(const ir::Op& op);
  void MarkFrame(const Frame& callee, const ir::Op& op);
  void MarkChild(const Frame& child, const ir::Op& op);
  void MarkCall(std::span<const abi::Value> arguments);
  void MarkYield(const ir::Op& owner, std::vector<abi::Value>& values);
  // A part of a value, marked as what it is part of.
  abi::Value PartOf(const abi::Value& whole, abi::Value part) {
    if (run_.origins != nullptr) run_.origins->Mark(part, whole.origin());
    return part;
  }

  // scalar_ops.cpp: true when the operation was one of its own.
  bool StepConstant(const ir::Op& op);
  bool StepInt(const ir::Op& op);
  bool StepFloat(const ir::Op& op);
  bool StepCompare(const ir::Op& op);
  bool StepCompound(const ir::Op& op);
  // These give a value, or raise and return false.
  bool Builtin(const ir::Op& op, std::span<const abi::Value> arguments, abi::Value* out);
  template <typename Operand>
  bool TextConcat(const ir::Op& op, Operand operand, abi::Value* out);
  bool ConcatTexts(const ir::Op& op, std::span<const abi::Value> texts, abi::Value* out);
  bool ListConcat(const ir::Op& op, const abi::Value& a, const abi::Value& b, abi::Value* out);
  bool Emit(const ir::Op& op, const std::string& text);
  bool CheckRange(const ir::Op& op, int64_t length);  // what `range` checks and costs
  abi::Value MakePlan(const ir::Op& op, std::vector<abi::Value> bound);
  void TrapIndex(const ir::Op& op, int64_t index, int64_t count);

  // control.cpp
  bool StepControl(const ir::Op& op);
  void Enter(const ir::Op& op, uint32_t region);
  void BindParams(uint32_t region, std::initializer_list<abi::Value> values);
  void Switch(const ir::Op& op);
  void Fold(const ir::Op& op);
  void FoldIteration(const ir::Op& op, int64_t index, abi::Value accumulator);
  void Map(const ir::Op& op);
  void MapItem(const ir::Op& op, int64_t index, bool filter);
  void Repeat(const ir::Op& op);
  void EmitFor(const ir::Op& op);
  void Within(const ir::Op& op, std::span<const abi::Value> limits);
  void Yield(const ir::Op& op);
  void YieldBase(abi::Value value);
  void EndActivation(abi::Value value);
  void YieldFold(const ir::Op& owner, abi::Value value);
  void YieldMap(const ir::Op& owner, abi::Value value);
  void YieldRepeat(const ir::Op& owner, abi::Value state, bool done);
  void YieldEmitFor(const ir::Op& owner);
  void CloseIteration();
  void PopRegion();

  // calls.cpp
  bool StepCall(const ir::Op& op);
  FuturePtr Issue(const ir::Op& op, std::vector<abi::Value> arguments);  // null: raised
  abi::Progress Await(const FuturePtr& future, abi::Value* out, bool take = false);
  FuturePtr SpawnRegion(const ir::Op& op, std::span<const abi::Value> captures);
  void BeginEach(const ir::Op& op, const abi::Value& list, std::span<const abi::Value> captures);
  abi::Progress JoinEach(const ir::Op& op, abi::Value* out);
  void SpawnAhead(const ir::Op& op, uint32_t region, const abi::Value& list, std::span<const abi::Value> captures);
  void RunPlan(const ir::Op& op, const abi::Value& plan, abi::Value argument);
  void EnterFunction(const ir::Op& op, ir::ModulePtr module, ir::FunctionId function, std::vector<abi::Value> arguments,
                     uint64_t plan_call);
  // A frame of its own as far as paths, depth, turns and traps go, in the values of this one.
  void EnterInlined(const ir::Op& op);
  // False (and traps) when the budget of depth does not allow one frame more.
  bool CheckDepth(const ir::Op& op);
  CallPathPtr SitePath(const ir::Op& op);
  // What a child task is given: its region's parameters, and the values from outside that compiled code uses (the
  // interpreter copies all there are).
  struct ChildValues {
    std::span<const abi::Value> params;
    std::span<const abi::Value> captures;
  };
  FuturePtr Spawn(const ir::Op& op, uint32_t region, const ChildValues& values, int64_t loop, Child place, bool filter);
  // Of a future that somebody awaits, the first time: its owner, who need not be the one that awaits it, forgets the
  // child and counts its turns where it was started.
  static void CountSettledChild(Future& future);
  bool StepTest(const ir::Op& op);

  // unwind.cpp
  // Goes up to whoever catches the trap. False when it has to wait for earlier children, or the task is done.
  bool Unwind();
  bool SettleChildren();
  bool Catch(const ir::Op& owner);
  void CancelChildrenFrom(size_t frame, size_t level);

  friend class NativeHost;
  Task& task_;
  RunContext& run_;
};

// A frame at the start of `function`, compiled when there is code for it. Path, depth and plan call are unset.
std::unique_ptr<Frame> MakeFrame(Task& task, ir::ModulePtr module, ir::FunctionId function,
                                 std::vector<abi::Value> arguments);
// The same for a region of the parent's function, in the parent's tier.
std::unique_ptr<Frame> MakeChildFrame(Task& task, const Frame& parent, uint32_t region, bool filter,
                                      std::span<const abi::Value> params, std::span<const abi::Value> captures);

// Cancels one child, whatever it is.
void CancelChild(RunContext& run, Child& child);

}  // namespace jade::interp
