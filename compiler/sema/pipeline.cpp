#include "compiler/sema/pipeline.h"

#include <algorithm>

namespace jade::sema {

bool IsKey(TypeId type, const TypeTable& types) {
  if (types.IsList(type)) type = types.ElementOf(type);
  TypeKind kind = types.kind(type);
  return kind == TypeKind::kNominal || kind == TypeKind::kRecord || kind == TypeKind::kEnum;
}

bool CheckStageFits(const Program& program, uint32_t id, uint32_t planner, bool with_sub_plan, source::Span span,
                    Checker& checker) {
  const TypeTable& types = *program.types;
  const Declaration& declaration = program.declarations[id];
  TypeId input = program.declarations[planner].role.plan_argument;
  bool stage = declaration.kind == ast::DeclKind::kExecutor || declaration.kind == ast::DeclKind::kTool ||
               declaration.kind == ast::DeclKind::kWorkflow;
  auto unfit = [&](const std::string& why) {
    checker.Report(diag::kUnfitStage, span, declaration.name, why);
    return false;
  };
  if (!stage) return unfit("it is a " + std::string(ast::DeclKindName(declaration.kind)));
  if (types.ContainsError(declaration.signature.result)) return true;
  if (!IsKey(declaration.signature.result, types)) {
    return unfit("it gives " + checker.Shown(declaration.signature.result) +
                 ", and a pipeline hands on nominal types, records, enums and lists of those");
  }
  bool takes_plan = false;
  std::vector<TypeId> seen;
  for (const types::Parameter& parameter : declaration.signature.parameters) {
    TypeId type = types.WithoutOptional(parameter.type);
    bool optional = parameter.has_default || types.IsOptional(parameter.type);
    if (types.ContainsError(type)) continue;
    if (types.IsPlan(type)) {
      takes_plan = true;
      if (!optional && !with_sub_plan) return unfit("its plan `" + parameter.name + "` has no default");
      continue;
    }
    if (parameter.from_input) {
      if (type == input) continue;
      checker.Report(diag::kFromInputType, span, declaration.name, checker.Shown(type), checker.Shown(input));
      return false;
    }
    if (!IsKey(type, types)) {
      if (optional) continue;
      return unfit("nothing in a pipeline gives its `" + parameter.name + "` of type " + checker.Shown(type));
    }
    if (std::find(seen.begin(), seen.end(), type) != seen.end()) {
      checker.Report(diag::kAmbiguousStage, span, declaration.name, checker.Shown(type));
      return false;
    }
    seen.push_back(type);
  }
  if (with_sub_plan && !takes_plan) {
    checker.Report(diag::kNoSubPlan, span, declaration.name);
    return false;
  }
  return true;
}

namespace {

std::string StageText(const ast::PlanStage& stage) {
  std::string text = stage.name->name.text;
  if (stage.call == nullptr) return text;
  text += "(";
  for (size_t i = 0; i < stage.sub_plan.size(); ++i) text += (i > 0 ? "," : "") + StageText(stage.sub_plan[i]);
  return text + ")";
}

struct PipelineChecker {
  const Program& program;
  const PipelineRequest& request;
  Checker& checker;
  TypedPipeline& pipeline;
  const TypeTable& types = *program.types;

  struct Newest {
    TypeId type;
    StageInput from;
  };
  std::vector<Newest> context = {};

  const Newest* Find(TypeId type) const {
    for (const Newest& newest : context) {
      if (newest.type == type) return &newest;
    }
    return nullptr;
  }
  void Put(TypeId type, StageInput from) {
    for (Newest& newest : context) {
      if (newest.type != type) continue;
      newest.from = from;
      return;
    }
    context.push_back({type, from});
  }

  void Allowed(std::vector<uint32_t>& out, const StageGrammar& grammar) const {
    for (const auto& state : grammar.states) {
      for (const StageGrammar::Edge& edge : state) {
        if (edge.declaration != UINT32_MAX) out.push_back(edge.declaration);
      }
    }
  }

  // What a stage's name means to this planner.
  uint32_t Resolve(const ast::Name& name) const {
    std::vector<uint32_t> allowed = program.declarations[request.planner].role.uses;
    if (request.grammar != nullptr) Allowed(allowed, *request.grammar);
    std::vector<std::string_view> names;
    for (uint32_t id : allowed) {
      if (program.declarations[id].name == name.text) return id;
      names.push_back(program.declarations[id].name);
    }
    checker.Suggest(
        checker.Report(diag::kUnknownStage, name.span, name.text, program.declarations[request.planner].name), name,
        names);
    return kNone;
  }

  bool BindInputs(const ast::PlanStage& stage, TypedStage& typed) {
    const Declaration& declaration = program.declarations[typed.declaration];
    for (const types::Parameter& parameter : declaration.signature.parameters) {
      TypeId type = types.WithoutOptional(parameter.type);
      bool optional = parameter.has_default || types.IsOptional(parameter.type);
      StageInput input;
      if (types.IsPlan(type)) {
        if (stage.call != nullptr) input.kind = StageInputKind::kSubPlan;
      } else if (parameter.from_input && type == request.argument) {
        input.kind = StageInputKind::kInput;
      } else if (const Newest* newest = IsKey(type, types) ? Find(type) : nullptr) {
        input = newest->from;
      } else if (!optional) {
        checker.Report(diag::kStageNeeds, stage.span, declaration.name, checker.Shown(type));
        return false;
      }
      typed.inputs.push_back(input);
    }
    return true;
  }

  // The plan parameter's type, or kNoType.
  TypeId PlanParameter(uint32_t id) const {
    for (const types::Parameter& parameter : program.declarations[id].signature.parameters) {
      TypeId type = types.WithoutOptional(parameter.type);
      if (types.IsPlan(type)) return type;
    }
    return kNoType;
  }

  bool Stage(const ast::PlanStage& stage, uint32_t index) {
    TypedStage typed{.span = stage.span};
    typed.declaration = Resolve(stage.name->name);
    if (typed.declaration == kNone) return false;
    if (stage.call != nullptr && PlanParameter(typed.declaration) == kNoType) {
      checker.Report(diag::kNoSubPlan, stage.span, stage.name->name.text);
      return false;
    }
    if (request.grammar == nullptr &&
        !CheckStageFits(program, typed.declaration, request.planner, stage.call != nullptr, stage.span, checker)) {
      return false;
    }
    if (!BindInputs(stage, typed)) return false;
    pipeline.result = program.declarations[typed.declaration].signature.result;
    Put(pipeline.result, {StageInputKind::kStage, index});
    pipeline.stages.push_back(std::move(typed));
    return true;
  }

  bool Types() {
    Put(request.argument, {StageInputKind::kInput, 0});
    for (size_t i = 0; i < request.stages->size(); ++i) {
      if (!Stage((*request.stages)[i], static_cast<uint32_t>(i))) return false;
    }
    if (pipeline.result == request.result) return true;
    checker.Report(diag::kPlanResult, request.span, checker.Shown(pipeline.result), checker.Shown(request.result));
    return false;
  }

  bool NotAdmitted(source::Span span, const std::vector<uint32_t>& states, bool ended) {
    std::string next;
    for (uint32_t state : states) {
      for (const StageGrammar::Edge& edge : request.grammar->states[state]) {
        if (edge.declaration == UINT32_MAX) continue;
        next += (next.empty() ? "`" : ", `") + program.declarations[edge.declaration].name + "`";
      }
    }
    std::string text;
    for (const ast::PlanStage& stage : *request.stages) text += (text.empty() ? "" : ",") + StageText(stage);
    diag::Builder builder =
        checker.Report(diag::kPlanNotAdmitted, span, text, program.declarations[request.planner].name);
    builder.Note("it may write: " + request.grammar->text);
    if (!next.empty()) builder.Help((ended ? "go on with " : "here may stand ") + next);
    if (next.empty()) builder.Help("end the plan before this");
    return false;
  }

  bool Pattern() {
    const StageGrammar& grammar = *request.grammar;
    std::vector<uint32_t> states = grammar.Closure({grammar.start});
    for (size_t i = 0; i < request.stages->size(); ++i) {
      const ast::PlanStage& stage = (*request.stages)[i];
      std::vector<uint32_t> next;
      const StageGrammar* sub = nullptr;
      for (uint32_t state : states) {
        for (const StageGrammar::Edge& edge : grammar.states[state]) {
          if (edge.declaration != pipeline.stages[i].declaration) continue;
          if (stage.call != nullptr && edge.sub_plan == nullptr) continue;
          if (stage.call != nullptr && sub == nullptr) sub = edge.sub_plan.get();
          next.push_back(edge.to);
        }
      }
      if (next.empty()) {
        bool known = stage.call != nullptr;
        if (!known) return NotAdmitted(stage.span, states, false);
        checker.Report(diag::kNoSubPlan, stage.span, stage.name->name.text);
        return false;
      }
      if (stage.call != nullptr && !SubPlan(stage, sub, pipeline.stages[i])) return false;
      states = grammar.Closure(std::move(next));
    }
    if (std::find(states.begin(), states.end(), grammar.accept) != states.end()) return true;
    return NotAdmitted(request.span, states, true);
  }

  bool SubPlan(const ast::PlanStage& stage, const StageGrammar* grammar, TypedStage& typed) {
    TypeId type = PlanParameter(typed.declaration);
    PipelineRequest inner = request;
    inner.stages = &stage.sub_plan;
    inner.grammar = grammar;
    inner.argument = types[type].element;
    inner.result = types[type].result;
    inner.span = stage.span;
    std::string ignored;
    return CheckPipeline(program, inner, checker, typed.sub_plan, ignored);
  }

  bool SubPlansWithoutPattern() {
    for (size_t i = 0; i < request.stages->size(); ++i) {
      const ast::PlanStage& stage = (*request.stages)[i];
      if (stage.call != nullptr && !SubPlan(stage, nullptr, pipeline.stages[i])) return false;
    }
    return true;
  }
};

}  // namespace

bool CheckPipeline(const Program& program, const PipelineRequest& request, Checker& checker, TypedPipeline& pipeline,
                   std::string& canonical) {
  pipeline.argument = request.argument;
  PipelineChecker check{program, request, checker, pipeline};
  if (!check.Types()) return false;
  if (request.grammar != nullptr ? !check.Pattern() : !check.SubPlansWithoutPattern()) return false;
  for (const ast::PlanStage& stage : *request.stages) canonical += (canonical.empty() ? "" : ",") + StageText(stage);
  return true;
}

}  // namespace jade::sema
