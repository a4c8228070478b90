#include "compiler/sema/snippet.h"

#include <algorithm>

#include "compiler/parse/parse.h"
#include "compiler/sema/checker.h"

namespace jade::sema {
namespace {

// What the names in tables stand for, out of `known`.
std::vector<Given> Used(const Tables& tables, const std::vector<Given>& known) {
  std::vector<Given> used;
  for (const Given& given : known) {
    const bool named = std::any_of(tables.nodes.begin(), tables.nodes.end(), [&](const NodeInfo& node) {
      return node.symbol.kind == SymbolKind::kLocal && node.symbol.binding == given.binding;
    });
    if (named) used.push_back(given);
  }
  return used;
}

}  // namespace

std::unique_ptr<TypedSnippet> CheckSnippet(Program& program, const source::SourceFilePtr& file, std::vector<Given> kept,
                                           diag::Diagnostics& sink) {
  const size_t before = sink.error_count();
  auto snippet = std::make_unique<TypedSnippet>();
  parse::Expression tree = parse::ParseExpression(file, sink);
  if (sink.error_count() > before) return nullptr;
  snippet->file = file;
  snippet->block = std::move(tree.block);
  snippet->tables.nodes.resize(tree.node_count + kept.size());
  CheckedModule& module = *program.modules.back();
  Checker checker(program, module, file, snippet->tables, sink);
  uint32_t next = tree.node_count;
  std::erase_if(kept, [&](const Given& given) {
    return module.values.contains(given.name) || module.aliases.contains(given.name);
  });
  for (Given& given : kept) {
    given.binding = {next++};
    checker.BindGiven({given.name, {}}, given.binding, given.type);
  }
  for (const ast::LetStmt& let : snippet->block->lets) {
    const TypeId type = checker.CheckLetValue(let);
    checker.BindGiven(let.binding.name, let.binding.id, type);
    snippet->statements.push_back({.name = let.binding.name.text,
                                   .name_span = let.binding.name.span,
                                   .value = let.value.get(),
                                   .type = type,
                                   .binding = let.binding.id});
  }
  if (const ast::Expr* result = snippet->block->result.get(); result != nullptr) {
    const TypeId type = checker.Infer(*result);
    checker.CheckKnown(*result, type, "value");
    snippet->statements.push_back({.value = result, .type = type});
  }
  if (sink.error_count() > before) return nullptr;
  for (TypedStatement& statement : snippet->statements) {
    statement.uses = Used(snippet->tables, kept);
    if (!statement.name.empty()) kept.push_back({statement.name, statement.type, statement.binding});
  }
  return snippet;
}

}  // namespace jade::sema
