#include "runtime/session/snippet.h"

namespace jade::session {

Snippet MakeSnippet(const Program& program, const sema::TypedSnippet& tree, size_t statement, const std::string& name,
                    std::vector<abi::Value> arguments) {
  const sema::TypedStatement& source = tree.statements[statement];
  JADE_CHECK(arguments.size() == source.uses.size(), "{} values for {} names", arguments.size(), source.uses.size());
  const auto module = lower::LowerSnippet(program.checked(), program.lowered(), {name, &tree, statement, source.uses});
  passes::RunPasses(*module, passes::PlanPasses());
  Snippet snippet;
  snippet.module = module;
  for (const sema::Given& given : source.uses) snippet.signature.parameters.push_back({given.name, given.type});
  snippet.signature.result = source.type;
  snippet.arguments = std::move(arguments);
  return snippet;
}

}  // namespace jade::session
