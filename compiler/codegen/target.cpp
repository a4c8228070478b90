#include "compiler/codegen/target.h"

#include <fmt/format.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <mutex>

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

}  // namespace

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

void CheckModule(const llvm::Module& module) {
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  const bool malformed = llvm::verifyModule(module, &stream);
  JADE_CHECK(!malformed, "the generated code is malformed: {}", problem);
}

std::string EmitModule(llvm::Module& module, llvm::TargetMachine& target, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  const bool refused = target.addPassesToEmitFile(passes, stream, nullptr, type);
  JADE_CHECK(!refused, "this target cannot emit code");
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace jade::codegen
