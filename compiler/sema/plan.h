#pragma once
// Checks plan text against the planner that wrote it: types, and the pipelines its `stages` admit. Called while runs
// are under way, so it is quick: microseconds for a pipeline once parsed.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diag/diagnostic.h"
#include "compiler/sema/typed.h"

namespace jade::sema {

// Where a stage's parameter comes from.
enum class StageInputKind : uint8_t {
  kInput,    // the pipeline's own input
  kStage,    // the result of an earlier stage of the same pipeline: `stage`
  kDefault,  // the parameter's default, or none for an optional without one
  kSubPlan,  // TypedStage::sub_plan
};
struct StageInput {
  StageInputKind kind = StageInputKind::kDefault;
  uint32_t stage = 0;
};

struct TypedStage;
struct TypedPipeline {
  std::vector<TypedStage> stages;  // the last one's result is the pipeline's
  TypeId argument = kNoType;
  TypeId result = kNoType;
};
struct TypedStage {
  uint32_t declaration = kNone;
  std::vector<StageInput> inputs;  // one for each parameter
  TypedPipeline sub_plan;          // no stages without one
  source::Span span;
};

struct TypedPlan {
  source::SourceFilePtr file;
  std::unique_ptr<ast::Plan> tree;
  ast::PlanForm form = ast::PlanForm::kInvalid;
  TypedPipeline pipeline;  // kPipeline
  Tables tables;           // kBlock: of the tree; its value is tree->items[0], its input Symbol kInput
  uint32_t planner = kNone;
  TypeId argument = kNoType;
  TypeId result = kNoType;
  std::string canonical;  // "R,DS,AG", "QDS(R,AG)"; of a block its text with blanks squeezed: the key of plan caches
};

// Null when the plan is not one that `planner` (a declaration of the program) may write; `sink` then has the reasons.
std::unique_ptr<TypedPlan> CheckPlan(Program& program, uint32_t planner, std::string text, diag::Diagnostics& sink);
std::unique_ptr<TypedPlan> CheckPlan(Program& program, uint32_t planner, std::unique_ptr<ast::Plan> plan,
                                     diag::Diagnostics& sink);

}  // namespace jade::sema
