#include "runtime/session/program.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "compiler/parse/parse.h"
#include "compiler/source/suggest.h"

namespace jade::session {

Result<Loaded> Program::LoadFile(const std::string& path, const LoadOptions& options) {
  JADE_ASSIGN_OR_RETURN(std::string text, source::ReadFile(path, parse::kMaxSourceBytes));
  return LoadText(path, std::move(text), options);
}

Loaded Program::LoadText(std::string name, std::string text, const LoadOptions& options) {
  auto file = std::make_shared<source::SourceFile>(std::move(name), std::move(text));
  sema::CheckOptions check;
  check.replace = options.replace;
  diag::Diagnostics sink;
  auto program = std::make_shared<Program>();
  program->checked_ = sema::CheckProgram(file, check, sink);
  Loaded loaded;
  loaded.diagnostics = sink.Sorted();
  if (!program->checked_->ok || sink.has_errors()) return loaded;
  program->lowered_ = lower::LowerProgram(*program->checked_);
  passes::RunPasses(*program->lowered_.module, *options.passes);
  program->plan_passes_ = options.plan_passes;
  program->module_ = program->lowered_.module;
  program->name_ = file->name();
  XXH3_state_t* state = XXH3_createState();
  XXH3_128bits_reset(state);
  for (const auto& module : program->checked_->modules) {
    if (module->file == nullptr) continue;
    const std::string_view bytes = module->file->text();
    const uint64_t size = bytes.size();
    XXH3_128bits_update(state, &size, sizeof(size));
    XXH3_128bits_update(state, bytes.data(), bytes.size());
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state);
  XXH3_freeState(state);
  program->hash_ = fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  loaded.program = std::move(program);
  return loaded;
}

Result<Program::Workflow> Program::Find(const std::string& name, ast::DeclKind kind, std::string_view what) const {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < checked_->declarations.size(); ++i) {
    const sema::Declaration& declaration = checked_->declarations[i];
    if (declaration.kind != kind) continue;
    if (declaration.name == name) {
      return Workflow{name, lowered_.functions[i], &declaration.signature, lowered_.defaults[i]};
    }
    names.push_back(declaration.name);
  }
  return Error(ErrorCode::kNotFound,
               fmt::format("`{}` has no {} `{}`{}", name_, what, name, source::DidYouMean(name, names)));
}

Result<Program::Workflow> Program::FindWorkflow(const std::string& name) const {
  if (!name.empty()) return Find(name, ast::DeclKind::kWorkflow, "workflow");
  if (checked_->main == sema::kNone) {
    const std::vector<std::string> names = WorkflowNames();
    if (names.empty()) return Error(ErrorCode::kNotFound, fmt::format("`{}` has no workflow to run", name_));
    return Error(ErrorCode::kNotFound, fmt::format("`{}` has no `main` workflow; choose one of {} with --workflow",
                                                   name_, fmt::join(names, ", ")));
  }
  const sema::Declaration& main = checked_->declarations[checked_->main];
  return Workflow{main.name, lowered_.functions[checked_->main], &main.signature, lowered_.defaults[checked_->main]};
}

const bounds::Bounds& Program::bounds() const {
  if (bounds_ == nullptr) bounds_ = std::make_unique<const bounds::Bounds>(*module_);
  return *bounds_;
}

std::vector<std::string> Program::WorkflowNames() const {
  std::vector<std::string> names;
  for (const sema::Declaration& declaration : checked_->declarations) {
    if (declaration.kind == ast::DeclKind::kWorkflow) names.push_back(declaration.name);
  }
  return names;
}

Result<Program::Workflow> Program::FindReward(const std::string& name) const {
  if (name.empty()) {
    std::vector<std::string> names;
    for (const sema::Declaration& declaration : checked_->declarations) {
      if (declaration.kind == ast::DeclKind::kReward) names.push_back(declaration.name);
    }
    if (names.size() == 1) return Find(names.front(), ast::DeclKind::kReward, "reward");
    return Error(ErrorCode::kNotFound, names.empty()
                                           ? fmt::format("`{}` has no reward: `use std.reward`, or declare one", name_)
                                           : fmt::format("`{}` has more than one reward: choose `reward` among {}",
                                                         name_, fmt::join(names, ", ")));
  }
  return Find(name, ast::DeclKind::kReward, "reward");
}

uint32_t Program::DeclarationOf(ir::CalleeId callee) const {
  const auto found = std::find(lowered_.callees.begin(), lowered_.callees.end(), callee);
  JADE_CHECK(found != lowered_.callees.end(), "callee {} has no declaration", callee.index);
  return static_cast<uint32_t>(found - lowered_.callees.begin());
}

}  // namespace jade::session
