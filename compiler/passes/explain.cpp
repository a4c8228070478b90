#include "compiler/passes/explain.h"

#include <fmt/format.h>

#include "compiler/ir/survey.h"
#include "compiler/passes/region_graph.h"
#include "compiler/passes/value_numbers.h"

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
        numbers_(NumberValues(module, function)),
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

  // Of a tool: the call before it, on the way here, that asks the same; a run asks once.
  std::string Shared(const Op& op) {
    if (op.code != Opcode::kIssue) return "";
    if (module_.callee({static_cast<uint32_t>(op.imm)}).kind != ir::CalleeKind::kTool) return "";
    const uint32_t number = numbers_[op.result.index];
    for (const auto& [asked, name] : asked_) {
      if (asked == number) return "; asks what " + name + " asks, and shares its result";
    }
    const std::string place = Place(op);
    asked_.emplace_back(number, place.empty() ? NameOf(op) : NameOf(op) + " of " + place.substr(0, place.size() - 2));
    return "";
  }

  void Body(const Region& region, size_t depth) {
    const RegionGraph graph(function_, region, suspends_, scratch_);
    for (uint32_t unit = 0; unit < graph.unit_count(); ++unit) {
      const Op& op = graph.op(graph.op_of_unit(unit));
      std::vector<std::string> needs;
      for (uint32_t need : graph.NeedsOf(graph.op_of_unit(unit))) {
        needs.push_back(NameOf(graph.op(graph.op_of_unit(need))));
      }
      text_ += fmt::format("{:{}}{}{} {}{}{}\n", "", 2 * depth, Place(op), NameOf(op),
                           needs.empty() ? "starts at once" : "waits for " + Listed(needs), AboutRegions(op.code),
                           Shared(op));
      for (uint32_t r = 0; r < op.region_count; ++r) {
        const size_t asked = asked_.size();
        Body(function_.RegionOf(op, r), depth + 1);
        // What is asked in an arm or a loop may not have been asked.
        if (op.code != Opcode::kEnter) asked_.resize(asked);
      }
    }
  }

  const ir::Module& module_;
  const ir::Function& function_;
  std::vector<ir::FunctionId> entered_;  // by operation
  std::vector<bool> suspends_;
  std::vector<uint32_t> numbers_;                        // by value
  std::vector<std::pair<uint32_t, std::string>> asked_;  // of tools: number of the result, "R of line 4"
  std::vector<uint32_t> scratch_;
  std::string text_;
};

// "`{question}` (line 31)", "a loop (line 12)".
std::string ShownHole(const ir::Module& module, const ir::Function& body, const Op& op) {
  std::string what = op.code == Opcode::kEmit ? "a hole" : op.code == Opcode::kEmitFor ? "a loop" : "a branch";
  if (body.file == ir::kInvalidIndex) return what;
  const source::SourceFile& file = *module.file(body.file);
  const std::string_view text = file.Text(op.span);
  constexpr size_t kShort = 40;
  if (op.code == Opcode::kEmit && text.size() <= kShort) what = fmt::format("`{}`", text);
  return fmt::format("{} (line {})", what, file.At(op.span.begin).line);
}

}  // namespace

std::string ExplainPrompt(const ir::Module& module, const ir::Callee& callee) {
  if (callee.messages.empty()) return "";
  std::string text = fmt::format("{} {}", ir::CalleeKindName(callee.kind), callee.name);
  if (callee.file != ir::kInvalidIndex) text += fmt::format(", {}", module.file(callee.file)->name());
  text += "\n";
  for (const ir::MessageTemplate& message : callee.messages) {
    const ir::Function& body = module.function(message.body);
    const ir::StaticPrefix prefix = ir::FindStaticPrefix(module, body);
    const std::string end = prefix.end != nullptr ? ShownHole(module, body, *prefix.end) : "";
    text += fmt::format("  {}: ", types::MessageRoleName(message.role));
    if (prefix.end == nullptr) {
      text += fmt::format("static, {} bytes\n", prefix.bytes);
    } else if (prefix.bytes == 0) {
      text += fmt::format("begins with {}\n", end);
    } else {
      text += fmt::format("static for {} bytes, up to {}\n", prefix.bytes, end);
    }
  }
  return text;
}

std::string Explain(const ir::Module& module, const ir::Function& function) {
  return Explainer(module, function).Run();
}

}  // namespace jade::passes
