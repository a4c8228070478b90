#include "compiler/passes/overlap.h"

#include <algorithm>

#include "compiler/ir/survey.h"
#include "compiler/passes/region_graph.h"
#include "compiler/passes/rewriter.h"

namespace jade::passes {
namespace {

using ir::FunctionBuilder;
using ir::Op;
using ir::Opcode;
using ir::OpFields;
using ir::Region;
using ir::ValueId;

class Scheduler final : public Rewriter {
 public:
  explicit Scheduler(const ir::Function& function)
      : Rewriter(function), suspends_(ir::FindCalls(function)), scratch_(function.values.size(), RegionGraph::kNone) {}

 private:
  void Emit(const Op& op) override {
    if (op.code == Opcode::kFold && op.region_count == 1 && CopyFoldWithAhead(op)) return;
    Copy(op);
  }

  // A trap of memory is not worth a task.
  static bool MayTrap(const Op& op) {
    if (op.code == Opcode::kTextConcat || op.code == Opcode::kList || op.code == Opcode::kListConcat) return false;
    return op.region_count > 0 || ir::TraitOf(op.code) == ir::OpTrait::kTraps;
  }

  // ---- one region

  void EmitBody(const Region& region) override {
    size_t units = RegionGraph::CountUnits(in_, region, suspends_);
    if (units < 2 || units * region.op_count > kMaxWork) return Rewriter::EmitBody(region);
    RegionGraph graph(in_, region, suspends_, scratch_);
    Progress progress(graph);
    Schedule(graph, progress);
  }

  // What has become of the operations of the region being scheduled.
  struct Progress {
    explicit Progress(const RegionGraph& graph)
        : op_done(graph.op_count(), false),
          started(graph.NoUnits()),
          available(graph.NoUnits()),
          joined(graph.unit_count(), false),
          futures(graph.unit_count()) {}
    std::vector<bool> op_done;     // copied, or of no use any more
    RegionGraph::Bits started;     // units that have a future, or have run
    RegionGraph::Bits available;   // units whose value is there in this region
    std::vector<bool> joined;      // by unit: something awaits it
    std::vector<ValueId> futures;  // by unit, while not available
  };

  void Schedule(const RegionGraph& graph, Progress& progress) {
    while (true) {
      EmitReady(graph, progress);
      uint32_t waiting = ChooseWaiting(graph, progress);
      if (waiting == RegionGraph::kNone) break;
      AwaitNeeds(graph, waiting, progress);
    }
    Finish(graph, progress);
  }

  // Copies, in program order, whatever needs no value that is still awaited, but for what may trap behind something
  // that may trap and does wait.
  void EmitReady(const RegionGraph& graph, Progress& progress) {
    for (uint32_t i = 0; i + 1 < graph.op_count(); ++i) {
      if (progress.op_done[i] || graph.is_await(i)) continue;
      uint32_t unit = graph.unit_of(i);
      if (!graph.NeedsWithin(i, progress.available)) continue;
      if (unit == RegionGraph::kNone) {
        const bool early = MayTrap(graph.op(i)) && TrapsBefore(graph, i, progress.available, progress);
        if (early || !graph.PureOpsFor(i, progress.op_done).empty()) continue;
        Emit(graph.op(i));
        progress.op_done[i] = true;
      } else {
        StartUnit(graph, unit, progress);
      }
    }
  }

  // The values of the unit are there: an issue is issued; anything else runs here when only its dependants are left and
  // no trap can come before its own, and is spawned otherwise. What it needs may be kept back, and is then made in the
  // spawn.
  void StartUnit(const RegionGraph& graph, uint32_t unit, Progress& progress) {
    uint32_t i = graph.op_of_unit(unit);
    const Op& op = graph.op(i);
    const bool complete = graph.PureOpsFor(i, progress.op_done).empty();
    if (complete && op.code == Opcode::kIssue) {
      Emit(op);
      progress.futures[unit] = values_[op.result.index];
    } else if (complete && OthersFollow(graph, unit, progress) &&
               !TrapsBefore(graph, i, progress.available, progress)) {
      Emit(op);
      RegionGraph::Set(progress.available, unit);
      progress.joined[unit] = true;
    } else {
      progress.futures[unit] = Spawn(graph, unit, {}, progress);
    }
    RegionGraph::Set(progress.started, unit);
    progress.op_done[i] = true;
  }

  // True when every unit not started yet depends on this one.
  static bool OthersFollow(const RegionGraph& graph, uint32_t unit, const Progress& progress) {
    for (uint32_t other = 0; other < graph.unit_count(); ++other) {
      if (other != unit && !RegionGraph::Test(progress.started, other) && !graph.DependsOn(other, unit)) return false;
    }
    return true;
  }

  // True when something before operation `i` that may trap waits for other values than `there`: were the region itself
  // to wait for a later trap, that one would be forgotten, though it is the first in program order. (A trap of memory
  // is not worth a task.)
  static bool TrapsBefore(const RegionGraph& graph, uint32_t i, const RegionGraph::Bits& there,
                          const Progress& progress) {
    for (uint32_t before = 0; before < i; ++before) {
      const Op& op = graph.op(before);
      if (progress.op_done[before] || graph.is_await(before) || graph.unit_of(before) != RegionGraph::kNone) continue;
      if (graph.NeedsWithin(before, there)) continue;
      if (MayTrap(op)) return true;
    }
    return false;
  }

  // Units whose needs have futures wait in a spawn of their own, but for the last one that nothing else could overtake,
  // nor a trap come before: that one is returned, for the region itself to wait.
  uint32_t ChooseWaiting(const RegionGraph& graph, Progress& progress) {
    while (true) {
      uint32_t first = RegionGraph::kNone;
      for (uint32_t unit = 0; unit < graph.unit_count() && first == RegionGraph::kNone; ++unit) {
        if (!RegionGraph::Test(progress.started, unit) && graph.NeedsWithin(graph.op_of_unit(unit), progress.started))
          first = unit;
      }
      if (first == RegionGraph::kNone) return first;
      const uint32_t i = graph.op_of_unit(first);
      RegionGraph::Bits there = progress.available;
      for (const uint32_t need : graph.NeedsOf(i)) RegionGraph::Set(there, need);
      if (OthersFollow(graph, first, progress) && !TrapsBefore(graph, i, there, progress)) return first;
      progress.futures[first] = Spawn(graph, first, graph.NeedsOf(graph.op_of_unit(first)), progress);
      RegionGraph::Set(progress.started, first);
      progress.op_done[graph.op_of_unit(first)] = true;
    }
  }

  void AwaitNeeds(const RegionGraph& graph, uint32_t unit, Progress& progress) {
    for (uint32_t need : graph.NeedsOf(graph.op_of_unit(unit))) {
      Await(graph, need, progress);
      EmitReady(graph, progress);  // what traps before the next one does
    }
  }

  void Await(const RegionGraph& graph, uint32_t unit, Progress& progress) {
    if (RegionGraph::Test(progress.available, unit)) return;
    values_[graph.value_of_unit(unit).index] = EmitAwait(graph, unit, progress);
    RegionGraph::Set(progress.available, unit);
    progress.joined[unit] = true;
  }

  ValueId EmitAwait(const RegionGraph& graph, uint32_t unit, const Progress& progress) {
    OpFields fields;
    fields.order = graph.AwaitOrder(unit);
    fields.span = graph.op(graph.op_of_unit(unit)).span;
    return out_.Op(Opcode::kAwait, {progress.futures[unit]}, in_.values[graph.value_of_unit(unit).index].type, fields);
  }

  // spawn { awaits of `needs`; the pure operations that need them; the unit; yield its value }
  ValueId Spawn(const RegionGraph& graph, uint32_t unit, const std::vector<uint32_t>& needs, Progress& progress) {
    uint32_t i = graph.op_of_unit(unit);
    const Op& op = graph.op(i);
    types::TypeId type = in_.values[graph.value_of_unit(unit).index].type;
    OpFields fields;
    fields.order = op.order;
    fields.span = op.span;
    fields.future = true;
    FunctionBuilder::Pending pending = out_.Begin(Opcode::kSpawn, std::span<const ValueId>(), 1, type, fields);
    out_.OpenRegion(pending, 0);
    std::vector<std::pair<uint32_t, ValueId>> saved;
    auto shadow = [&](ValueId value) { saved.emplace_back(value.index, values_[value.index]); };
    for (uint32_t need : needs) {
      if (RegionGraph::Test(progress.available, need)) continue;
      shadow(graph.value_of_unit(need));
      values_[graph.value_of_unit(need).index] = EmitAwait(graph, need, progress);
      progress.joined[need] = true;
    }
    std::vector<uint32_t> pure = graph.PureOpsFor(i, progress.op_done);
    for (uint32_t p : pure) {
      if (graph.op(p).result.valid()) shadow(graph.op(p).result);
      Emit(graph.op(p));
    }
    ValueId result = CopyUnitInside(graph, unit);
    out_.Yield({result}, op.span);
    out_.CloseRegion();
    for (auto it = saved.rbegin(); it != saved.rend(); ++it) values_[it->first] = it->second;
    progress.op_done[i] = true;
    // What may trap does so in the region, too, in its own place.
    std::erase_if(pure, [&](uint32_t p) { return MayTrap(graph.op(p)); });
    graph.DropUnused(pure, progress.op_done);
    return pending.result;
  }

  // Copies the unit's operation; its value, awaited when it is an issue.
  ValueId CopyUnitInside(const RegionGraph& graph, uint32_t unit) {
    const Op& op = graph.op(graph.op_of_unit(unit));
    Emit(op);
    ValueId result = values_[op.result.index];
    if (op.code != Opcode::kIssue) return result;
    OpFields fields;
    fields.order = graph.AwaitOrder(unit);
    fields.span = op.span;
    return out_.Op(Opcode::kAwait, {result}, in_.values[op.result.index].type, fields);
  }

  // Every unit has started: awaits what the end needs and what nothing has awaited, copies the rest.
  void Finish(const RegionGraph& graph, Progress& progress) {
    std::vector<bool> needed(graph.unit_count(), false);
    for (uint32_t i = 0; i < graph.op_count(); ++i) {
      if (progress.op_done[i] || graph.is_await(i)) continue;
      for (uint32_t need : graph.NeedsOf(i)) needed[need] = true;
    }
    for (uint32_t unit = 0; unit < graph.unit_count(); ++unit) {
      if (!needed[unit] && progress.joined[unit]) continue;
      Await(graph, unit, progress);
      EmitReady(graph, progress);  // what traps before the next one does
    }
    EmitReady(graph, progress);
    Emit(graph.op(graph.op_count() - 1));
  }

  // ---- folds

  // The units of the body that need neither the accumulator nor another unit become `ahead` regions.
  bool CopyFoldWithAhead(const Op& op) {
    const Region& body = in_.RegionOf(op, 0);
    size_t units = RegionGraph::CountUnits(in_, body, suspends_);
    if (units == 0 || units * body.op_count > kMaxWork) return false;
    RegionGraph graph(in_, body, suspends_, scratch_);
    std::vector<uint32_t> ahead = graph.UnitsWithout(body.first_param);
    if (ahead.empty()) return false;
    constexpr size_t kMaxAhead = 16;
    if (ahead.size() > kMaxAhead) ahead.resize(kMaxAhead);

    uint32_t regions = 1 + static_cast<uint32_t>(ahead.size());
    const ir::ValueInfo& result = in_.values[op.result.index];
    FunctionBuilder::Pending pending =
        out_.Begin(op.code, Mapped(in_.OperandsOf(op)), regions, result.type, FieldsOf(op));
    std::vector<bool> none_done(graph.op_count(), false);
    for (uint32_t a = 0; a < ahead.size(); ++a) {
      out_.OpenRegion(pending, 1 + a);
      for (uint32_t p = 1; p < 3; ++p) {
        values_[body.first_param + p] = out_.RegionParameter(in_.values[body.first_param + p].type);
      }
      for (uint32_t p : graph.PureOpsFor(graph.op_of_unit(ahead[a]), none_done)) Emit(graph.op(p));
      ValueId value = CopyUnitInside(graph, ahead[a]);
      out_.Yield({value});
      out_.CloseRegion();
    }
    out_.OpenRegion(pending, 0);
    CopyParams(body);
    Progress progress(graph);
    std::vector<uint32_t> pure;
    for (uint32_t unit : ahead) {
      progress.futures[unit] = out_.RegionParameter(in_.values[graph.value_of_unit(unit).index].type, true);
      RegionGraph::Set(progress.started, unit);
      progress.op_done[graph.op_of_unit(unit)] = true;
      for (uint32_t p : graph.PureOpsFor(graph.op_of_unit(unit), none_done)) pure.push_back(p);
    }
    std::sort(pure.begin(), pure.end());
    // What may trap does so in the region, too, in its own place.
    std::erase_if(pure, [&](uint32_t p) { return MayTrap(graph.op(p)); });
    graph.DropUnused(pure, progress.op_done);
    Schedule(graph, progress);
    out_.CloseRegion();
    values_[op.result.index] = pending.result;
    return true;
  }

  std::vector<bool> suspends_;
  std::vector<uint32_t> scratch_;  // for RegionGraph
};

}  // namespace

ir::Function Overlap(const ir::Function& function) {
  if (function.kind == ir::FunctionKind::kTest) return function;  // its steps happen in order
  for (size_t i = 0; i < function.ops.size(); ++i) {
    const Op& op = function.ops[i];
    bool beside = op.code != Opcode::kIssue || (function.ops[i + 1].code == Opcode::kAwait &&
                                                function.OperandsOf(function.ops[i + 1])[0] == op.result);
    if (op.code == Opcode::kSpawn || !beside) return function;  // scheduled already
  }
  return Scheduler(function).Run();
}

}  // namespace jade::passes
