#pragma once
// Internal to compiler/codegen: the passes of LLVM that pay for themselves on the code that units are made of.

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include "compiler/codegen/codegen.h"

namespace jade::codegen {

void OptimiseModule(llvm::Module& module, llvm::TargetMachine& target, Optimise level);

}  // namespace jade::codegen
