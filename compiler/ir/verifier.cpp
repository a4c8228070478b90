#include "compiler/ir/verifier.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "compiler/ir/op_rules.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/survey.h"

namespace jade::ir {
namespace {

using types::TypeId;
using types::TypeKind;
using types::TypeTable;

constexpr uint32_t kNoOwner = kInvalidIndex;

class FunctionVerifier {
 public:
  FunctionVerifier(const Module& module, const Function& function) : module_(module), function_(function) {}

  Status Run() {
    if (CheckTables() && CheckRegionTree() && CheckScopes() && CheckOps() && CheckResult()) CheckFutures();
    if (problem_.empty()) return {};
    return Error(ErrorCode::kCorrupt, fmt::format("function `{}`{}: {}", function_.name, place_, problem_));
  }

 private:
  bool Fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  bool FailAt(uint32_t op, std::string problem) {
    place_ = fmt::format(", operation {} (`{}`)", op, OpcodeName(function_.ops[op].code));
    return Fail(std::move(problem));
  }

  static bool InRange(uint64_t begin, uint64_t count, size_t size) { return begin + count <= size; }

  // Every index stays inside its table.
  bool CheckTables() {
    size_t value_count = function_.values.size();
    for (const ValueInfo& info : function_.values) {
      if (info.type.index >= module_.types().size()) return Fail("type of a value out of range");
    }
    if (function_.result.index >= module_.types().size()) return Fail("result type out of range");
    if (function_.regions.empty()) return Fail("no body");
    if (function_.body().param_count != function_.parameter_names.size()) return Fail("parameters without names");
    for (const Region& region : function_.regions) {
      if (region.op_count == 0) return Fail("an empty region");
      if (!InRange(region.op_begin, region.op_count, function_.ops.size()))
        return Fail("operations of a region out of range");
      if (region.param_count > 0 && !InRange(region.first_param, region.param_count, value_count)) {
        return Fail("parameters of a region out of range");
      }
    }
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      const Op& op = function_.ops[i];
      if (static_cast<int>(op.code) >= kOpcodeCount) return Fail("unknown operation");
      if (!InRange(op.operand_begin, op.operand_count, function_.operands.size()))
        return FailAt(i, "operands out of range");
      if (!InRange(op.aux_begin, op.aux_count, function_.aux.size())) return FailAt(i, "aux out of range");
      if (op.result.valid() && op.result.index >= value_count) return FailAt(i, "result out of range");
      if (op.region_count > 0 && !InRange(op.first_region.index, op.region_count, function_.regions.size())) {
        return FailAt(i, "regions out of range");
      }
      if (op.site.valid() && op.site.index >= function_.sites.size()) return FailAt(i, "site out of range");
      if (op.order > INT32_MAX) return FailAt(i, "order out of range");
      for (ValueId operand : function_.OperandsOf(op)) {
        if (operand.index >= value_count) return FailAt(i, "operand out of range");
      }
    }
    for (const Site& site : function_.sites) {
      if (site.callee.index >= module_.text_count()) return Fail("callee of a site out of range");
      if (site.label.valid() && site.label.index >= module_.text_count()) return Fail("label of a site out of range");
    }
    return true;
  }

  // Operations belong to one region each; regions other than the body to one operation, which comes before them in id.
  bool CheckRegionTree() {
    owner_op_.assign(function_.regions.size(), kNoOwner);
    region_of_op_.assign(function_.ops.size(), kInvalidIndex);
    for (uint32_t r = 0; r < function_.regions.size(); ++r) {
      const Region& region = function_.regions[r];
      for (uint32_t i = region.op_begin; i < region.op_begin + region.op_count; ++i) {
        if (region_of_op_[i] != kInvalidIndex) return FailAt(i, "in two regions");
        region_of_op_[i] = r;
        bool last = i + 1 == region.op_begin + region.op_count;
        bool terminates = TraitOf(function_.ops[i].code) == OpTrait::kTerminator;
        if (terminates != last)
          return FailAt(i, last ? "a region ends in yield or trap" : "after it nothing is reached");
      }
    }
    depth_.assign(function_.regions.size(), 0);
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      const Op& op = function_.ops[i];
      if (region_of_op_[i] == kInvalidIndex) return FailAt(i, "in no region");
      for (uint32_t r = op.first_region.index; op.region_count > 0 && r < op.first_region.index + op.region_count;
           ++r) {
        if (r <= region_of_op_[i]) return FailAt(i, "a region encloses itself");
        if (function_.regions[r].op_begin <= i) return FailAt(i, "its region's operations stand before it");
        if (owner_op_[r] != kNoOwner) return FailAt(i, "its region belongs to another operation too");
        owner_op_[r] = i;
      }
    }
    for (uint32_t r = 1; r < function_.regions.size(); ++r) {
      if (owner_op_[r] == kNoOwner) return Fail("a region belongs to no operation");
      depth_[r] = depth_[region_of_op_[owner_op_[r]]] + 1;
      if (depth_[r] > kMaxRegionDepth) return Fail("regions are nested too deeply");
    }
    return true;
  }

  uint32_t ParentRegion(uint32_t region) const { return region_of_op_[owner_op_[region]]; }

  // Each value is defined once, and uses come after it in its region or in a region nested later.
  bool CheckScopes() {
    struct Definition {
      uint32_t region = kInvalidIndex;
      uint32_t op = kInvalidIndex;  // invalid: a parameter
    };
    std::vector<Definition> definitions(function_.values.size());
    auto define = [&](uint32_t value, uint32_t region, uint32_t op) {
      if (definitions[value].region != kInvalidIndex) return Fail(fmt::format("value {} is defined twice", value));
      definitions[value] = {region, op};
      return true;
    };
    for (uint32_t r = 0; r < function_.regions.size(); ++r) {
      const Region& region = function_.regions[r];
      for (uint32_t p = 0; p < region.param_count; ++p) {
        if (!define(region.first_param + p, r, kInvalidIndex)) return false;
      }
    }
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (function_.ops[i].result.valid() && !define(function_.ops[i].result.index, region_of_op_[i], i)) return false;
    }
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      for (ValueId operand : function_.OperandsOf(function_.ops[i])) {
        const Definition& definition = definitions[operand.index];
        // The operation, or the one around it, that stands in the region of the definition.
        uint32_t at = i;
        if (definition.region == kInvalidIndex)
          return FailAt(i, fmt::format("operand {} is never defined", operand.index));
        while (region_of_op_[at] > definition.region) at = owner_op_[region_of_op_[at]];
        bool visible = region_of_op_[at] == definition.region && (definition.op == kInvalidIndex || definition.op < at);
        if (!visible) return FailAt(i, fmt::format("operand {} is not visible here", operand.index));
      }
    }
    defining_region_.resize(definitions.size());
    for (size_t v = 0; v < definitions.size(); ++v) defining_region_[v] = definitions[v].region;
    return true;
  }

  bool CheckOps() {
    SiteSet sites;
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      const Op& op = function_.ops[i];
      if (std::string problem = CheckOp(module_, function_, op); !problem.empty()) return FailAt(i, std::move(problem));
      bool call = op.code == Opcode::kIssue || op.code == Opcode::kCall || op.code == Opcode::kRun;
      bool placed = call || op.code == Opcode::kEnter;
      if (placed != op.site.valid()) return FailAt(i, placed ? "a call needs a site" : "only calls have sites");
      if (placed && MakesCalls(i) && !CheckSite(i, sites)) return false;
      if (placed && !MayCall(function_.kind)) return FailAt(i, "no calls are made here");
      bool concurrent = op.code == Opcode::kSpawn || op.code == Opcode::kEach || op.code == Opcode::kAwait ||
                        (op.code == Opcode::kFold && op.region_count > 1);
      if ((call || concurrent) && (!MayCall(function_.kind) || InsideMap(region_of_op_[i])))
        return FailAt(i, "no calls are made here");
      bool emits = op.code >= Opcode::kEmitText && op.code <= Opcode::kEmitSwitch;
      if (emits && function_.kind != FunctionKind::kTemplate) return FailAt(i, "only templates emit");
      bool tests = op.code >= Opcode::kReply;
      if (tests && (function_.kind != FunctionKind::kTest || region_of_op_[i] != 0)) {
        return FailAt(i, "only in the body of a test");
      }
    }
    return true;
  }

  // An `enter` without calls names no path, and passes may copy it.
  bool MakesCalls(uint32_t op) {
    if (makes_calls_.empty()) makes_calls_ = FindCalls(function_);
    return makes_calls_[op];
  }

  // Frame, callee, label, ordinal.
  using SiteSet = std::set<std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>>;

  bool CheckSite(uint32_t index, SiteSet& sites) {
    const Op& op = function_.ops[index];
    const Site& site = function_.sites[op.site.index];
    uint32_t ordinal = site.label.valid() ? 0 : site.ordinal;
    const uint32_t frame = FrameOf(region_of_op_[index]);
    if (!sites.emplace(frame, site.callee.index, site.label.index, ordinal).second)
      return FailAt(index, "the site is not unique");
    return true;
  }

  // The region of the innermost `enter` around, or the body.
  uint32_t FrameOf(uint32_t region) const {
    while (region != 0 && function_.ops[owner_op_[region]].code != Opcode::kEnter) region = ParentRegion(region);
    return region;
  }

  bool InsideMap(uint32_t region) const {
    for (; region != 0; region = ParentRegion(region)) {
      if (function_.ops[owner_op_[region]].code == Opcode::kMap) return true;
    }
    return false;
  }

  bool CheckResult() {
    const Op& end = function_.OpsOf(function_.body()).back();
    if (end.code != Opcode::kYield) return true;
    bool nothing = function_.kind == FunctionKind::kTemplate || function_.kind == FunctionKind::kTest;
    if (nothing && function_.result != TypeTable::Never()) return Fail("templates and tests have no result");
    if (end.operand_count != (nothing ? 0U : 1U)) return Fail("the body yields another number of values");
    if (nothing) return true;
    const ValueInfo& info = function_.values[function_.OperandsOf(end)[0].index];
    if (info != ValueInfo{function_.result, false}) return Fail("the body yields another type");
    return true;
  }

  // Every future has an await that is reached whenever the future's region is: only `spawn` regions stand between.
  bool CheckFutures() {
    std::vector<bool> awaited(function_.values.size(), false);
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (function_.ops[i].code != Opcode::kAwait) continue;
      ValueId future = function_.OperandsOf(function_.ops[i])[0];
      uint32_t region = region_of_op_[i];
      while (region != defining_region_[future.index] && function_.ops[owner_op_[region]].code == Opcode::kSpawn) {
        region = ParentRegion(region);
      }
      if (region == defining_region_[future.index]) awaited[future.index] = true;
      // A future may be awaited by its frame and the children it spawned for the purpose, not inside loops and arms.
      if (region != defining_region_[future.index])
        return FailAt(i, "the future is from outside this arm or loop body");
    }
    for (uint32_t v = 0; v < function_.values.size(); ++v) {
      if (function_.values[v].future && !awaited[v]) return Fail(fmt::format("the future {} is never awaited", v));
    }
    return true;
  }

  const Module& module_;
  const Function& function_;
  std::string problem_;
  std::string place_;
  std::vector<uint32_t> owner_op_;         // by region
  std::vector<uint32_t> region_of_op_;     // by op
  std::vector<uint32_t> depth_;            // by region
  std::vector<uint32_t> defining_region_;  // by value
  std::vector<bool> makes_calls_;          // by op, once a site was met
};

class ModuleVerifier {
 public:
  explicit ModuleVerifier(const Module& module) : module_(module) {}

  Status Run() {
    for (uint32_t i = module_.first_function(); i < module_.function_count(); ++i) {
      // Signatures of callees are read by every caller, so bodies' parameters are checked before any function is.
      const Function& function = module_.function({i});
      if (function.regions.empty()) return Problem(function.name, "no body");
      const Region& body = function.body();
      bool fits = body.param_count == function.parameter_names.size() &&
                  uint64_t{body.first_param} + body.param_count <= function.values.size();
      if (!fits) return Problem(function.name, "parameters out of range");
    }
    for (uint32_t i = module_.first_callee(); i < module_.callee_count(); ++i) {
      JADE_TRY(CheckCallee(module_.callee({i})));
    }
    for (uint32_t i = module_.first_function(); i < module_.function_count(); ++i) {
      JADE_TRY(VerifyFunction(module_, module_.function({i})));
    }
    if (module_.base() == nullptr) {
      for (const ParamDecl& param : module_.params()) {
        if (!param.default_value.valid()) continue;
        JADE_TRY(CheckRole(param.name, param.default_value, FunctionKind::kDefault, {}, param.type));
      }
    }
    if (module_.main().valid()) {
      if (module_.main().index >= module_.function_count()) return Problem("main", "out of range");
      FunctionKind kind = module_.function(module_.main()).kind;
      bool entry = kind == FunctionKind::kWorkflow || kind == FunctionKind::kPlan || kind == FunctionKind::kThunk;
      if (!entry) return Problem("main", "not a workflow or plan");
    }
    return {};
  }

 private:
  Error Problem(std::string_view name, std::string_view problem) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}`: {}", name, problem));
  }

  // A function that belongs to a callee or param.
  Status CheckRole(const std::string& owner, FunctionId id, FunctionKind kind, const std::vector<TypeId>& parameters,
                   TypeId result) {
    if (id.index >= module_.function_count()) return Problem(owner, "function out of range");
    const Function& function = module_.function(id);
    bool fits =
        function.kind == kind && function.result == result && function.parameter_names.size() == parameters.size();
    for (uint32_t i = 0; fits && i < parameters.size(); ++i) fits = function.ParameterType(i) == parameters[i];
    if (!fits) return Problem(owner, fmt::format("`{}` has another signature", function.name));
    return {};
  }

  Status CheckCallee(const Callee& callee) {
    std::vector<TypeId> parameters;
    for (const types::Parameter& parameter : callee.signature.parameters) {
      if (parameter.type.index >= module_.types().size()) return Problem(callee.name, "type out of range");
      parameters.push_back(parameter.type);
    }
    TypeId result = callee.signature.result;
    if (result.index >= module_.types().size()) return Problem(callee.name, "type out of range");
    for (const MessageTemplate& message : callee.messages) {
      JADE_TRY(CheckRole(callee.name, message.body, FunctionKind::kTemplate, parameters, TypeTable::Never()));
    }
    if (callee.kind != CalleeKind::kTool) JADE_TRY(CheckFormat(callee, parameters));
    auto with = [&](bool with_result) {
      std::vector<TypeId> all = parameters;
      if (with_result) all.push_back(result);
      all.push_back(TypeTable::Text());
      return all;
    };
    if (callee.check.valid()) {
      JADE_TRY(CheckRole(callee.name, callee.check, FunctionKind::kCheck, with(true), TypeTable::Bool()));
    }
    if (callee.malformed.valid()) {
      JADE_TRY(CheckRole(callee.name, callee.malformed, FunctionKind::kFallback, with(false), result));
    }
    if (callee.invalid.valid()) {
      JADE_TRY(CheckRole(callee.name, callee.invalid, FunctionKind::kFallback, with(true), result));
    }
    return {};
  }

  Status CheckFormat(const Callee& callee, const std::vector<TypeId>& parameters) {
    const types::TypeTable& types = module_.types();
    const OutputFormat& format = callee.format;
    TypeId result = callee.signature.result;
    bool fits = true;
    switch (format.kind) {
      case FormatKind::kText:
      case FormatKind::kTag:
        fits = SameRepresentation(types, format.type, result);
        break;
      case FormatKind::kNumbered:
        fits = types.IsList(result) && SameRepresentation(types, format.type, types.ElementOf(result));
        break;
      case FormatKind::kSubset:
        JADE_TRY(CheckRole(callee.name, format.subject, FunctionKind::kPure, parameters, result));
        fits = types.IsList(result);
        break;
      case FormatKind::kPlan:
        fits = types.IsPlan(result);
        break;
      case FormatKind::kAlternatives:
        fits = types.kind(result) == TypeKind::kEnum && !format.alternatives.empty();
        for (const Alternative& alternative : format.alternatives) {
          fits = fits && alternative.case_index < types[result].cases.size();
        }
        break;
    }
    if (!fits) return Problem(callee.name, "the output format does not fit the result");
    return {};
  }

  const Module& module_;
};

// Types are as deep as their text was, but nominal types may be defined through each other: the count bounds those.
bool SameShape(const TypeTable& types, TypeId from, TypeId to, int& steps) {
  if (from == to) return true;
  if (--steps < 0) return false;
  TypeKind from_kind = types.kind(from);
  TypeKind to_kind = types.kind(to);
  if (from_kind == TypeKind::kNever) return true;
  if (from_kind == TypeKind::kNominal) return SameShape(types, types[from].element, to, steps);
  if (to_kind == TypeKind::kNominal) return SameShape(types, from, types[to].element, steps);
  if (to_kind == TypeKind::kOptional && from_kind != TypeKind::kOptional) {
    return SameShape(types, from, types[to].element, steps);
  }
  if (from_kind != to_kind) return false;
  if (from_kind == TypeKind::kList || from_kind == TypeKind::kOptional) {
    return SameShape(types, types[from].element, types[to].element, steps);
  }
  if (from_kind == TypeKind::kPlan) {
    return SameShape(types, types[to].element, types[from].element, steps) &&
           SameShape(types, types[from].result, types[to].result, steps);
  }
  return false;
}

}  // namespace

bool SameRepresentation(const types::TypeTable& types, types::TypeId from, types::TypeId to) {
  int steps = 256;
  return SameShape(types, from, to, steps);
}

Status VerifyFunction(const Module& module, const Function& function) {
  return FunctionVerifier(module, function).Run();
}

Status Verify(const Module& module) {
  return ModuleVerifier(module).Run();
}

}  // namespace jade::ir
