#include "compiler/passes/inline.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "compiler/ir/builder.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/survey.h"

namespace jade::passes {
namespace {

using ir::Function;
using ir::FunctionId;
using ir::FunctionKind;
using ir::Op;
using ir::Opcode;
using ir::Region;
using ir::ValueId;

constexpr size_t kMaxReached = 4096;  // operations looked at to see whether a function may enter itself

bool HasBodyOfCalls(const Function& function) {
  return function.kind == FunctionKind::kWorkflow || function.kind == FunctionKind::kPlan ||
         function.kind == FunctionKind::kThunk;
}

// Calls in flight would be out of the overlap pass's sight.
bool IsScheduled(const Function& function) {
  for (size_t i = 0; i < function.ops.size(); ++i) {
    const Op& op = function.ops[i];
    if (op.code == Opcode::kSpawn || (op.code == Opcode::kFold && op.region_count > 1)) return true;
    if (op.code != Opcode::kIssue) continue;
    if (function.ops[i + 1].code != Opcode::kAwait) return true;
    if (function.OperandsOf(function.ops[i + 1])[0] != op.result) return true;
  }
  return false;
}

bool HasConcurrentLoop(const Function& function) {
  const std::vector<bool> suspends = ir::FindCalls(function);
  for (size_t i = 0; i < function.ops.size(); ++i) {
    const Opcode code = function.ops[i].code;
    if (suspends[i] && (code == Opcode::kEach || code == Opcode::kFold)) return true;
  }
  return false;
}

class Inliner {
 public:
  Inliner(const ir::Module& module, const Function& function)
      : module_(module),
        in_(function),
        out_(function.name, function.kind, function.result),
        loops_(HasConcurrentLoop(function)) {}

  Function Run() {
    out_.SetPlace(in_.file, in_.span);
    Source source(in_);
    AddSites(source);
    for (uint32_t i = 0; i < in_.body().param_count; ++i) {
      source.values[in_.body().first_param + i] = out_.Parameter(in_.parameter_names[i], in_.ParameterType(i));
    }
    CopyBody(source, in_.body());
    return out_.Finish();
  }

 private:
  // A function being copied.
  struct Source {
    explicit Source(const Function& from) : function(from), values(from.values.size()) {}
    const Function& function;
    std::vector<ValueId> values;  // as they are called in the output
    uint32_t first_site = 0;      // of the output, where its sites are
  };

  // What a plan value of the output was made of.
  struct KnownPlan {
    FunctionId function;
    std::vector<ValueId> bound;
  };

  void AddSites(Source& source) {
    source.first_site = site_count_;
    for (const ir::Site& site : source.function.sites) out_.AddSite(site);
    site_count_ += static_cast<uint32_t>(source.function.sites.size());
  }

  static std::vector<ValueId> Mapped(const Source& source, std::span<const ValueId> operands) {
    std::vector<ValueId> mapped;
    mapped.reserve(operands.size());
    for (ValueId operand : operands) mapped.push_back(source.values[operand.index]);
    return mapped;
  }

  ir::OpFields FieldsOf(const Source& source, const Op& op) const {
    ir::OpFields fields;
    fields.imm = op.imm;
    if (op.site.valid()) fields.site = {source.first_site + op.site.index};
    fields.span = op.span;
    fields.aux = source.function.AuxOf(op);
    fields.order = op.order;
    if (op.result.valid()) fields.future = source.function.values[op.result.index].future;
    return fields;
  }

  void CopyBody(Source& source, const Region& region) {
    for (const Op& op : source.function.OpsOf(region)) Emit(source, op);
  }

  void Emit(Source& source, const Op& op) {
    const std::vector<ValueId> operands = Mapped(source, source.function.OperandsOf(op));
    if (op.code == Opcode::kCall) return EmitCall(source, op, {static_cast<uint32_t>(op.imm)}, operands);
    if (op.code == Opcode::kRun) {
      if (const auto plan = plans_.find(operands[0].index); plan != plans_.end()) {
        std::vector<ValueId> arguments = {operands[1]};
        arguments.insert(arguments.end(), plan->second.bound.begin(), plan->second.bound.end());
        if (Fits(plan->second.function, arguments, source.function.values[op.result.index].type)) {
          return EmitCall(source, op, plan->second.function, arguments);
        }
      }
    }
    Copy(source, op, operands);
    if (!op.result.valid()) return;
    const uint32_t made = source.values[op.result.index].index;
    if (op.code == Opcode::kMakePlan) plans_[made] = {{static_cast<uint32_t>(op.imm)}, operands};
    if (op.code != Opcode::kCast) return;
    if (const auto plan = plans_.find(operands[0].index); plan != plans_.end()) {
      const KnownPlan same = plan->second;
      plans_[made] = same;
    }
  }

  void Copy(Source& source, const Op& op, const std::vector<ValueId>& operands) {
    const ir::OpFields fields = FieldsOf(source, op);
    if (op.region_count == 0) {
      if (!op.result.valid()) return out_.Effect(op.code, operands, fields);
      source.values[op.result.index] = out_.Op(op.code, operands, source.function.values[op.result.index].type, fields);
      return;
    }
    const ir::FunctionBuilder::Pending pending =
        op.result.valid()
            ? out_.Begin(op.code, operands, op.region_count, source.function.values[op.result.index].type, fields)
            : out_.BeginEffect(op.code, operands, op.region_count, fields);
    ++depth_;
    for (uint32_t r = 0; r < op.region_count; ++r) {
      const Region& region = source.function.RegionOf(op, r);
      out_.OpenRegion(pending, r);
      for (uint32_t p = 0; p < region.param_count; ++p) {
        const ir::ValueInfo& info = source.function.values[region.first_param + p];
        source.values[region.first_param + p] = out_.RegionParameter(info.type, info.future);
      }
      CopyBody(source, region);
      out_.CloseRegion();
    }
    --depth_;
    if (op.result.valid()) source.values[op.result.index] = pending.result;
  }

  // ---- calls

  // A call, or a run that is one.
  void EmitCall(Source& source, const Op& op, FunctionId target, const std::vector<ValueId>& arguments) {
    ir::OpFields fields = FieldsOf(source, op);
    fields.imm = target.index;
    const types::TypeId type = source.function.values[op.result.index].type;
    const Function& callee = module_.function(target);
    if (!MayInline(target)) {
      source.values[op.result.index] = out_.Op(Opcode::kCall, arguments, type, fields);
      return;
    }
    grown_ += callee.ops.size();
    loops_ = loops_ || HasConcurrentLoop(callee);
    const ir::FunctionBuilder::Pending pending =
        out_.Begin(Opcode::kEnter, std::span<const ValueId>(), 1, type, fields);
    out_.OpenRegion(pending, 0);
    Source entered(callee);
    AddSites(entered);
    for (size_t i = 0; i < arguments.size(); ++i) entered.values[callee.body().first_param + i] = arguments[i];
    entering_.push_back(target);
    ++depth_;
    CopyBody(entered, callee.body());
    --depth_;
    entering_.pop_back();
    out_.CloseRegion();
    source.values[op.result.index] = pending.result;
  }

  bool MayInline(FunctionId target) {
    const Function& callee = module_.function(target);
    const size_t grown = grown_ + callee.ops.size();
    if (!HasBodyOfCalls(callee) || callee.ops.size() > kMaxInlined || grown > kMaxGrowth) return false;
    if (grown > kMaxGrowthOfLoops && (loops_ || HasConcurrentLoop(callee))) return false;
    // Regions nest no deeper than there are operations.
    if (depth_ + 1 + callee.ops.size() > ir::kMaxRegionDepth) return false;
    if (std::find(entering_.begin(), entering_.end(), target) != entering_.end()) return false;
    const auto [known, fresh] = may_inline_.emplace(target.index, false);
    if (fresh) known->second = !IsScheduled(callee) && !MayEnterItself(target);
    return known->second;
  }

  // Also true when there is too much to look at.
  bool MayEnterItself(FunctionId target) const {
    std::unordered_set<uint32_t> reached;
    std::vector<uint32_t> pending = {target.index};
    size_t seen = 0;
    while (!pending.empty()) {
      const Function& function = module_.function({pending.back()});
      pending.pop_back();
      seen += function.ops.size();
      if (seen > kMaxReached) return true;
      for (const Op& op : function.ops) {
        if (op.code != Opcode::kCall && op.code != Opcode::kEnter && op.code != Opcode::kMakePlan) continue;
        const uint32_t next = static_cast<uint32_t>(op.imm);
        if (next == target.index) return true;
        if (reached.insert(next).second) pending.push_back(next);
      }
    }
    return false;
  }

  // A plan may stand for one of another type by name.
  bool Fits(FunctionId target, const std::vector<ValueId>& arguments, types::TypeId result) const {
    const Function& callee = module_.function(target);
    if (callee.parameter_names.size() != arguments.size() || callee.result != result) return false;
    for (uint32_t i = 0; i < arguments.size(); ++i) {
      if (out_.info(arguments[i]).type != callee.ParameterType(i)) return false;
    }
    return true;
  }

  const ir::Module& module_;
  const Function& in_;
  ir::FunctionBuilder out_;
  uint32_t site_count_ = 0;
  size_t grown_ = 0;  // operations that were inlined
  bool loops_;        // some that make calls are in the output
  size_t depth_ = 0;  // of regions
  std::vector<FunctionId> entering_;
  std::unordered_map<uint32_t, bool> may_inline_;  // by function
  std::unordered_map<uint32_t, KnownPlan> plans_;  // by value of the output
};

}  // namespace

Function Inline(const ir::Module& module, const Function& function) {
  if (!HasBodyOfCalls(function)) return function;
  const bool calls = std::any_of(function.ops.begin(), function.ops.end(),
                                 [](const Op& op) { return op.code == Opcode::kCall || op.code == Opcode::kRun; });
  return calls ? Inliner(module, function).Run() : function;
}

}  // namespace jade::passes
