#include "cli/native_text.h"

#ifdef JADE_HAS_JIT
#include "compiler/codegen/codegen.h"
#endif

namespace jade::cli {

#ifdef JADE_HAS_JIT

bool HasCompiledCode() {
  return true;
}

std::string CompilerDescription() {
  return "LLVM " + codegen::TargetDescription();
}

Result<std::string> NativeText(const ir::Module& module, std::span<const ir::FunctionId> functions,
                               const NativeTextOptions& options) {
  codegen::CodegenOptions codegen;
  codegen.optimise = options.optimise ? codegen::Optimise::kFull : codegen::Optimise::kNone;
  codegen.debug = options.debug;
  const std::vector<ir::FunctionId> all = codegen::CompilableFunctions(module);
  if (functions.empty()) functions = all;
  return options.form == NativeForm::kLlvm ? codegen::MakeLlvmText(module, functions, codegen)
                                           : codegen::MakeAssembly(module, functions, codegen);
}

#else

bool HasCompiledCode() {
  return false;
}

std::string CompilerDescription() {
  return "none";
}

Result<std::string> NativeText(const ir::Module&, std::span<const ir::FunctionId>, const NativeTextOptions&) {
  return Error(ErrorCode::kUnsupported, "this build has no code generator: configure with -DJADE_JIT=ON");
}

#endif

}  // namespace jade::cli
