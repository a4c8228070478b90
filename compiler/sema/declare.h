#pragma once
// The phases of one module after its imports are done. Private to compiler/sema.

#include "compiler/sema/checker.h"

namespace jade::sema {

// Its types and the signatures of its callables, into the module's names.
void DeclareModule(Program& program, CheckedModule& module, uint32_t index, diag::Diagnostics& sink);

// Roles: messages, clauses, formats, stages.
void CheckRole(Program& program, CheckedModule& module, uint32_t declaration, Checker& checker);
void CheckTool(Declaration& declaration, const ast::ToolDecl& decl, Checker& checker);

// Everything with an expression in it.
void CheckBodies(Program& program, CheckedModule& module, diag::Diagnostics& sink);

// A planner's `stages`.
std::shared_ptr<const StageGrammar> BuildStages(Program& program, const CheckedModule& module, uint32_t planner,
                                                const ast::StagePattern& pattern, Checker& checker);

}  // namespace jade::sema
