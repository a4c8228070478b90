#include "compiler/codegen/codegen.h"

#include <fmt/format.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <memory>

#include "compiler/codegen/optimise.h"
#include "compiler/codegen/target.h"
#include "compiler/codegen/unit_codegen.h"

namespace jade::codegen {

namespace {

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
  CheckModule(*made.module);
  OptimiseModule(*made.module, *made.target, options.optimise);
  return made;
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
  return EmitModule(*made.module, *made.target, llvm::CodeGenFileType::ObjectFile);
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
  return EmitModule(*made.module, *made.target, llvm::CodeGenFileType::AssemblyFile);
}

std::string TargetDescription() {
  return fmt::format("{}, {}", LLVM_VERSION_STRING, llvm::sys::getHostCPUName().str());
}

}  // namespace jade::codegen
