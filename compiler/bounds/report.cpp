#include "compiler/bounds/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace jade::bounds {
namespace {

struct Row {
  std::string_view kind;  // "workflow", "planner"
  std::string name;
  const Spend* spend = nullptr;
  bool returns = true;
};

struct Column {
  const char* name;
  Cost Spend::*cost;
  const char* budget;
};
constexpr std::array<Column, 4> kColumns = {{{"calls", &Spend::calls, "budget.calls"},
                                             {"retrievals", &Spend::retrievals, "budget.calls"},
                                             {"tokens", &Spend::tokens, "budget.tokens"},
                                             {"depth", &Spend::depth, "budget.depth"}}};

std::vector<Row> RowsOf(const ir::Module& module, const Bounds& bounds, const std::string& file) {
  std::vector<Row> rows;
  for (uint32_t i = 0; i < module.function_count(); ++i) {
    const ir::Function& function = module.function(ir::FunctionId{i});
    if (function.kind != ir::FunctionKind::kWorkflow || function.file == ir::kInvalidIndex) continue;
    if (module.file(function.file)->name() != file) continue;
    const FunctionBounds& own = bounds.Of(ir::FunctionId{i});
    rows.push_back({"workflow", function.name, &own.spend, own.returns});
  }
  for (uint32_t i = 0; i < module.callee_count(); ++i) {
    const ir::Callee& callee = module.callee(ir::CalleeId{i});
    if (callee.kind != ir::CalleeKind::kPlanner) continue;
    rows.push_back({"planner", callee.name, &bounds.OfPlansBy(ir::CalleeId{i})});
  }
  return rows;
}

std::set<uint32_t> UnknownsOf(const Spend& spend) {
  std::set<uint32_t> unknowns;
  for (const Column& column : kColumns) {
    for (uint32_t symbol : (spend.*column.cost).symbols()) unknowns.insert(symbol);
  }
  return unknowns;
}

}  // namespace

void ReportEndless(const ir::Module& module, const Bounds& bounds, diag::Diagnostics& sink) {
  for (uint32_t i = 0; i < module.function_count(); ++i) {
    const ir::Function& function = module.function(ir::FunctionId{i});
    if (function.kind != ir::FunctionKind::kWorkflow || bounds.Of(ir::FunctionId{i}).returns) continue;
    const source::SourceFilePtr file = function.file == ir::kInvalidIndex ? nullptr : module.file(function.file);
    sink.Report(diag::kNeverReturns, file, function.span, function.name)
        .Label("every path through it enters itself again, or traps")
        .Help("give it a case that ends without entering itself");
  }
}

std::string ToText(const ir::Module& module, const Bounds& bounds, const std::string& file) {
  const std::vector<std::string> names = bounds.names();
  std::string text;
  std::set<uint32_t> unknowns;
  for (const Row& row : RowsOf(module, bounds, file)) {
    text += fmt::format("{} {}\n", row.kind == "planner" ? "plan by" : row.kind, row.name);
    if (!row.returns) {
      text += "  never returns\n";
      continue;
    }
    for (const Column& column : kColumns) {
      text += fmt::format("  {:<10} ≤ {}\n", column.name, (row.spend->*column.cost).ToString(names, column.budget));
    }
    unknowns.merge(UnknownsOf(*row.spend));
  }
  if (unknowns.empty()) return text;
  text += "where\n";
  for (uint32_t unknown : unknowns) {
    text += fmt::format("  {:<10}   {}\n", bounds.unknowns()[unknown].name, bounds.unknowns()[unknown].meaning);
  }
  return text;
}

std::vector<std::string> ToJson(const ir::Module& module, const Bounds& bounds, const std::string& file) {
  const std::vector<std::string> names = bounds.names();
  std::vector<std::string> list;
  for (const Row& row : RowsOf(module, bounds, file)) {
    nlohmann::ordered_json one = {{"file", file}, {"name", row.name}, {"kind", row.kind}};
    for (const Column& column : kColumns) {
      const Cost& cost = row.spend->*column.cost;
      if (const std::optional<int64_t> number = cost.number()) {
        one[column.name] = *number;
      } else {
        one[column.name] = cost.ToString(names, column.budget);
      }
    }
    if (row.kind == "workflow") one["returns"] = row.returns;
    one["unknowns"] = nlohmann::ordered_json::object();
    for (uint32_t unknown : UnknownsOf(*row.spend)) {
      one["unknowns"][bounds.unknowns()[unknown].name] = bounds.unknowns()[unknown].meaning;
    }
    list.push_back(one.dump());
  }
  return list;
}

}  // namespace jade::bounds
