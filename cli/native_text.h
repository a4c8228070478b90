#pragma once
// What a module becomes when it is compiled, as text.

#include <span>
#include <string>

#include "compiler/ir/module.h"
#include "compiler/result/result.h"

namespace jade::cli {

// Whether this build can compile.
bool HasCompiledCode();
// "LLVM 19.1.7, sapphirerapids", or "none".
std::string CompilerDescription();

enum class NativeForm : uint8_t { kLlvm, kAssembly };

struct NativeTextOptions {
  NativeForm form = NativeForm::kLlvm;
  bool optimise = true;
  bool debug = false;  // with the lines of the .jade file
};

// Of all its own functions, or of those named. Fails with kUnsupported when this build has no code generator.
Result<std::string> NativeText(const ir::Module& module, std::span<const ir::FunctionId> functions,
                               const NativeTextOptions& options);

}  // namespace jade::cli
