#pragma once
// Typing of pipelines: a context of the newest value of each type. Private to compiler/sema.

#include "compiler/sema/checker.h"
#include "compiler/sema/plan.h"

namespace jade::sema {

// Types a pipeline's context can hold: nominal types, records, and lists of those.
bool IsKey(TypeId type, const TypeTable& types);

// Whether a declaration can be a stage of the planner's pipelines; reports why not.
bool CheckStageFits(const Program& program, uint32_t declaration, uint32_t planner, bool with_sub_plan,
                    source::Span span, Checker& checker);

// Types the stages and checks them against the pattern; reports the first mistake and gives false.
struct PipelineRequest {
  const std::vector<ast::PlanStage>* stages = nullptr;
  const StageGrammar* grammar = nullptr;  // null: any row of the planner's `uses`
  uint32_t planner = kNone;
  TypeId argument = kNoType;
  TypeId result = kNoType;
  source::Span span;
};
bool CheckPipeline(const Program& program, const PipelineRequest& request, Checker& checker, TypedPipeline& pipeline,
                   std::string& canonical);

}  // namespace jade::sema
