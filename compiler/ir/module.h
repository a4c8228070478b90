#pragma once
// A program in JIR. Built once (builder.h, reader.h), then immutable: any thread may read it, and runs share it.
//
// A plan compiled while a run is going is a Module of its own that extends the program's: ids below the base's counts
// mean the base's entries, larger ones its own. So a plan's functions call the program's workflows and callees, and
// nothing of the program is copied or changed.

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/ir/callee.h"
#include "compiler/ir/function.h"

namespace jade::ir {

struct ParamDecl {  // `param alpha: Float = 0.0`
  std::string name;
  types::TypeId type;
  FunctionId default_value;  // unset: must be given from outside
};

class Module {
 public:
  explicit Module(std::shared_ptr<const types::TypeTable> types) : types_(std::move(types)) {}
  explicit Module(std::shared_ptr<const Module> base);

  const types::TypeTable& types() const { return *types_; }
  const std::shared_ptr<const types::TypeTable>& types_ptr() const { return types_; }
  const Module* base() const { return base_.get(); }
  const std::shared_ptr<const Module>& base_ptr() const { return base_; }

  const std::string& text(TextId id) const {
    return id.index < first_text_ ? base_->text(id) : texts_[id.index - first_text_];
  }
  const Function& function(FunctionId id) const {
    return id.index < first_function_ ? base_->function(id) : functions_[id.index - first_function_];
  }
  const Callee& callee(CalleeId id) const {
    return id.index < first_callee_ ? base_->callee(id) : callees_[id.index - first_callee_];
  }
  const source::SourceFilePtr& file(uint32_t index) const {
    return index < first_file_ ? base_->file(index) : files_[index - first_file_];
  }
  const std::vector<ParamDecl>& params() const { return base_ != nullptr ? base_->params() : params_; }

  // Counts include the base's; own entries start at first_*().
  uint32_t text_count() const { return first_text_ + static_cast<uint32_t>(texts_.size()); }
  uint32_t function_count() const { return first_function_ + static_cast<uint32_t>(functions_.size()); }
  uint32_t callee_count() const { return first_callee_ + static_cast<uint32_t>(callees_.size()); }
  uint32_t file_count() const { return first_file_ + static_cast<uint32_t>(files_.size()); }
  uint32_t first_function() const { return first_function_; }
  uint32_t first_callee() const { return first_callee_; }
  uint32_t first_file() const { return first_file_; }

  FunctionId main() const { return main_; }  // the `main` workflow, or of a plan module its plan; may be invalid

  // By name, own entries before the base's; an invalid id when there is none.
  FunctionId FindFunction(std::string_view name) const;
  CalleeId FindCallee(std::string_view name) const;
  int FindParam(std::string_view name) const;

  // What a part of the runtime keeps with the module; it ends with the module, or soon after its owner. Not part of the
  // program: a module that is otherwise immutable may be given one. Used on one thread at a time.
  std::shared_ptr<void> Companion(const std::shared_ptr<const void>& owner) const;
  void SetCompanion(const std::shared_ptr<const void>& owner, std::shared_ptr<void> companion) const;

  // Building. Ids returned are final; functions and callees may be replaced until the module is shared.
  TextId AddText(std::string_view text);  // interned
  FunctionId AddFunction(Function function);
  CalleeId AddCallee(Callee callee);
  uint32_t AddFile(source::SourceFilePtr file);  // interned by pointer
  void AddParam(ParamDecl param) { params_.push_back(std::move(param)); }
  void SetParamDefault(size_t param, FunctionId id) { params_[param].default_value = id; }
  void SetMain(FunctionId id) { main_ = id; }
  void SetFunction(FunctionId id, Function function);
  Callee& MutableCallee(CalleeId id) { return callees_[id.index - first_callee_]; }

 private:
  std::shared_ptr<const types::TypeTable> types_;
  std::shared_ptr<const Module> base_;
  uint32_t first_text_ = 0;
  uint32_t first_function_ = 0;
  uint32_t first_callee_ = 0;
  uint32_t first_file_ = 0;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, TextId> text_ids_;
  std::deque<Function> functions_;
  std::unordered_map<std::string, FunctionId> function_ids_;
  std::deque<Callee> callees_;
  std::vector<source::SourceFilePtr> files_;
  std::vector<ParamDecl> params_;
  FunctionId main_;
  struct Companionship {
    std::weak_ptr<const void> owner;
    std::shared_ptr<void> companion;
  };
  mutable std::vector<Companionship> companions_;
};

using ModulePtr = std::shared_ptr<const Module>;

}  // namespace jade::ir
