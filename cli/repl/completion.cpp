#include "cli/repl/completion.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "cli/repl/commands.h"
#include "cli/repl/input.h"
#include "compiler/sema/builtins.h"
#include "stdlib/stdlib.h"

namespace jade::repl {
namespace {

using line::Completion;
using types::TypeId;
using types::TypeKind;

constexpr std::array<std::string_view, 46> kWords = {
    "let",     "fold",   "each",   "if",   "else",      "match",   "for",   "in",       "with",      "within",
    "repeat",  "until",  "and",    "or",   "not",       "true",    "false", "none",     "new",       "run",
    "use",     "type",   "record", "enum", "executor",  "planner", "tool",  "workflow", "main",      "param",
    "reward",  "test",   "system", "user", "assistant", "prefill", "emits", "check",    "malformed", "invalid",
    "penalty", "sample", "stages", "uses", "overrun",   "expect"};

bool IsWordPart(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t WordBegin(std::string_view text, size_t cursor) {
  while (cursor > 0 && IsWordPart(text[cursor - 1])) --cursor;
  return cursor;
}

// Those that begin with what is typed, sorted, once each.
template <typename Names>
Completion Matching(size_t begin, std::string_view typed, const Names& names) {
  std::set<std::string> found;
  for (const auto& name : names) {
    if (std::string_view(name).starts_with(typed)) found.insert(std::string(name));
  }
  return {begin, {found.begin(), found.end()}};
}

Completion Paths(std::string_view typed, size_t begin) {
  const size_t slash = typed.rfind('/');
  const std::string folder(slash == std::string_view::npos ? "" : typed.substr(0, slash + 1));
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(folder.empty() ? "." : folder, ec)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory(ec)) {
      names.push_back(folder + name + "/");
    } else if (name.ends_with(".jade") || name.ends_with(".jsonl") || name.ends_with(".db")) {
      names.push_back(folder + name);
    }
  }
  return Matching(begin, typed, names);
}

std::vector<std::string> ValueNames(const Workspace& workspace) {
  std::vector<std::string> names;
  const sema::CheckedModule& root = workspace.program()->checked().root();
  for (const auto& [name, symbol] : root.values) names.push_back(name);
  for (const auto& [name, type] : root.types) names.push_back(name);
  for (const auto& [name, alias] : root.aliases) names.push_back(name);
  for (const auto& [name, kept] : workspace.values().all()) names.push_back(name);
  return names;
}

// Where the operand that ends at `end` begins: names, dots, and whole pairs of brackets.
size_t OperandBegin(std::string_view text, size_t end) {
  size_t depth = 0;
  while (end > 0) {
    const char c = text[end - 1];
    if (c == ')' || c == ']') ++depth;
    if (c == '(' || c == '[') {
      if (depth == 0) break;
      --depth;
    } else if (depth == 0 && c != ')' && c != ']' && c != '.' && !IsWordPart(c)) {
      break;
    }
    --end;
  }
  return end;
}

// What can follow `operand` and a dot.
std::vector<std::string> Members(const std::string& operand, const Workspace& workspace) {
  std::vector<std::string> names;
  const session::Program& program = *workspace.program();
  const sema::CheckedModule& root = program.checked().root();
  const auto alias = root.aliases.find(operand);
  if (alias != root.aliases.end()) {
    const sema::CheckedModule& module = *program.checked().modules[alias->second];
    for (const auto& [name, symbol] : module.values) names.push_back(name);
    for (const auto& [name, type] : module.types) names.push_back(name);
    return names;
  }
  const auto named = root.types.find(operand);
  if (named != root.types.end()) {
    for (const types::EnumCase& one : program.types()[named->second].cases) names.push_back(one.name);
    return names;
  }
  diag::Diagnostics ignored;
  const auto tree = workspace.Check(std::make_shared<const source::SourceFile>("", operand), ignored);
  if (tree == nullptr || tree->statements.empty()) return names;
  const TypeId type = tree->statements.back().type;
  if (program.types().kind(type) != TypeKind::kRecord) return names;
  for (const types::Field& field : program.types()[type].fields) names.push_back(field.name);
  return names;
}

Completion CompleteName(std::string_view text, size_t cursor, const Workspace& workspace) {
  const size_t begin = WordBegin(text, cursor);
  const std::string_view typed = text.substr(begin, cursor - begin);
  if (begin > 0 && text[begin - 1] == '.') {
    const size_t operand = OperandBegin(text, begin - 1);
    return Matching(begin, typed, Members(std::string(text.substr(operand, begin - 1 - operand)), workspace));
  }
  std::vector<std::string> names = ValueNames(workspace);
  if (typed.empty()) return Matching(begin, typed, names);
  names.insert(names.end(), kWords.begin(), kWords.end());
  for (const sema::BuiltinRow& row : sema::AllBuiltins()) names.emplace_back(row.name);
  // Parameters and locals of what is being typed.
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && IsWordPart(text[end])) ++end;
    if (end > at && at != begin && end - at > 1 && !(text[at] >= '0' && text[at] <= '9')) {
      names.emplace_back(text.substr(at, end - at));
    }
    at = std::max(end, at + 1);
  }
  return Matching(begin, typed, names);
}

Completion CompleteCommand(std::string_view text, size_t cursor, const Workspace& workspace) {
  const size_t colon = text.find(':');
  const size_t end = text.find_first_of(" \t", colon);
  if (end == std::string_view::npos || end >= cursor) {
    std::vector<std::string> names;
    for (const Command& command : Commands()) names.push_back(":" + std::string(command.name));
    return Matching(colon, text.substr(colon, cursor - colon), names);
  }
  const std::string_view command = text.substr(colon + 1, end - colon - 1);
  const size_t begin = text.find_last_of(" \t", cursor - 1) + 1;
  const std::string_view typed = text.substr(begin, cursor - begin);
  const bool first = text.find_first_not_of(" \t", end) == begin || typed.empty();
  if (command == "help") {
    std::vector<std::string_view> names;
    for (const Command& one : Commands()) names.push_back(one.name);
    return Matching(begin, typed, names);
  }
  if (command == "load" || command == "save") return Paths(typed, begin);
  if (command == "set" && first) return Matching(begin, typed, SettingNames());
  if (command == "set") return Paths(typed, begin);
  return CompleteName(text, cursor, workspace);
}

}  // namespace

Completion Complete(std::string_view text, size_t cursor, const Workspace& workspace) {
  if (KindOf(text) == InputKind::kCommand) return CompleteCommand(text, cursor, workspace);
  const size_t line = text.substr(0, cursor).rfind('\n') + 1;  // npos + 1 is 0
  const std::string_view before = text.substr(line, cursor - line);
  if (before.starts_with("use ")) {
    const size_t begin = before.rfind(' ') + 1;
    return Matching(line + begin, before.substr(begin), stdlib::Names());
  }
  return CompleteName(text, cursor, workspace);
}

}  // namespace jade::repl
