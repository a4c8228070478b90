#pragma once
// Plan text: `let* expr (',' expr)*`, one rule for a pipeline, a pipeline with sub-plans and a block. Which of them a
// plan is depends on what its names mean, so it is classified after parsing.

#include <functional>

#include "compiler/ast/expr.h"

namespace jade::ast {

struct Plan {
  source::SourceFilePtr file;
  std::vector<LetStmt> lets;
  std::vector<ExprPtr> items;  // at least one; an ErrorExpr when the plan is empty
  Span span;
  uint32_t node_count = 0;
};

// One stage of a pipeline. `QDS(R, DS, AG)` binds the pipeline R, DS, AG to the plan parameter of QDS.
struct PlanStage {
  const NameExpr* name = nullptr;
  const CallExpr* call = nullptr;  // null without a sub-plan
  std::vector<PlanStage> sub_plan;
  Span span;
};

enum class PlanForm : uint8_t { kPipeline, kBlock, kInvalid };

struct PlanShape {
  PlanForm form = PlanForm::kInvalid;
  std::vector<PlanStage> stages;   // kPipeline
  const Expr* offender = nullptr;  // kInvalid: the item that fits neither form
};

// `is_stage` says whether a name can be a stage (an executor, tool, workflow …). Without `let` and made only of stage
// names and calls of them whose arguments are again such, a plan is a pipeline. With one item it is else a block. With
// several items of which one is no stage it is neither.
PlanShape Classify(const Plan& plan, const std::function<bool(std::string_view)>& is_stage);

}  // namespace jade::ast
