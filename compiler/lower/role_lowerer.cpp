// Executors and planners: prompts, formats, and what is done with a bad output.

#include <fmt/format.h>

#include "compiler/lower/body_lowerer.h"

namespace jade::lower {
namespace {

using ir::FunctionKind;
using types::TypeId;
using types::TypeTable;

ir::OutputFormat FormatOf(const sema::OutputFormat& format) {
  ir::OutputFormat out;
  out.kind = static_cast<ir::FormatKind>(format.kind);
  out.tag = format.tag;
  if (format.type != sema::kNoType) out.type = format.type;
  out.max = format.max;
  for (const sema::FormatAlternative& alternative : format.alternatives) {
    TypeId type = alternative.type == sema::kNoType ? TypeTable::Never() : alternative.type;
    out.alternatives.push_back({alternative.tag, alternative.case_index, type});
  }
  return out;
}

static_assert(static_cast<int>(sema::FormatKind::kText) == static_cast<int>(ir::FormatKind::kText));
static_assert(static_cast<int>(sema::FormatKind::kTag) == static_cast<int>(ir::FormatKind::kTag));
static_assert(static_cast<int>(sema::FormatKind::kNumbered) == static_cast<int>(ir::FormatKind::kNumbered));
static_assert(static_cast<int>(sema::FormatKind::kSubset) == static_cast<int>(ir::FormatKind::kSubset));
static_assert(static_cast<int>(sema::FormatKind::kAlternatives) == static_cast<int>(ir::FormatKind::kAlternatives));
static_assert(static_cast<int>(sema::FormatKind::kPlan) == static_cast<int>(ir::FormatKind::kPlan));

ir::SamplingSpec SamplingOf(const sema::Sampling& sampling) {
  return {sampling.temperature, sampling.top_p, sampling.top_k, sampling.max_tokens, sampling.stop};
}

}  // namespace

void ModuleLowerer::LowerRole(uint32_t index) {
  const sema::Declaration& declaration = program_.declarations[index];
  const sema::CheckedModule& home = *program_.modules[declaration.module];
  const auto& role = *static_cast<const ast::Role*>(declaration.decl);
  ir::CalleeId id = ids_.callees[index];
  std::string name = module_->callee(id).name;
  TypeId result = declaration.signature.result;

  std::vector<ir::MessageTemplate> messages;
  for (const ast::Message& message : role.messages) {
    std::string body_name = fmt::format("{}.{}", name, types::MessageRoleName(message.role));
    BodyLowerer body(*this, home.tables, UniqueName(std::move(body_name)), FunctionKind::kTemplate, TypeTable::Never());
    body.SetFile(home.file, message.span);
    body.BindParameters(declaration);
    body.EmitParts(message.text->parts);
    body.builder().Yield({});
    messages.push_back({message.role, Add(body.Finish())});
  }

  auto clause = [&](const ast::ExprPtr& expr, const char* suffix, FunctionKind kind, TypeId type, bool has_result) {
    if (expr == nullptr) return ir::FunctionId{};
    BodyLowerer body(*this, home.tables, UniqueName(fmt::format("{}.{}", name, suffix)), kind, type);
    body.SetFile(home.file, expr->span);
    body.BindParameters(declaration);
    if (has_result) body.BindResult(body.builder().Parameter("result", result));
    body.BindRaw(body.builder().Parameter("raw", TypeTable::Text()));
    body.builder().Yield({body.LowerAs(*expr, type)});
    return Add(body.Finish());
  };
  ir::FunctionId check = clause(role.check, "check", FunctionKind::kCheck, TypeTable::Bool(), true);
  ir::FunctionId malformed = clause(role.malformed, "malformed", FunctionKind::kFallback, result, false);
  ir::FunctionId invalid = clause(role.invalid, "invalid", FunctionKind::kFallback, result, true);

  ir::OutputFormat format = FormatOf(declaration.role.format);
  if (format.kind == ir::FormatKind::kSubset) {
    BodyLowerer body(*this, home.tables, UniqueName(name + ".subject"), FunctionKind::kPure, result);
    body.SetFile(home.file, declaration.decl->span);
    body.BindParameters(declaration);
    ir::ValueId subject{declaration.role.format.parameter};  // parameters are the first values
    body.builder().Yield({body.Coerce(subject, result, declaration.decl->span)});
    format.subject = Add(body.Finish());
  }

  ir::Callee& callee = module_->MutableCallee(id);
  callee.messages = std::move(messages);
  callee.format = std::move(format);
  callee.check = check;
  callee.malformed = malformed;
  callee.invalid = invalid;
  callee.penalty = declaration.role.penalty;
  callee.overrun = declaration.role.overrun;
  callee.sampling = SamplingOf(declaration.role.sampling);
  if (declaration.role.stages != nullptr) callee.stages = declaration.role.stages->text;
  for (uint32_t used : declaration.role.uses) callee.uses.push_back(program_.declarations[used].name);
}

}  // namespace jade::lower
