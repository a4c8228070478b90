#include "runtime/jit/suspension_code.h"

#include <fmt/format.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Coroutines/CoroCleanup.h>
#include <llvm/Transforms/Coroutines/CoroEarly.h>
#include <llvm/Transforms/Coroutines/CoroElide.h>
#include <llvm/Transforms/Coroutines/CoroSplit.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <ctime>

#include "compiler/abi/native.h"
#include "compiler/abi/trap.h"
#include "compiler/codegen/function_layout.h"
#include "compiler/codegen/optimise.h"
#include "compiler/codegen/target.h"
#include "compiler/codegen/unit_codegen.h"
#include "compiler/ir/reader.h"

namespace jade::jit {

using abi::HostFunction;
using abi::NativeFrame;

namespace {

double ThreadMillis() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// Emits what UnitCodegen emits for the chain, with a suspend point where that stores the state and returns.
class CoroutineCodegen {
 public:
  CoroutineCodegen(llvm::Module& out, uint32_t awaits, CoroutineStart start)
      : out_(out), context_(out.getContext()), awaits_(awaits), start_(start), build_(context_) {}

  void Run();

 private:
  using LlvmValue = llvm::Value*;

  void Begin();
  void End();
  void Fields();
  void Round(uint32_t number);
  void Issue(uint32_t number);
  LlvmValue Await(uint32_t number);
  LlvmValue Add(LlvmValue a, LlvmValue b);
  void Suspend(llvm::BasicBlock* resume, bool final);
  void GoOnIfDone(LlvmValue progress, llvm::BasicBlock* otherwise);
  void TrapIf(LlvmValue condition, HostFunction function, llvm::ArrayRef<LlvmValue> arguments);

  llvm::CallInst* Host(HostFunction function, llvm::ArrayRef<LlvmValue> arguments);
  llvm::CallInst* Call(const char* symbol, llvm::Type* result, llvm::ArrayRef<LlvmValue> arguments);
  void FlushFuel() { build_.CreateStore(Load(build_.getInt64Ty(), fuel_), FuelCounter()); }
  void ReloadFuel() { build_.CreateStore(Load(build_.getInt64Ty(), FuelCounter()), fuel_); }
  LlvmValue FuelCounter() { return Load(build_.getPtrTy(), At(frame_, offsetof(NativeFrame, fuel))); }
  LlvmValue Load(llvm::Type* type, LlvmValue address) { return build_.CreateLoad(type, address); }
  LlvmValue At(LlvmValue base, uint64_t offset) {
    return offset == 0 ? base : build_.CreateConstInBoundsGEP1_64(build_.getInt8Ty(), base, offset);
  }
  void Box(LlvmValue number, LlvmValue address) {
    build_.CreateStore(build_.getInt64(static_cast<uint64_t>(abi::ValueKind::kInt)), address);
    build_.CreateStore(number, At(address, abi::kValueBitsOffset));
  }
  // Room for what a call gives, in the promise: CoroSplit would put a buffer that is used behind several suspend points
  // into the frame, whatever is said of its life.
  LlvmValue Returned() { return At(frame_, offsetof(NativeFrame, returned)); }
  llvm::ConstantInt* I32(uint64_t value) { return build_.getInt32(static_cast<uint32_t>(value)); }
  llvm::BasicBlock* NewBlock(const char* name) { return llvm::BasicBlock::Create(context_, name, made_); }

  static constexpr uint64_t kValueBytes = sizeof(abi::Value);
  static constexpr uint64_t kPromiseBytes = NativeFrame::kHeadBytes + kValueBytes;

  llvm::Module& out_;
  llvm::LLVMContext& context_;
  uint32_t awaits_;
  CoroutineStart start_;
  llvm::IRBuilder<> build_;
  llvm::Function* made_ = nullptr;
  LlvmValue id_ = nullptr;
  LlvmValue handle_ = nullptr;
  llvm::AllocaInst* frame_ = nullptr;  // the promise
  llvm::AllocaInst* fuel_ = nullptr;
  llvm::BasicBlock* cleanup_ = nullptr;
  llvm::BasicBlock* leave_ = nullptr;
  llvm::BasicBlock* raised_ = nullptr;
  LlvmValue step_ = nullptr;
  LlvmValue text_ = nullptr;
  LlvmValue sum_ = nullptr;
  LlvmValue total_ = nullptr;
  uint32_t op_ = 0;
};

void CoroutineCodegen::Run() {
  Begin();
  Fields();
  for (uint32_t i = 0; i < awaits_; ++i) Round(i);
  LlvmValue result = Add(sum_, total_);
  FlushFuel();
  Box(result, Returned());
  Host(HostFunction::kReturn, {frame_, Returned()});
  build_.CreateBr(cleanup_);
  End();
}

void CoroutineCodegen::Begin() {
  llvm::FunctionType* type = llvm::FunctionType::get(build_.getPtrTy(), {build_.getPtrTy()}, false);
  made_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, kCoroutineSymbol, out_);
  made_->addFnAttr(llvm::Attribute::NoUnwind);
  made_->addFnAttr("frame-pointer", "all");
  made_->setPresplitCoroutine();
  build_.SetInsertPoint(NewBlock("entry"));
  cleanup_ = NewBlock("cleanup");
  leave_ = NewBlock("leave");
  raised_ = NewBlock("raised");
  frame_ = build_.CreateAlloca(llvm::ArrayType::get(build_.getInt64Ty(), kPromiseBytes / 8), nullptr, "frame");
  frame_->setAlignment(llvm::Align(16));
  fuel_ = build_.CreateAlloca(build_.getInt64Ty(), nullptr, "fuel");
  LlvmValue none = llvm::ConstantPointerNull::get(build_.getPtrTy());
  id_ = build_.CreateIntrinsic(llvm::Intrinsic::coro_id, {}, {I32(16), frame_, none, none});
  LlvmValue size = build_.CreateIntrinsic(llvm::Intrinsic::coro_size, {build_.getInt64Ty()}, {});
  LlvmValue memory = Call(kAllocateSymbol, build_.getPtrTy(), {size});
  handle_ = build_.CreateIntrinsic(llvm::Intrinsic::coro_begin, {}, {id_, memory});
  build_.CreateMemCpy(frame_, llvm::Align(16), made_->getArg(0), llvm::Align(8), kPromiseBytes);
  if (start_ == CoroutineStart::kLazy) {
    llvm::BasicBlock* start = NewBlock("start");
    Suspend(start, /*final=*/false);
    build_.SetInsertPoint(start);
  }
  ReloadFuel();
}

void CoroutineCodegen::End() {
  build_.SetInsertPoint(raised_);
  llvm::BasicBlock* never = NewBlock("never");
  Suspend(never, /*final=*/true);
  build_.SetInsertPoint(never);
  build_.CreateUnreachable();
  build_.SetInsertPoint(cleanup_);
  LlvmValue memory = build_.CreateIntrinsic(llvm::Intrinsic::coro_free, {}, {id_, handle_});
  Call(kFreeSymbol, build_.getVoidTy(), {memory});
  build_.CreateBr(leave_);
  build_.SetInsertPoint(leave_);
  build_.CreateIntrinsic(llvm::Intrinsic::coro_end, {},
                         {handle_, build_.getFalse(), llvm::ConstantTokenNone::get(context_)});
  build_.CreateRet(handle_);
}

// Of the record in the slot.
void CoroutineCodegen::Fields() {
  LlvmValue record = At(frame_, NativeFrame::kHeadBytes);
  LlvmValue object = Load(build_.getPtrTy(), At(record, abi::kValueBitsOffset));
  LlvmValue items = Load(build_.getPtrTy(), At(object, abi::kItemsBeginOffset));
  step_ = Load(build_.getInt64Ty(), At(items, abi::kValueBitsOffset));
  text_ = At(items, kValueBytes);
  sum_ = step_;
  total_ = step_;
  op_ = 2;
}

void CoroutineCodegen::Round(uint32_t number) {
  Issue(number);
  LlvmValue result = Await(number);
  sum_ = Add(sum_, result);
  total_ = Add(total_, sum_);
  if (number + 1 < awaits_) return;
  // The stretch behind the last wait: three additions and the yield.
  LlvmValue left = build_.CreateSub(Load(build_.getInt64Ty(), fuel_), build_.getInt64(4));
  build_.CreateStore(left, fuel_);
  TrapIf(build_.CreateICmpSLT(left, build_.getInt64(0)), HostFunction::kTrapFuel, {frame_, I32(op_)});
}

void CoroutineCodegen::Issue(uint32_t number) {
  // One for each call, dead before the next suspend point: it stays on the stack.
  llvm::ConstantInt* bytes = build_.getInt64(3 * kValueBytes);
  llvm::IRBuilder<> entry(fuel_);
  llvm::Value* arguments = entry.CreateAlloca(llvm::ArrayType::get(build_.getInt64Ty(), 6), nullptr, "arguments");
  build_.CreateLifetimeStart(arguments, bytes);
  build_.CreateStore(Load(build_.getInt64Ty(), text_), arguments);
  build_.CreateStore(Load(build_.getInt64Ty(), At(text_, 8)), At(arguments, 8));
  Box(step_, At(arguments, kValueBytes));
  Box(sum_, At(arguments, 2 * kValueBytes));
  FlushFuel();
  LlvmValue progress = Host(HostFunction::kIssue, {frame_, I32(op_++), arguments, I32(3), I32(number)});
  build_.CreateLifetimeEnd(arguments, bytes);
  GoOnIfDone(progress, raised_);
  ReloadFuel();
}

CoroutineCodegen::LlvmValue CoroutineCodegen::Await(uint32_t number) {
  const uint32_t op = op_++;
  build_.CreateStore(I32(op), At(frame_, offsetof(NativeFrame, op)));
  FlushFuel();
  llvm::BasicBlock* resume = NewBlock("resume");
  llvm::BasicBlock* wait = NewBlock("wait");
  build_.CreateBr(resume);
  build_.SetInsertPoint(resume);
  LlvmValue progress = Host(HostFunction::kTake, {frame_, I32(op), I32(number), Returned()});
  GoOnIfDone(progress, wait);
  llvm::BasicBlock* done = build_.GetInsertBlock();
  build_.SetInsertPoint(wait);
  Suspend(resume, /*final=*/false);
  build_.SetInsertPoint(done);
  ReloadFuel();
  return Load(build_.getInt64Ty(), At(Returned(), abi::kValueBitsOffset));
}

void CoroutineCodegen::Suspend(llvm::BasicBlock* resume, bool final) {
  LlvmValue how = build_.CreateIntrinsic(llvm::Intrinsic::coro_suspend, {},
                                         {llvm::ConstantTokenNone::get(context_), build_.getInt1(final)});
  llvm::SwitchInst* next = build_.CreateSwitch(how, leave_, 2);
  next->addCase(build_.getInt8(0), resume);
  next->addCase(build_.getInt8(1), cleanup_);
}

CoroutineCodegen::LlvmValue CoroutineCodegen::Add(LlvmValue a, LlvmValue b) {
  LlvmValue both = build_.CreateBinaryIntrinsic(llvm::Intrinsic::sadd_with_overflow, a, b);
  TrapIf(build_.CreateExtractValue(both, 1), HostFunction::kTrapScalar,
         {frame_, I32(op_++), I32(static_cast<uint32_t>(abi::TrapKind::kIntOverflow))});
  return build_.CreateExtractValue(both, 0);
}

void CoroutineCodegen::GoOnIfDone(LlvmValue progress, llvm::BasicBlock* otherwise) {
  llvm::BasicBlock* done = NewBlock("done");
  LlvmValue is_done = build_.CreateICmpEQ(progress, I32(static_cast<uint32_t>(abi::Progress::kDone)));
  build_.CreateCondBr(is_done, done, otherwise);
  build_.SetInsertPoint(done);
}

void CoroutineCodegen::TrapIf(LlvmValue condition, HostFunction function, llvm::ArrayRef<LlvmValue> arguments) {
  llvm::BasicBlock* trap = NewBlock("trap");
  llvm::BasicBlock* fine = NewBlock("fine");
  build_.CreateCondBr(condition, trap, fine, llvm::MDBuilder(context_).createBranchWeights(1, 1 << 20));
  build_.SetInsertPoint(trap);
  FlushFuel();
  Host(function, arguments)->addFnAttr(llvm::Attribute::Cold);
  build_.CreateBr(raised_);
  build_.SetInsertPoint(fine);
}

llvm::CallInst* CoroutineCodegen::Host(HostFunction function, llvm::ArrayRef<LlvmValue> arguments) {
  const abi::HostFunctionInfo info = abi::InfoOf(function);
  return Call(info.symbol, info.signature[0] == 'i' ? build_.getInt32Ty() : build_.getVoidTy(), arguments);
}

llvm::CallInst* CoroutineCodegen::Call(const char* symbol, llvm::Type* result, llvm::ArrayRef<LlvmValue> arguments) {
  std::vector<llvm::Type*> types;
  for (const llvm::Value* argument : arguments) types.push_back(argument->getType());
  llvm::CallInst* call =
      build_.CreateCall(out_.getOrInsertFunction(symbol, llvm::FunctionType::get(result, types, false)), arguments);
  call->addFnAttr(llvm::Attribute::NoUnwind);
  return call;
}

// As OptimiseModule, which has code without loops only here, before and after the coroutine is split.
void OptimiseCoroutine(llvm::Module& module, llvm::TargetMachine& target) {
  codegen::Analyses analyses(target);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::CoroEarlyPass());
  passes.addPass(llvm::createModuleToFunctionPassAdaptor(codegen::ScalarPasses()));
  passes.addPass(llvm::createModuleToPostOrderCGSCCPassAdaptor(llvm::CoroSplitPass(/*OptimizeFrame=*/true)));
  llvm::FunctionPassManager after;
  after.addPass(llvm::CoroElidePass());
  after.addPass(codegen::ScalarPasses());
  after.addPass(llvm::SimplifyCFGPass());  // what suspends does not pass the switch on the way out
  passes.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(after)));
  passes.addPass(llvm::CoroCleanupPass());
  passes.addPass(llvm::GlobalDCEPass());
  passes.run(module, analyses.modules);
}

template <typename Generate, typename OptimisePasses>
ChainObject MakeChain(llvm::TargetMachine& target, Generate generate, OptimisePasses optimise) {
  const double begin = ThreadMillis();
  llvm::LLVMContext context;
  context.setDiscardValueNames(false);
  llvm::Module module("jade", context);
  module.setDataLayout(target.createDataLayout());
  module.setTargetTriple(target.getTargetTriple().str());
  generate(module);
  codegen::CheckModule(module);
  const double generated = ThreadMillis();
  optimise(module);
  const double optimised = ThreadMillis();
  codegen::CheckModule(module);
  const double checked = ThreadMillis();
  std::string object = codegen::EmitModule(module, target, llvm::CodeGenFileType::ObjectFile);
  return {std::move(object), generated - begin, optimised - generated, ThreadMillis() - checked};
}

}  // namespace

std::shared_ptr<ir::Module> ChainModule(uint32_t awaits) {
  std::string text =
      "jir 1\nrecord Pair {step: Int, text: Text}\n\n"
      "executor E(text: Text, step: Int, sum: Int) -> Int {\n  format text Int\n}\n\n"
      "workflow Chain(%0: Pair p) -> Int {\n  %1: Int = field step(%0)\n  %2: Text = field text(%0)\n";
  uint32_t next = 3, sum = 1, total = 1;
  for (uint32_t i = 0; i < awaits; ++i, next += 4) {
    text += fmt::format("  %{}: future Int = issue E(%2, %1, %{}) @E#{}\n", next, sum, i);
    text += fmt::format("  %{}: Int = await(%{})\n", next + 1, next);
    text += fmt::format("  %{}: Int = int.add(%{}, %{})\n", next + 2, sum, next + 1);
    text += fmt::format("  %{}: Int = int.add(%{}, %{})\n", next + 3, total, next + 2);
    sum = next + 2, total = next + 3;
  }
  text += fmt::format("  %{}: Int = int.add(%{}, %{})\n  yield(%{})\n}}\n", next, sum, total, next);
  auto module = ir::Read(text);
  JADE_CHECK(module.ok(), "the chain is malformed: {}", module.ok() ? "" : module.error().ToString());
  return *module;
}

std::unique_ptr<llvm::TargetMachine> MakeBenchTarget() {
  auto target = codegen::MakeTarget(codegen::Optimise::kFull);
  JADE_CHECK(target.ok(), "{}", target.ok() ? "" : target.error().ToString());
  return std::move(*target);
}

ChainObject MakeStateMachine(const ir::Module& module, llvm::TargetMachine& target) {
  const auto generate = [&](llvm::Module& out) {
    const ir::Function& function = module.function({module.first_function()});
    const codegen::FunctionLayout layout(module, function);
    codegen::UnitCodegen(module, function, layout, layout.units.front(), out, {}).Run();
  };
  return MakeChain(target, generate,
                   [&](llvm::Module& out) { codegen::OptimiseModule(out, target, codegen::Optimise::kFull); });
}

ChainObject MakeCoroutine(uint32_t awaits, CoroutineStart start, llvm::TargetMachine& target) {
  const auto generate = [&](llvm::Module& out) { CoroutineCodegen(out, awaits, start).Run(); };
  return MakeChain(target, generate, [&](llvm::Module& out) { OptimiseCoroutine(out, target); });
}

}  // namespace jade::jit
