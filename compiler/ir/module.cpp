#include "compiler/ir/module.h"

#include <algorithm>

namespace jade::ir {

Module::Module(std::shared_ptr<const Module> base)
    : types_(base->types_ptr()),
      base_(std::move(base)),
      first_text_(base_->text_count()),
      first_function_(base_->function_count()),
      first_callee_(base_->callee_count()),
      first_file_(base_->file_count()) {}

FunctionId Module::FindFunction(std::string_view name) const {
  auto found = function_ids_.find(std::string(name));
  if (found != function_ids_.end()) return found->second;
  return base_ != nullptr ? base_->FindFunction(name) : FunctionId{};
}

CalleeId Module::FindCallee(std::string_view name) const {
  for (uint32_t i = 0; i < callees_.size(); ++i) {
    if (callees_[i].name == name) return {first_callee_ + i};
  }
  return base_ != nullptr ? base_->FindCallee(name) : CalleeId{};
}

int Module::FindParam(std::string_view name) const {
  const std::vector<ParamDecl>& all = params();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

TextId Module::AddText(std::string_view text) {
  for (const Module* module = this; module != nullptr; module = module->base()) {
    auto found = module->text_ids_.find(text);
    if (found != module->text_ids_.end()) return found->second;
  }
  TextId id{text_count()};
  texts_.emplace_back(text);
  text_ids_.emplace(texts_.back(), id);
  return id;
}

FunctionId Module::AddFunction(Function function) {
  FunctionId id{function_count()};
  function_ids_.emplace(function.name, id);
  functions_.push_back(std::move(function));
  return id;
}

CalleeId Module::AddCallee(Callee callee) {
  callees_.push_back(std::move(callee));
  return {callee_count() - 1};
}

uint32_t Module::AddFile(source::SourceFilePtr file) {
  for (const Module* module = this; module != nullptr; module = module->base()) {
    auto found = std::find(module->files_.begin(), module->files_.end(), file);
    if (found != module->files_.end())
      return module->first_file_ + static_cast<uint32_t>(found - module->files_.begin());
  }
  files_.push_back(std::move(file));
  return file_count() - 1;
}

void Module::SetFunction(FunctionId id, Function function) {
  Function& slot = functions_[id.index - first_function_];
  if (slot.name != function.name) {
    function_ids_.erase(slot.name);
    function_ids_.emplace(function.name, id);
  }
  slot = std::move(function);
}

std::shared_ptr<void> Module::Companion(const std::shared_ptr<const void>& owner) const {
  for (const Companionship& one : companions_) {
    if (!one.owner.owner_before(owner) && !owner.owner_before(one.owner)) return one.companion;
  }
  return nullptr;
}

void Module::SetCompanion(const std::shared_ptr<const void>& owner, std::shared_ptr<void> companion) const {
  std::erase_if(companions_, [](const Companionship& one) { return one.owner.expired(); });
  companions_.push_back({owner, std::move(companion)});
}

}  // namespace jade::ir
