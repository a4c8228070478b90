#include "compiler/passes/explain.h"

#include <fmt/format.h>

#include "compiler/ir/survey.h"
#include "compiler/passes/region_graph.h"

namespace jade::passes {
namespace {

using ir::Op;
using ir::Opcode;
using ir::Region;

// "A", "A and B", "A, B and C".
std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

class Explainer {
 public:
  Explainer(const ir::Module& module, const ir::Function& function)
      : module_(module),
        function_(function),
        entered_(ir::FindEntered(function)),
        suspends_(ir::FindCalls(function)),
        scratch_(function.values.size(), RegionGraph::kNone) {}

  std::string Run() {
    Body(function_.body(), 1);
    if (text_.empty()) return text_;
    return fmt::format("{} {}\n", FunctionKindName(function_.kind), function_.name) + text_;
  }

 private:
  // "QR", "QR#1", "QR@first"; "each" for a loop.
  std::string NameOf(const Op& op) const {
    switch (op.code) {
      case Opcode::kIssue:
      case Opcode::kCall:
      case Opcode::kEnter:
      case Opcode::kRun: {
        const ir::Site& site = function_.sites[op.site.index];
        std::string name = module_.text(site.callee);
        if (site.label.valid()) return name + "@" + module_.text(site.label);
        return site.ordinal > 0 ? fmt::format("{}#{}", name, site.ordinal) : name;
      }
      case Opcode::kSwitch:
        return "match";
      default:
        return std::string(ir::OpcodeName(op.code));
    }
  }

  std::string Place(const Op& op) const {
    const ir::FunctionId inlined = entered_[static_cast<size_t>(&op - function_.ops.data())];
    const uint32_t home = inlined.valid() ? module_.function(inlined).file : function_.file;
    if (home == ir::kInvalidIndex) return "";
    const source::SourceFile& file = *module_.file(home);
    const uint32_t line = file.At(op.span.begin).line;
    return home == function_.file ? fmt::format("line {}: ", line) : fmt::format("{}:{}: ", file.name(), line);
  }

  static std::string_view AboutRegions(Opcode code) {
    switch (code) {
      case Opcode::kEach:
        return "; its items run side by side";
      case Opcode::kFold:
        return "; its rounds follow each other, calls that do not need the accumulator start for all of them at once";
      case Opcode::kRepeat:
        return "; its rounds follow each other";
      case Opcode::kEnter:
        return "; inlined";
      case Opcode::kIf:
      case Opcode::kSwitch:
        return "; no call leaves its arm";
      default:
        return "";
    }
  }

  void Body(const Region& region, size_t depth) {
    const RegionGraph graph(function_, region, suspends_, scratch_);
    for (uint32_t unit = 0; unit < graph.unit_count(); ++unit) {
      const Op& op = graph.op(graph.op_of_unit(unit));
      std::vector<std::string> needs;
      for (uint32_t need : graph.NeedsOf(graph.op_of_unit(unit))) {
        needs.push_back(NameOf(graph.op(graph.op_of_unit(need))));
      }
      text_ += fmt::format("{:{}}{}{} {}{}\n", "", 2 * depth, Place(op), NameOf(op),
                           needs.empty() ? "starts at once" : "waits for " + Listed(needs), AboutRegions(op.code));
      for (uint32_t r = 0; r < op.region_count; ++r) Body(function_.RegionOf(op, r), depth + 1);
    }
  }

  const ir::Module& module_;
  const ir::Function& function_;
  std::vector<ir::FunctionId> entered_;  // by operation
  std::vector<bool> suspends_;
  std::vector<uint32_t> scratch_;
  std::string text_;
};

}  // namespace

std::string Explain(const ir::Module& module, const ir::Function& function) {
  return Explainer(module, function).Run();
}

}  // namespace jade::passes
