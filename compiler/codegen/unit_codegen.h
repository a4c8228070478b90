#pragma once
// Internal to compiler/codegen: makes the LLVM function of one unit (see frame_layout.h). A unit is a state machine:
// its first block switches on the frame's state; where it may have to wait it stores its state, returns, and is entered
// again there. What is needed after a wait is in the frame, everything else is in registers.
//
// Scalar operations are in unit_scalars.cpp, lists, texts and records in unit_values.cpp, regions and loops in
// unit_control.cpp, calls and child tasks in unit_calls.cpp.

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/abi/native.h"
#include "compiler/abi/trap.h"
#include "compiler/codegen/function_layout.h"

namespace jade::codegen {

// Debug information of a module under construction; null members: none is made.
struct DebugContext {
  llvm::DIBuilder* builder = nullptr;
  llvm::DICompileUnit* unit = nullptr;
};

class UnitCodegen {
 public:
  UnitCodegen(const ir::Module& module, const ir::Function& function, const FunctionLayout& shared,
              const FrameLayout& layout, llvm::Module& out, const DebugContext& debug);

  void Run();

 private:
  using LlvmValue = llvm::Value*;
  // The values of a region's kYield; none when the region ends in a trap.
  using Yield = std::optional<std::vector<LlvmValue>>;
  // What a loop runs over: a list, or a range that is no list.
  struct Items {
    LlvmValue data = nullptr;  // null: the indices themselves
    LlvmValue count = nullptr;
  };
  // Of one round of a loop: its state, and whether it was the last (may be null: no).
  struct LoopStep {
    LlvmValue state;
    LlvmValue stop;
  };

  // unit_codegen.cpp
  void BeginFunction();
  void FinishFunction();
  void SetLocation(const ir::Op& op);
  llvm::DIScope* ScopeOf(uint32_t file);
  LlvmValue Use(ir::ValueId value);
  LlvmValue Constant(const ir::Op& op);
  void Define(uint32_t value, LlvmValue made);
  void DefineResult(const ir::Op& op, LlvmValue made) {
    if (op.result.valid()) Define(op.result.index, made);
  }
  Rep RepOfValue(ir::ValueId value) const { return RepOf(module_, function_.values[value.index]); }
  Rep RepOfResult(const ir::Op& op) const { return RepOfValue(op.result); }
  llvm::Type* TypeOf(Rep rep);
  LlvmValue SlotAddress(uint32_t slot);
  LlvmValue WordAddress(uint32_t word);
  LlvmValue At(LlvmValue base, uint64_t offset);
  // The number inside a Value; of a boxed value its address.
  LlvmValue Unbox(Rep rep, LlvmValue address);
  // Writes a number as a Value over one that holds no object.
  void Box(Rep rep, LlvmValue number, LlvmValue address);
  // The operand as the address of a Value.
  LlvmValue Boxed(ir::ValueId value);
  // Copies values into the argument buffer, for a host function to read.
  LlvmValue Arguments(llvm::ArrayRef<ir::ValueId> values);
  llvm::CallInst* Host(abi::HostFunction function, llvm::ArrayRef<LlvmValue> arguments);
  LlvmValue I32(uint64_t value) { return build_.getInt32(static_cast<uint32_t>(value)); }
  LlvmValue I64(uint64_t value) { return build_.getInt64(value); }
  llvm::ConstantInt* I32Constant(uint64_t value) { return build_.getInt32(static_cast<uint32_t>(value)); }
  llvm::ArrayRef<ir::ValueId> OperandIds(const ir::Op& op) const {
    return {function_.operands.data() + op.operand_begin, op.operand_count};
  }
  LlvmValue OpNumber(const ir::Op& op) { return I32(static_cast<uint32_t>(&op - function_.ops.data())); }
  ir::ValueId OperandId(const ir::Op& op, uint32_t i) const { return function_.OperandsOf(op)[i]; }
  LlvmValue Operand(const ir::Op& op, uint32_t i) { return Use(OperandId(op, i)); }
  llvm::BasicBlock* NewBlock(const char* name);
  void FlushFuel();
  void ReloadFuel();
  void StoreState(const ir::Op& op);
  void Return() { build_.CreateRetVoid(); }
  // A host function that burns and may trap: returns from the unit unless it says kDone. The fuel goes with it.
  void HostOrReturn(abi::HostFunction function, llvm::ArrayRef<LlvmValue> arguments);
  // Goes on where `condition` is false; where it is true the call is made and the unit returns.
  void TrapIf(LlvmValue condition, abi::HostFunction function, llvm::ArrayRef<LlvmValue> arguments);
  uint32_t Charge(const ir::Region& region, uint32_t first);

  // unit_control.cpp
  Yield EmitRegion(uint32_t region);
  void EmitOp(const ir::Op& op);
  bool EmitControl(const ir::Op& op);
  bool Keeps(const ir::Op& op, uint32_t region) const { return shared_.keeps_position[op.first_region.index + region]; }
  void Enter(const ir::Op& op, uint32_t region, bool loop);
  void Leave() { Host(abi::HostFunction::kLeave, {frame_}); }
  // Region `region` of an operation that runs one of several; its value and last block join the others'.
  void EmitArm(const ir::Op& op, uint32_t region, llvm::BasicBlock* join);
  void JoinArms(const ir::Op& op, llvm::BasicBlock* join, size_t first_arm);
  void EmitIf(const ir::Op& op);
  void EmitSwitch(const ir::Op& op);
  void EmitWithin(const ir::Op& op);
  void EmitEnter(const ir::Op& op);
  template <typename Body>
  LlvmValue Loop(LlvmValue count, LlvmValue initial, Body body);
  template <typename Make>
  LlvmValue UnlessEmpty(LlvmValue count, LlvmValue initial, Make loop);
  template <typename Body>
  void EachItem(const ir::Op& op, LlvmValue count, Body body);
  template <typename Count, typename Body>
  void WaitingLoop(const ir::Op& op, Count count, Body body);
  std::optional<LoopStep> MapItem(const ir::Op& op, LlvmValue made, const Items& items, LlvmValue index);
  void PushItem(LlvmValue list, Rep rep, LlvmValue item);
  void EmitLightFold(const ir::Op& op);
  void EmitHeavyFold(const ir::Op& op);
  void EmitMap(const ir::Op& op);
  void EmitEmitFor(const ir::Op& op);
  void EmitLightRepeat(const ir::Op& op);
  void EmitHeavyRepeat(const ir::Op& op);
  void StoreState(Place state, Rep rep, LlvmValue value);
  void StoreNext(const ir::Op& op, Place state, Rep rep, LlvmValue value);
  void DefineItem(const ir::Region& body, uint32_t param, LlvmValue data, LlvmValue index);
  Items ItemsOfLoop(const ir::Op& op);
  void DefineLoopItem(const ir::Region& body, uint32_t param, const Items& items, LlvmValue index);
  // Begin and number of the items behind the address of a list, record or payload.
  LlvmValue ItemsOf(LlvmValue value);
  LlvmValue CountOf(LlvmValue value);

  // unit_scalars.cpp
  bool EmitScalar(const ir::Op& op);
  void EmitInt(const ir::Op& op);
  void TrapScalarIf(const ir::Op& op, LlvmValue condition, abi::TrapKind kind);
  void EmitOverflowing(const ir::Op& op, llvm::Intrinsic::ID intrinsic, LlvmValue a, LlvmValue b);
  void EmitIntDivision(const ir::Op& op);
  void EmitFloat(const ir::Op& op);
  void EmitComparison(const ir::Op& op);

  // unit_values.cpp
  bool EmitValue(const ir::Op& op);
  void EmitBuiltin(const ir::Op& op);
  bool EmitInlineBuiltin(const ir::Op& op);
  void EmitCountedRange(const ir::Op& op);
  void ChargeMore(const ir::Op& op, LlvmValue steps);
  void EmitIndex(const ir::Op& op);
  void EmitSome(const ir::Op& op);
  void EmitMade(const ir::Op& op, abi::HostFunction function);

  // unit_calls.cpp
  bool EmitCall(const ir::Op& op);
  void EmitAwait(const ir::Op& op);
  void HostOrLeave(abi::HostFunction function, llvm::ArrayRef<LlvmValue> arguments);
  void EmitEach(const ir::Op& op);
  void EmitAhead(const ir::Op& op);
  void EmitEnterFunction(const ir::Op& op, abi::HostFunction function);
  LlvmValue Captures(const ir::Op& op, uint32_t region, uint32_t* count);
  // The block that the unit is entered at again in the operation's state; now the insertion point.
  void BeginResumption(const ir::Op& op);
  // The same, and what was made before goes on there.
  void FallIntoResumption(const ir::Op& op);

  const ir::Module& module_;
  const ir::Function& function_;
  const FunctionLayout& shared_;
  const FrameLayout& layout_;
  llvm::Module& out_;
  llvm::LLVMContext& context_;
  const DebugContext& debug_;
  llvm::IRBuilder<> build_;
  llvm::Function* made_ = nullptr;
  llvm::DISubprogram* subprogram_ = nullptr;
  uint32_t file_;                              // Module::files; of the function whose body the operations are from
  std::map<uint32_t, llvm::DIScope*> scopes_;  // by file
  LlvmValue frame_ = nullptr;
  llvm::AllocaInst* fuel_ = nullptr;
  llvm::AllocaInst* arguments_ = nullptr;
  llvm::AllocaInst* scratch_ = nullptr;
  llvm::SwitchInst* states_ = nullptr;
  std::vector<LlvmValue> values_;  // by ValueId, of those in registers
  struct Arm {
    LlvmValue value;
    llvm::BasicBlock* end;
  };
  std::vector<Arm> arms_;
};

}  // namespace jade::codegen
