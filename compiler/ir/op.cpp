#include "compiler/ir/op.h"

#include <algorithm>
#include <array>
#include <utility>

#include "compiler/ir/builtin.h"
#include "compiler/ir/callee.h"
#include "compiler/ir/function.h"

namespace jade::ir {
namespace {

constexpr OpTrait P = OpTrait::kPure;
constexpr OpTrait T = OpTrait::kTraps;
constexpr OpTrait S = OpTrait::kSuspends;
constexpr OpTrait K = OpTrait::kTerminator;

struct OpcodeRow {
  std::string_view name;
  OpTrait trait;
};

constexpr std::array<OpcodeRow, kOpcodeCount> kRows = {{
#define JADE_OP(enumerator, name, traits) {name, traits},
#include "compiler/ir/ops.def"
#undef JADE_OP
}};

struct BuiltinRow {
  std::string_view name;
  std::string_view signature;
};

constexpr std::array<BuiltinRow, kBuiltinCount> kBuiltins = {{
#define JADE_BUILTIN(enumerator, name, signature) {name, signature},
#include "compiler/ir/builtins.def"
#undef JADE_BUILTIN
}};

using NamedOpcode = std::pair<std::string_view, Opcode>;

constexpr std::array<NamedOpcode, kOpcodeCount> SortedNames() {
  std::array<NamedOpcode, kOpcodeCount> sorted{};
  for (int i = 0; i < kOpcodeCount; ++i) sorted[i] = {kRows[i].name, static_cast<Opcode>(i)};
  std::sort(sorted.begin(), sorted.end(), [](const NamedOpcode& a, const NamedOpcode& b) { return a.first < b.first; });
  return sorted;
}
constexpr std::array<NamedOpcode, kOpcodeCount> kSortedNames = SortedNames();

}  // namespace

std::string_view OpcodeName(Opcode code) {
  return kRows[static_cast<size_t>(code)].name;
}

OpTrait TraitOf(Opcode code) {
  return kRows[static_cast<size_t>(code)].trait;
}

std::optional<Opcode> OpcodeOf(std::string_view name) {
  const auto* found = std::lower_bound(kSortedNames.begin(), kSortedNames.end(), name,
                                       [](const NamedOpcode& row, std::string_view key) { return row.first < key; });
  if (found == kSortedNames.end() || found->first != name) return std::nullopt;
  return found->second;
}

std::string_view BuiltinName(Builtin builtin) {
  return kBuiltins[static_cast<size_t>(builtin)].name;
}

std::string_view BuiltinSignature(Builtin builtin) {
  return kBuiltins[static_cast<size_t>(builtin)].signature;
}

std::optional<Builtin> BuiltinOf(std::string_view name) {
  for (int i = 0; i < kBuiltinCount; ++i) {
    if (kBuiltins[i].name == name) return static_cast<Builtin>(i);
  }
  return std::nullopt;
}

std::string_view FunctionKindName(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::kWorkflow:
      return "workflow";
    case FunctionKind::kPlan:
      return "plan";
    case FunctionKind::kThunk:
      return "thunk";
    case FunctionKind::kReward:
      return "reward";
    case FunctionKind::kTest:
      return "test";
    case FunctionKind::kDefault:
      return "default";
    case FunctionKind::kCheck:
      return "check";
    case FunctionKind::kFallback:
      return "fallback";
    case FunctionKind::kTemplate:
      return "template";
    case FunctionKind::kPure:
      return "pure";
  }
  return "?";
}

std::string_view CalleeKindName(CalleeKind kind) {
  switch (kind) {
    case CalleeKind::kExecutor:
      return "executor";
    case CalleeKind::kPlanner:
      return "planner";
    case CalleeKind::kTool:
      return "tool";
  }
  return "?";
}

std::string_view FormatKindName(FormatKind kind) {
  switch (kind) {
    case FormatKind::kText:
      return "text";
    case FormatKind::kTag:
      return "tag";
    case FormatKind::kNumbered:
      return "numbered";
    case FormatKind::kSubset:
      return "subset";
    case FormatKind::kAlternatives:
      return "alternatives";
    case FormatKind::kPlan:
      return "plan";
  }
  return "?";
}

}  // namespace jade::ir
