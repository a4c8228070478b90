#include "compiler/codegen/optimise.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

namespace jade::codegen {

Analyses::Analyses(llvm::TargetMachine& target) : builder(&target) {
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
}

llvm::FunctionPassManager ScalarPasses() {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::InstCombinePass());
  return passes;
}

// Units never call each other and are not inlined, so there is nothing between functions to optimise.
void OptimiseModule(llvm::Module& module, llvm::TargetMachine& target, Optimise level) {
  if (level == Optimise::kNone) return;
  Analyses analyses(target);
  llvm::FunctionAnalysisManager& functions = analyses.functions;
  llvm::FunctionPassManager first = ScalarPasses();
  llvm::FunctionPassManager of_loops;
  llvm::LoopPassManager loop_passes;
  loop_passes.addPass(llvm::LICMPass(llvm::LICMOptions()));
  loop_passes.addPass(llvm::IndVarSimplifyPass());
  of_loops.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loop_passes), /*UseMemorySSA=*/true));
  of_loops.addPass(llvm::GVNPass());
  of_loops.addPass(llvm::InstCombinePass());
  of_loops.addPass(llvm::DSEPass());
  of_loops.addPass(llvm::ADCEPass());
  of_loops.addPass(llvm::SimplifyCFGPass());
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    functions.invalidate(function, first.run(function, functions));
    // Code without loops is run once between two waits: the rest would cost more than it saves.
    if (!functions.getResult<llvm::LoopAnalysis>(function).empty()) of_loops.run(function, functions);
  }
}

}  // namespace jade::codegen
