#pragma once
// JIR to machine code of this machine: a module's functions, optimised, as an object file, or as text to look at.
// No LLVM in this header. Any thread; each call has an LLVMContext of its own.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/module.h"
#include "compiler/result/result.h"

namespace jade::codegen {

enum class Optimise : uint8_t { kNone, kFull };

struct CodegenOptions {
  Optimise optimise = Optimise::kFull;
  bool debug = false;  // lines of the .jade file, for debuggers and profilers
};

// The module's own functions that can be compiled (not those of its base).
std::vector<ir::FunctionId> CompilableFunctions(const ir::Module& module);

// An ELF object that defines "jade.<unit>" for each unit (see frame_layout.h) and refers to the host functions by name.
// Fails with kUnavailable when LLVM has no code generator for this machine.
Result<std::string> MakeObject(const ir::Module& module, std::span<const ir::FunctionId> functions,
                               const CodegenOptions& options);

// LLVM's text of the same, after optimisation; assembly.
Result<std::string> MakeLlvmText(const ir::Module& module, std::span<const ir::FunctionId> functions,
                                 const CodegenOptions& options);
Result<std::string> MakeAssembly(const ir::Module& module, std::span<const ir::FunctionId> functions,
                                 const CodegenOptions& options);

// "19.1.7, sapphirerapids": what the object of a module depends on besides the module.
std::string TargetDescription();

}  // namespace jade::codegen
