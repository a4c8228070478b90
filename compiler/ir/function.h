#pragma once
// A function of JIR: structured SSA in flat tables. A region is a run of consecutive operations ending in kYield; a
// value is a region parameter or an operation's result and is visible after its definition in its region and in the
// regions nested there. Immutable once built (see builder.h), so any thread may read.
//
// An interpreter needs no recursion: a position is (region, op index), entering a region pushes one, kYield pops it.

#include <span>
#include <string>
#include <vector>

#include "compiler/ir/op.h"
#include "compiler/types/type_table.h"

namespace jade::ir {

enum class FunctionKind : uint8_t {
  kWorkflow,
  kPlan,   // compiled plan text
  kThunk,  // a declaration standing where a plan is expected: first parameter given, the others defaulted or bound
  kReward,
  kTest,
  kDefault,   // default of a `param`: no parameters
  kCheck,     // (callee's parameters…, result, raw: Text) -> Bool
  kFallback,  // `malformed` (parameters…, raw: Text) -> result; `invalid` (parameters…, result, raw: Text) -> result
  kTemplate,  // (callee's parameters…): emits one message; yields nothing, result type Never
  kPure,      // (callee's parameters…) -> any: documents of a subset format, and the like
};

std::string_view FunctionKindName(FunctionKind kind);

// Whether functions of this kind may call roles, tools and each other.
inline bool MayCall(FunctionKind kind) {
  return kind == FunctionKind::kWorkflow || kind == FunctionKind::kPlan || kind == FunctionKind::kThunk ||
         kind == FunctionKind::kTest;
}

struct ValueInfo {
  types::TypeId type;
  bool future = false;  // `future type`: only from kIssue, kSpawn and fold's ahead regions; only kAwait takes it
  friend bool operator==(const ValueInfo&, const ValueInfo&) = default;
};

// A region's parameters are consecutive values.
struct Region {
  uint32_t op_begin = 0;
  uint32_t op_count = 0;
  uint32_t first_param = 0;
  uint32_t param_count = 0;
};

// A place a call is made from. A call's path is the entry declaration, then one segment for each frame on the way and
// for the call itself: (callee, ordinal or label, loop indices of the frame at the site). Assigned in lowering; no
// pass changes it. Unique in its frame: in the function, or in the region of an `enter`, outside of further ones.
struct Site {
  TextId callee;  // declaration name; "run" for kRun
  uint32_t ordinal =
      0;         // counts the sites of this callee in this function, in program order from 0; stage index in plans
  TextId label;  // `@label`: stands instead of the ordinal
  friend bool operator==(const Site&, const Site&) = default;
};

struct Function {
  std::string name;  // unique in its module: "Solve", "QR.check", "plan/0"
  FunctionKind kind = FunctionKind::kWorkflow;
  std::vector<std::string> parameter_names;  // as many as region 0 has parameters
  types::TypeId result;
  uint32_t file = kInvalidIndex;  // Module::files; spans refer to it, but those in an `enter`: see survey.h
  source::Span span;              // the declaration

  std::vector<Op> ops;
  std::vector<Region> regions;
  std::vector<ValueInfo> values;
  std::vector<ValueId> operands;
  std::vector<uint32_t> aux;
  std::vector<Site> sites;

  std::span<const ValueId> OperandsOf(const Op& op) const {
    return {operands.data() + op.operand_begin, op.operand_count};
  }
  std::span<const uint32_t> AuxOf(const Op& op) const { return {aux.data() + op.aux_begin, op.aux_count}; }
  std::span<const Op> OpsOf(const Region& region) const { return {ops.data() + region.op_begin, region.op_count}; }
  const Region& RegionOf(const Op& op, uint32_t i) const { return regions[op.first_region.index + i]; }
  const Region& body() const { return regions[0]; }
  types::TypeId ParameterType(uint32_t i) const { return values[body().first_param + i].type; }
};

}  // namespace jade::ir
