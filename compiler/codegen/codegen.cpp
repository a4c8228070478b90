#include "compiler/codegen/codegen.h"

#include <fmt/format.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <memory>
#include <mutex>

#include "compiler/codegen/optimise.h"
#include "compiler/codegen/unit_codegen.h"

namespace jade::codegen {

namespace {

void InitialiseTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

std::string HostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto& [name, present] : llvm::sys::getHostCPUFeatures()) features.AddFeature(name, present);
  return features.getString();
}

Result<std::unique_ptr<llvm::TargetMachine>> MakeTarget(Optimise optimise) {
  InitialiseTarget();
  const std::string triple = llvm::sys::getProcessTriple();
  std::string problem;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, problem);
  if (target == nullptr) return Error(ErrorCode::kUnavailable, fmt::format("no code generator: {}", problem));
  static const std::string kFeatures = HostFeatures();
  const auto level = optimise == Optimise::kNone ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, llvm::sys::getHostCPUName(), kFeatures, llvm::TargetOptions(),
                                  llvm::Reloc::PIC_, llvm::CodeModel::Small, level, /*JIT=*/true));
  if (machine == nullptr) return Error(ErrorCode::kUnavailable, fmt::format("no code generator for {}", triple));
  return machine;
}

// A module of LLVM and what it needs to live.
struct Generated {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> target;
  std::unique_ptr<llvm::Module> module;
};

class DebugInfo {
 public:
  DebugInfo(llvm::Module& out, const ir::Module& module, bool wanted) {
    if (!wanted || module.file_count() == 0) return;
    out.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
    builder_ = std::make_unique<llvm::DIBuilder>(out);
    llvm::DIFile* file = builder_->createFile(module.file(module.file_count() - 1)->name(), "");
    context_.builder = builder_.get();
    context_.unit = builder_->createCompileUnit(llvm::dwarf::DW_LANG_C, file, "jade", true, "", 0);
  }
  const DebugContext& context() const { return context_; }
  void Finish() {
    if (builder_ != nullptr) builder_->finalize();
  }

 private:
  std::unique_ptr<llvm::DIBuilder> builder_;
  DebugContext context_;
};

Result<Generated> Generate(const ir::Module& module, std::span<const ir::FunctionId> functions,
                           const CodegenOptions& options) {
  Generated made;
  JADE_ASSIGN_OR_RETURN(made.target, MakeTarget(options.optimise));
  made.context = std::make_unique<llvm::LLVMContext>();
  made.context->setDiscardValueNames(false);
  made.module = std::make_unique<llvm::Module>("jade", *made.context);
  made.module->setDataLayout(made.target->createDataLayout());
  made.module->setTargetTriple(made.target->getTargetTriple().str());
  DebugInfo debug(*made.module, module, options.debug);
  for (const ir::FunctionId id : functions) {
    const ir::Function& function = module.function(id);
    const FunctionLayout layout(module, function);
    for (const FrameLayout& unit : layout.units) {
      UnitCodegen(module, function, layout, unit, *made.module, debug.context()).Run();
    }
  }
  debug.Finish();
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  const bool malformed = llvm::verifyModule(*made.module, &stream);
  JADE_CHECK(!malformed, "the generated code is malformed: {}", problem);
  OptimiseModule(*made.module, *made.target, options.optimise);
  return made;
}

std::string Emit(const Generated& made, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  const bool refused = made.target->addPassesToEmitFile(passes, stream, nullptr, type);
  JADE_CHECK(!refused, "this target cannot emit code");
  passes.run(*made.module);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::vector<ir::FunctionId> CompilableFunctions(const ir::Module& module) {
  std::vector<ir::FunctionId> functions;
  for (uint32_t i = module.first_function(); i < module.function_count(); ++i) {
    if (CanCompile(module.function({i}))) functions.push_back({i});
  }
  return functions;
}

Result<std::string> MakeObject(const ir::Module& module, std::span<const ir::FunctionId> functions,
                               const CodegenOptions& options) {
  JADE_ASSIGN_OR_RETURN(const Generated made, Generate(module, functions, options));
  return Emit(made, llvm::CodeGenFileType::ObjectFile);
}

Result<std::string> MakeLlvmText(const ir::Module& module, std::span<const ir::FunctionId> functions,
                                 const CodegenOptions& options) {
  JADE_ASSIGN_OR_RETURN(const Generated made, Generate(module, functions, options));
  std::string text;
  llvm::raw_string_ostream stream(text);
  made.module->print(stream, nullptr);
  return text;
}

Result<std::string> MakeAssembly(const ir::Module& module, std::span<const ir::FunctionId> functions,
                                 const CodegenOptions& options) {
  JADE_ASSIGN_OR_RETURN(const Generated made, Generate(module, functions, options));
  return Emit(made, llvm::CodeGenFileType::AssemblyFile);
}

std::string TargetDescription() {
  return fmt::format("{}, {}", LLVM_VERSION_STRING, llvm::sys::getHostCPUName().str());
}

}  // namespace jade::codegen
