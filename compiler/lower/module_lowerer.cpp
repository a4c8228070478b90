#include "compiler/lower/module_lowerer.h"

#include <fmt/format.h>

#include "compiler/lower/body_lowerer.h"

namespace jade::lower {

using ir::FunctionKind;
using ir::ValueId;
using types::TypeId;
using types::TypeTable;

ir::FunctionId ModuleLowerer::Add(ir::Function function, ir::FunctionId slot) {
  if (!slot.valid()) return module_->AddFunction(std::move(function));
  module_->SetFunction(slot, std::move(function));
  return slot;
}

std::string ModuleLowerer::UniqueName(std::string name) const {
  if (!module_->FindFunction(name).valid() && !module_->FindCallee(name).valid()) return name;
  for (int i = 2;; ++i) {
    std::string candidate = fmt::format("{}/{}", name, i);
    if (!module_->FindFunction(candidate).valid() && !module_->FindCallee(candidate).valid()) return candidate;
  }
}

ir::FunctionId ModuleLowerer::Reserve(const sema::Declaration& declaration, FunctionKind kind) {
  ir::Function function;
  function.name = UniqueName(declaration.name);
  function.kind = kind;
  return module_->AddFunction(std::move(function));
}

ir::FunctionId ModuleLowerer::Thunk(uint32_t index) {
  ir::FunctionId& thunk = ids_.thunks[index];
  if (thunk.valid()) return thunk;
  const sema::Declaration& declaration = program_.declarations[index];
  const sema::CheckedModule& home = *program_.modules[declaration.module];
  const types::Parameter* required = declaration.signature.SoleRequired();
  BodyLowerer body(*this, home.tables, UniqueName(declaration.name + ".plan"), FunctionKind::kThunk,
                   declaration.signature.result);
  body.SetFile(home.file, declaration.decl->span);
  std::vector<ValueId> arguments(declaration.signature.parameters.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const types::Parameter& parameter = declaration.signature.parameters[i];
    bool taken = required != nullptr ? &parameter == required : i == 0;
    if (taken) arguments[i] = body.builder().Parameter(parameter.name, parameter.type);
  }
  body.builder().Yield({body.CallDeclaration(index, std::move(arguments), nullptr, declaration.decl->name.span)});
  // The body may have made other thunks: the reference above could be stale.
  ir::FunctionId id = Add(body.Finish());
  return ids_.thunks[index] = id;
}

void ModuleLowerer::LowerAll() {
  DeclareAll();
  for (uint32_t i = 0; i < program_.declarations.size(); ++i) {
    switch (program_.declarations[i].kind) {
      case ast::DeclKind::kParam:
        LowerParam(i);
        break;
      case ast::DeclKind::kExecutor:
      case ast::DeclKind::kPlanner:
        LowerRole(i);
        break;
      case ast::DeclKind::kWorkflow:
        LowerCallable(i);
        LowerDefaults(i);
        break;
      case ast::DeclKind::kReward:
        LowerCallable(i);
        break;
      default:
        break;
    }
  }
  LowerTests(program_.root());
  if (program_.main != sema::kNone) module_->SetMain(ids_.functions[program_.main]);
}

// Ids for everything that can be named, before any body.
void ModuleLowerer::DeclareAll() {
  size_t count = program_.declarations.size();
  ids_.callees.resize(count);
  ids_.functions.resize(count);
  ids_.thunks.resize(count);
  ids_.params.assign(count, -1);
  ids_.defaults.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    const sema::Declaration& declaration = program_.declarations[i];
    const sema::CheckedModule& home = *program_.modules[declaration.module];
    switch (declaration.kind) {
      case ast::DeclKind::kExecutor:
      case ast::DeclKind::kPlanner:
      case ast::DeclKind::kTool: {
        ir::Callee callee;
        callee.kind = declaration.kind == ast::DeclKind::kExecutor  ? ir::CalleeKind::kExecutor
                      : declaration.kind == ast::DeclKind::kPlanner ? ir::CalleeKind::kPlanner
                                                                    : ir::CalleeKind::kTool;
        callee.name = UniqueName(declaration.name);
        callee.signature = declaration.signature;
        callee.file = module_->AddFile(home.file);
        callee.span = declaration.decl->span;
        callee.retries = declaration.tool.retries;
        callee.timeout_us = declaration.tool.timeout_us;
        ids_.callees[i] = module_->AddCallee(std::move(callee));
        break;
      }
      case ast::DeclKind::kWorkflow:
        ids_.functions[i] = Reserve(declaration, FunctionKind::kWorkflow);
        break;
      case ast::DeclKind::kReward:
        ids_.functions[i] = Reserve(declaration, FunctionKind::kReward);
        break;
      case ast::DeclKind::kParam: {
        ids_.params[i] = static_cast<int32_t>(module_->params().size());
        ir::ParamDecl param;
        param.name = declaration.name;
        param.type = declaration.signature.result;
        module_->AddParam(std::move(param));
        break;
      }
      default:
        break;
    }
  }
}

void ModuleLowerer::LowerCallable(uint32_t index) {
  const sema::Declaration& declaration = program_.declarations[index];
  const sema::CheckedModule& home = *program_.modules[declaration.module];
  const auto* workflow = ast::As<ast::WorkflowDecl>(declaration.decl);
  const ast::Block& block = workflow != nullptr ? *workflow->body : *ast::As<ast::RewardDecl>(declaration.decl)->body;
  ir::FunctionId slot = ids_.functions[index];
  BodyLowerer body(*this, home.tables, module_->function(slot).name, module_->function(slot).kind,
                   declaration.signature.result);
  body.SetFile(home.file, declaration.decl->span);
  body.BindParameters(declaration);
  body.builder().Yield({body.LowerAs(block, declaration.signature.result)}, block.span);
  Add(body.Finish(), slot);
}

void ModuleLowerer::LowerParam(uint32_t index) {
  const sema::Declaration& declaration = program_.declarations[index];
  const auto& param = *ast::As<ast::ParamDecl>(declaration.decl);
  if (param.default_value == nullptr) return;
  module_->SetParamDefault(
      static_cast<size_t>(ids_.params[index]),
      LowerDefault(declaration, declaration.name, *param.default_value, declaration.signature.result));
}

// A workflow that a user runs has its inputs from outside; calls inside the program carry their defaults themselves.
void ModuleLowerer::LowerDefaults(uint32_t index) {
  const sema::Declaration& declaration = program_.declarations[index];
  const ast::Callable& callable = *ast::AsCallable(declaration.decl);
  std::vector<ir::FunctionId>& defaults = ids_.defaults[index];
  defaults.resize(callable.parameters.size());
  for (size_t i = 0; i < defaults.size(); ++i) {
    const types::Parameter& parameter = declaration.signature.parameters[i];
    const ast::Expr* value = callable.parameters[i].default_value.get();
    if (value == nullptr) continue;
    defaults[i] = LowerDefault(declaration, declaration.name + "." + parameter.name, *value, parameter.type);
  }
}

ir::FunctionId ModuleLowerer::LowerDefault(const sema::Declaration& declaration, const std::string& name,
                                           const ast::Expr& value, TypeId type) {
  const sema::CheckedModule& home = *program_.modules[declaration.module];
  BodyLowerer body(*this, home.tables, UniqueName(name + ".default"), FunctionKind::kDefault, type);
  body.SetFile(home.file, declaration.decl->span);
  body.builder().Yield({body.LowerAs(value, type)});
  return Add(body.Finish());
}

void ModuleLowerer::LowerTests(const sema::CheckedModule& module) {
  for (const ast::DeclPtr& decl : module.tree->decls) {
    const auto* test = ast::As<ast::TestDecl>(decl);
    if (test == nullptr) continue;
    std::string title(test->title != nullptr ? test->title->literal() : "test");
    BodyLowerer body(*this, module.tables, UniqueName(title), FunctionKind::kTest, TypeTable::Never());
    body.SetFile(module.file, test->span);
    for (const ast::TestStep& step : test->steps) body.LowerTestStep(step);
    body.builder().Yield({});
    Add(body.Finish());
  }
}

Lowered LowerProgram(const sema::Program& program) {
  JADE_CHECK(program.ok, "a program with errors cannot be lowered");
  ModuleLowerer lowerer(program, std::make_shared<ir::Module>(program.types), {});
  lowerer.LowerAll();
  Lowered lowered = std::move(lowerer.ids());
  lowered.module = lowerer.module_ptr();
  return lowered;
}

}  // namespace jade::lower
