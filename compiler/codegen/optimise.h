#pragma once
// Internal to compiler/codegen: the passes of LLVM that pay for themselves on the code that units are made of.

#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>

#include "compiler/codegen/codegen.h"

namespace jade::codegen {

// LLVM's analyses, each known to the others.
struct Analyses {
  explicit Analyses(llvm::TargetMachine& target);

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder;
};

// For code of any kind.
llvm::FunctionPassManager ScalarPasses();

void OptimiseModule(llvm::Module& module, llvm::TargetMachine& target, Optimise level);

}  // namespace jade::codegen
