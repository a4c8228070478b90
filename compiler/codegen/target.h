#pragma once
// Internal to compiler/codegen and to the bench of suspension: LLVM's code generator for this machine.

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "compiler/codegen/codegen.h"

namespace jade::codegen {

// Fails with kUnavailable when LLVM has none.
Result<std::unique_ptr<llvm::TargetMachine>> MakeTarget(Optimise optimise);

// Malformed code is a bug, and is shown.
void CheckModule(const llvm::Module& module);

// An object file, or assembly.
std::string EmitModule(llvm::Module& module, llvm::TargetMachine& target, llvm::CodeGenFileType type);

}  // namespace jade::codegen
