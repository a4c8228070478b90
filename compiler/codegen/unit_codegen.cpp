#include "compiler/codegen/unit_codegen.h"

#include <llvm/IR/MDBuilder.h>

#include <bit>

#include "compiler/ir/survey.h"

namespace jade::codegen {

using abi::HostFunction;
using abi::NativeFrame;
using ir::Opcode;

namespace {

// A child task may stand in a function that was inlined from another file.
uint32_t FileOfUnit(const ir::Module& module, const ir::Function& function, const FrameLayout& layout) {
  if (layout.region() == 0) return function.file;
  const ir::FunctionId entered = ir::FindEntered(function)[function.regions[layout.region()].op_begin];
  return entered.valid() ? module.function(entered).file : function.file;
}

}  // namespace

UnitCodegen::UnitCodegen(const ir::Module& module, const ir::Function& function, const FunctionLayout& shared,
                         const FrameLayout& layout, llvm::Module& out, const DebugContext& debug)
    : module_(module),
      function_(function),
      shared_(shared),
      layout_(layout),
      out_(out),
      context_(out.getContext()),
      debug_(debug),
      build_(context_),
      file_(FileOfUnit(module, function, layout)),
      values_(function.values.size(), nullptr) {}

void UnitCodegen::Run() {
  BeginFunction();
  if (layout_.filter()) {
    const Yield kept = EmitRegion(layout_.region() + 1);
    if (kept) {
      llvm::BasicBlock* body = NewBlock("body");
      llvm::BasicBlock* dropped = NewBlock("dropped");
      build_.CreateCondBr(kept->front(), body, dropped);
      build_.SetInsertPoint(dropped);
      FlushFuel();
      Host(HostFunction::kDropItem, {frame_});
      Return();
      build_.SetInsertPoint(body);
    }
  }
  const Yield result = EmitRegion(layout_.region());
  if (result) {
    FlushFuel();
    LlvmValue value = SlotAddress(0);
    const ir::Region& region = function_.regions[layout_.region()];
    const ir::Op& yield = function_.ops[region.op_begin + region.op_count - 1];
    value = yield.operand_count == 0
                ? build_.CreateLoad(build_.getPtrTy(), At(frame_, offsetof(NativeFrame, constants)))
                : Boxed(OperandId(yield, 0));
    Host(HostFunction::kReturn, {frame_, value});
    Return();
  }
  FinishFunction();
}

void UnitCodegen::BeginFunction() {
  llvm::FunctionType* type = llvm::FunctionType::get(build_.getVoidTy(), {build_.getPtrTy()}, false);
  const std::string symbol = UnitSymbol(function_, layout_);
  made_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, out_);
  made_->addFnAttr(llvm::Attribute::NoUnwind);
  made_->addFnAttr("frame-pointer", "all");
  frame_ = made_->getArg(0);
  frame_->setName("frame");
  made_->addParamAttr(0, llvm::Attribute::NoAlias);
  build_.SetInsertPoint(llvm::BasicBlock::Create(context_, "entry", made_));
  if (debug_.builder != nullptr && function_.file != ir::kInvalidIndex) {
    const source::SourceFile& file = *module_.file(function_.file);
    llvm::DIFile* debug_file = debug_.builder->createFile(file.name(), "");
    const uint32_t line = file.At(function_.span.begin).line;
    llvm::DISubroutineType* signature = debug_.builder->createSubroutineType(debug_.builder->getOrCreateTypeArray({}));
    subprogram_ = debug_.builder->createFunction(debug_file, symbol, symbol, debug_file, line, signature, line,
                                                 llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
    made_->setSubprogram(subprogram_);
    build_.SetCurrentDebugLocation(llvm::DILocation::get(context_, line, 0, subprogram_));
  }
  llvm::ArrayType* value = llvm::ArrayType::get(build_.getInt64Ty(), 2);
  fuel_ = build_.CreateAlloca(build_.getInt64Ty(), nullptr, "fuel");
  arguments_ = build_.CreateAlloca(llvm::ArrayType::get(value, layout_.most_arguments()), nullptr, "arguments");
  scratch_ = build_.CreateAlloca(value, nullptr, "scratch");
  build_.CreateStore(llvm::Constant::getNullValue(value), scratch_);
  ReloadFuel();
  if (layout_.state_count() == 1) return;
  LlvmValue state = build_.CreateLoad(build_.getInt32Ty(), At(frame_, offsetof(NativeFrame, state)), "state");
  llvm::BasicBlock* start = NewBlock("start");
  states_ = build_.CreateSwitch(state, start, layout_.state_count() - 1);
  build_.SetInsertPoint(start);
}

void UnitCodegen::FinishFunction() {
  // Where a region ended in a trap, what follows it is never reached.
  for (llvm::BasicBlock& block : *made_) {
    if (block.getTerminator() != nullptr) continue;
    build_.SetInsertPoint(&block);
    build_.CreateUnreachable();
  }
  if (subprogram_ != nullptr) debug_.builder->finalizeSubprogram(subprogram_);
}

void UnitCodegen::SetLocation(const ir::Op& op) {
  if (subprogram_ == nullptr || file_ == ir::kInvalidIndex) return;
  const auto place = module_.file(file_)->At(op.span.begin);
  build_.SetCurrentDebugLocation(llvm::DILocation::get(context_, place.line, place.column, ScopeOf(file_)));
}

// Operations that came from another file by inlining keep their lines there.
llvm::DIScope* UnitCodegen::ScopeOf(uint32_t file) {
  llvm::DIScope*& scope = scopes_[file];
  if (scope == nullptr) {
    scope = subprogram_;
    if (file != function_.file) {
      llvm::DIFile* debug_file = debug_.builder->createFile(module_.file(file)->name(), "");
      scope = debug_.builder->createLexicalBlockFile(subprogram_, debug_file);
    }
  }
  return scope;
}

llvm::Type* UnitCodegen::TypeOf(Rep rep) {
  switch (rep) {
    case Rep::kInt:
      return build_.getInt64Ty();
    case Rep::kFloat:
      return build_.getDoubleTy();
    case Rep::kBool:
      return build_.getInt1Ty();
    default:
      return build_.getPtrTy();
  }
}

llvm::BasicBlock* UnitCodegen::NewBlock(const char* name) {
  return llvm::BasicBlock::Create(context_, name, made_);
}

UnitCodegen::LlvmValue UnitCodegen::At(LlvmValue base, uint64_t offset) {
  return offset == 0 ? base : build_.CreateConstInBoundsGEP1_64(build_.getInt8Ty(), base, offset);
}

UnitCodegen::LlvmValue UnitCodegen::SlotAddress(uint32_t slot) {
  return At(frame_, NativeFrame::kHeadBytes + uint64_t{slot} * sizeof(abi::Value));
}

UnitCodegen::LlvmValue UnitCodegen::WordAddress(uint32_t word) {
  return At(frame_, NativeFrame::kHeadBytes + uint64_t{layout_.slots()} * sizeof(abi::Value) + uint64_t{word} * 8);
}

UnitCodegen::LlvmValue UnitCodegen::Unbox(Rep rep, LlvmValue address) {
  if (rep == Rep::kBoxed) return address;
  LlvmValue bits = At(address, abi::kValueBitsOffset);
  if (rep != Rep::kBool) return build_.CreateLoad(TypeOf(rep), bits);
  return build_.CreateICmpNE(build_.CreateLoad(build_.getInt64Ty(), bits), I64(0));
}

void UnitCodegen::Box(Rep rep, LlvmValue number, LlvmValue address) {
  const abi::ValueKind kind = rep == Rep::kInt     ? abi::ValueKind::kInt
                              : rep == Rep::kFloat ? abi::ValueKind::kFloat
                                                   : abi::ValueKind::kBool;
  // Kind, padding and case in one store.
  build_.CreateStore(I64(static_cast<uint64_t>(kind)), address);
  if (rep == Rep::kBool) number = build_.CreateZExt(number, build_.getInt64Ty());
  build_.CreateStore(number, At(address, abi::kValueBitsOffset));
}

UnitCodegen::LlvmValue UnitCodegen::Constant(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kConstBool:
      return build_.getInt1(op.imm != 0);
    case Opcode::kConstInt:
      return I64(static_cast<uint64_t>(op.imm));
    case Opcode::kConstFloat:
      return llvm::ConstantFP::get(build_.getDoubleTy(), std::bit_cast<double>(op.imm));
    case Opcode::kParam: {
      LlvmValue params = build_.CreateLoad(build_.getPtrTy(), At(frame_, offsetof(NativeFrame, params)));
      return Unbox(RepOfResult(op), At(params, static_cast<uint64_t>(op.imm) * sizeof(abi::Value)));
    }
    default: {
      LlvmValue constants = build_.CreateLoad(build_.getPtrTy(), At(frame_, offsetof(NativeFrame, constants)));
      const uint32_t index = op.code == Opcode::kNone ? 0 : shared_.constant_of.at(static_cast<uint32_t>(op.imm));
      return At(constants, uint64_t{index} * sizeof(abi::Value));
    }
  }
}

UnitCodegen::LlvmValue UnitCodegen::Use(ir::ValueId value) {
  const Rep wanted = RepOfValue(value);
  value = FrameLayout::Root(function_, shared_.definers, value);
  // A cast from Never to a number: what is never there.
  if (wanted != RepOfValue(value)) return llvm::PoisonValue::get(TypeOf(wanted));
  const Place place = layout_.PlaceOf(value);
  switch (place.home) {
    case Home::kConstant:
      return Constant(function_.ops[shared_.definers[value.index]]);
    case Home::kSlot:
      return Unbox(RepOfValue(value), SlotAddress(place.index));
    case Home::kWord:
      return build_.CreateLoad(TypeOf(RepOfValue(value)), WordAddress(place.index));
    default:
      JADE_CHECK(values_[value.index] != nullptr, "`{}`: value {} is used before it is made", function_.name,
                 value.index);
      return values_[value.index];
  }
}

void UnitCodegen::Define(uint32_t value, LlvmValue made) {
  const Place place = layout_.PlaceOf({value});
  switch (place.home) {
    case Home::kRegister:
      values_[value] = made;
      break;
    case Home::kWord:
      build_.CreateStore(made, WordAddress(place.index));
      break;
    default:
      break;
  }
}

UnitCodegen::LlvmValue UnitCodegen::Boxed(ir::ValueId value) {
  const Rep rep = RepOfValue(value);
  LlvmValue made = Use(value);
  if (rep == Rep::kBoxed) return made;
  Box(rep, made, scratch_);
  return scratch_;
}

UnitCodegen::LlvmValue UnitCodegen::Arguments(llvm::ArrayRef<ir::ValueId> values) {
  JADE_CHECK(values.size() <= layout_.most_arguments(), "`{}`: {} arguments", function_.name, values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    LlvmValue to = At(arguments_, i * sizeof(abi::Value));
    const Rep rep = RepOfValue(values[i]);
    LlvmValue value = Use(values[i]);
    if (rep != Rep::kBoxed) {
      Box(rep, value, to);
      continue;
    }
    build_.CreateStore(build_.CreateLoad(build_.getInt64Ty(), value), to);
    build_.CreateStore(build_.CreateLoad(build_.getInt64Ty(), At(value, 8)), At(to, 8));
  }
  return arguments_;
}

llvm::CallInst* UnitCodegen::Host(HostFunction function, llvm::ArrayRef<LlvmValue> arguments) {
  const abi::HostFunctionInfo info = abi::InfoOf(function);
  auto type_of = [&](char letter) -> llvm::Type* {
    return letter == 'p'   ? static_cast<llvm::Type*>(build_.getPtrTy())
           : letter == 'i' ? build_.getInt32Ty()
           : letter == 'l' ? build_.getInt64Ty()
                           : build_.getVoidTy();
  };
  std::vector<llvm::Type*> types;
  for (const char* letter = info.signature + 1; *letter != '\0'; ++letter) types.push_back(type_of(*letter));
  llvm::FunctionType* type = llvm::FunctionType::get(type_of(info.signature[0]), types, false);
  llvm::FunctionCallee callee = out_.getOrInsertFunction(info.symbol, type);
  llvm::CallInst* call = build_.CreateCall(callee, arguments);
  call->addFnAttr(llvm::Attribute::NoUnwind);
  return call;
}

void UnitCodegen::FlushFuel() {
  LlvmValue counter = build_.CreateLoad(build_.getPtrTy(), At(frame_, offsetof(NativeFrame, fuel)));
  build_.CreateStore(build_.CreateLoad(build_.getInt64Ty(), fuel_), counter);
}

void UnitCodegen::ReloadFuel() {
  LlvmValue counter = build_.CreateLoad(build_.getPtrTy(), At(frame_, offsetof(NativeFrame, fuel)));
  build_.CreateStore(build_.CreateLoad(build_.getInt64Ty(), counter), fuel_);
}

void UnitCodegen::StoreState(const ir::Op& op) {
  build_.CreateStore(I32(layout_.StateOf(static_cast<uint32_t>(&op - function_.ops.data()))),
                     At(frame_, offsetof(NativeFrame, state)));
  build_.CreateStore(OpNumber(op), At(frame_, offsetof(NativeFrame, op)));
}

void UnitCodegen::HostOrReturn(HostFunction function, llvm::ArrayRef<LlvmValue> arguments) {
  FlushFuel();
  HostOrLeave(function, arguments);
}

void UnitCodegen::TrapIf(LlvmValue condition, HostFunction function, llvm::ArrayRef<LlvmValue> arguments) {
  llvm::BasicBlock* trap = NewBlock("trap");
  llvm::BasicBlock* fine = NewBlock("fine");
  llvm::MDNode* unlikely = llvm::MDBuilder(context_).createBranchWeights(1, 1 << 20);
  build_.CreateCondBr(condition, trap, fine, unlikely);
  build_.SetInsertPoint(trap);
  FlushFuel();
  Host(function, arguments)->addFnAttr(llvm::Attribute::Cold);
  Return();
  build_.SetInsertPoint(fine);
}

// Charges a step for each operation of the stretch that begins at `first`; the operation behind the stretch.
uint32_t UnitCodegen::Charge(const ir::Region& region, uint32_t first) {
  const uint32_t last = StretchEnd(function_, region, first);
  if (IsChargedByHost(function_.ops[last].code)) return last + 1;
  LlvmValue left = build_.CreateSub(build_.CreateLoad(build_.getInt64Ty(), fuel_), I64(last + 1 - first));
  build_.CreateStore(left, fuel_);
  TrapIf(build_.CreateICmpSLT(left, I64(0)), HostFunction::kTrapFuel, {frame_, I32(first)});
  return last + 1;
}

}  // namespace jade::codegen
