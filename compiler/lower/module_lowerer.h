#pragma once
// What lowering a program, a plan or a snippet shares: the module being built, and what each declaration is in JIR.
// Private to this room.

#include <string>

#include "compiler/lower/lower.h"

namespace jade::lower {

class ModuleLowerer {
 public:
  ModuleLowerer(const sema::Program& program, std::shared_ptr<ir::Module> module, Lowered ids)
      : program_(program), module_(std::move(module)), ids_(std::move(ids)) {}

  const sema::Program& program() const { return program_; }
  const types::TypeTable& types() const { return *program_.types; }
  types::TypeId text_list() const { return program_.types->List(types::TypeTable::Text()); }
  ir::Module& module() { return *module_; }
  const std::shared_ptr<ir::Module>& module_ptr() const { return module_; }
  Lowered& ids() { return ids_; }
  const sema::Declaration& declaration(uint32_t index) const { return program_.declarations[index]; }

  // Adds the function, or puts it where `slot` was reserved.
  ir::FunctionId Add(ir::Function function, ir::FunctionId slot = {});
  // Space for a function whose body comes later, so that calls may name it.
  ir::FunctionId Reserve(const sema::Declaration& declaration, ir::FunctionKind kind);
  // "QR", or "QR/2" when the module has that name already.
  std::string UniqueName(std::string name) const;

  // The function that stands for a declaration where a plan is expected: one parameter, the others defaulted.
  ir::FunctionId Thunk(uint32_t declaration);

  // Everything of a program.
  void LowerAll();

 private:
  void DeclareAll();
  void LowerCallable(uint32_t declaration);
  void LowerParam(uint32_t declaration);
  void LowerDefaults(uint32_t declaration);
  ir::FunctionId LowerDefault(const sema::Declaration& declaration, const std::string& name, const ast::Expr& value,
                              types::TypeId type);
  void LowerRole(uint32_t declaration);
  void LowerTests(const sema::CheckedModule& module);

  const sema::Program& program_;
  std::shared_ptr<ir::Module> module_;
  Lowered ids_;
};

}  // namespace jade::lower
