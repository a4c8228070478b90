// The stage `codegen`: the LLVM IR of the file's own workflows, as the code generator writes it, before LLVM looks at
// it. What depends on the machine is left out.
#include "compiler/codegen/codegen.h"
#include "runtime/session/program.h"
#include "tests/golden/stages.h"

namespace jade::golden {

std::string RunCodegen(const source::SourceFilePtr& file) {
  const session::Loaded loaded = session::Program::LoadText(file->name(), std::string(file->text()));
  if (loaded.program == nullptr) return "the program does not check\n";
  const ir::Module& module = *loaded.program->module();
  std::vector<ir::FunctionId> functions;
  for (const ir::FunctionId id : codegen::CompilableFunctions(module)) {
    if (module.function(id).kind == ir::FunctionKind::kWorkflow) functions.push_back(id);
  }
  const auto text = codegen::MakeLlvmText(module, functions, {codegen::Optimise::kNone, false});
  if (!text.ok()) return text.error().ToString() + "\n";
  const size_t begin = text->find("define ");
  const size_t end = text->find("\nattributes ");
  return begin == std::string::npos ? "nothing\n" : text->substr(begin, end - begin);
}

}  // namespace jade::golden
