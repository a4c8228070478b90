#include "runtime/session/constraint_cache.h"

#include <algorithm>

#include "runtime/constrain/plan_scope.h"

namespace jade::session {

Result<constrain::Spec> ConstraintCache::SpecFor(const call::CallContext& context) {
  // A plan calls the roles of its program under the program's numbers.
  const auto known = specs_.find(context.callee.index);
  if (known != specs_.end()) return known->second;
  const ir::Callee& role = context.role();
  Result<constrain::Spec> spec =
      role.format.kind == ir::FormatKind::kPlan
          ? constrain::PlanSpecOf(program_->checked(), program_->DeclarationOf(context.callee))
          : constrain::SpecOf(role.format, context.module->types());
  if (spec.ok()) specs_.emplace(context.callee.index, *spec);
  return spec;
}

Result<std::shared_ptr<const engine::Constraint>> ConstraintCache::For(const call::CallContext& context,
                                                                       const engine::Messages& prompt, int max_tokens) {
  JADE_ASSIGN_OR_RETURN(constrain::Spec spec, SpecFor(context));
  spec.limit = static_cast<uint32_t>(std::max(max_tokens, 0));
  if (!prompt.empty() && prompt.back().role == engine::MessageRole::kPrefill) spec.prefix = prompt.back().text;
  if (spec.kind == constrain::SpecKind::kSubset) {
    JADE_ASSIGN_OR_RETURN(const size_t documents, call::SubjectSize(context));
    spec.documents = static_cast<uint32_t>(std::min<size_t>(documents, constrain::kMaxDocuments));
  }
  Key key{context.callee.index, spec.documents, spec.limit, spec.prefix};
  if (const auto known = constraints_.find(key); known != constraints_.end()) return known->second;
  Result<constrain::ConstraintPtr> made = library_.Make(spec);
  if (!made.ok()) return Error(made.error()).Wrap("decoding its reply under a constraint");
  if (constraints_.size() == kMaxKept) constraints_.clear();
  constraints_.emplace(std::move(key), *made);
  return made;
}

}  // namespace jade::session
