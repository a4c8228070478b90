#include "runtime/session/plan_cache.h"

#include <fmt/format.h>

#include "compiler/diag/render.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/plan.h"
#include "runtime/interp/task.h"

namespace jade::session {

PlanCache::Entry PlanCache::Check(uint32_t planner, const std::string& text) {
  Entry entry;
  diag::Diagnostics sink;
  auto file = std::make_shared<source::SourceFile>("<plan>", text);
  std::unique_ptr<ast::Plan> tree = parse::ParsePlan(file, sink);
  entry.parsed = !sink.has_errors();
  std::unique_ptr<sema::TypedPlan> typed;
  if (entry.parsed) typed = sema::CheckPlan(program_->checked(), planner, std::move(tree), sink);
  if (typed == nullptr) {
    entry.diagnostics_json = diag::RenderJson(sink.Sorted());
    return entry;
  }
  entry.canonical = typed->canonical;
  // Other spellings of one plan share its code.
  std::weak_ptr<const ir::Module>& known = by_canonical_[fmt::format("{}:{}", planner, entry.canonical)];
  entry.module = known.lock();
  if (entry.module == nullptr) {
    const auto made = lower::LowerPlan(program_->checked(), program_->lowered(), *typed);
    passes::RunPasses(*made, program_->plan_passes());
    entry.module = made;
    known = entry.module;
  }
  entry.calls = program_->bounds().CallsOfPlan(*entry.module);
  return entry;
}

call::CompiledPlan PlanCache::Compile(const ir::ModulePtr&, ir::CalleeId planner, const std::string& text,
                                      uint64_t call) {
  const uint32_t declaration = program_->DeclarationOf(planner);
  const std::string key = fmt::format("{}:{}", declaration, text);
  auto found = entries_.find(key);
  if (found != entries_.end()) {
    ++hits_;
    order_.splice(order_.begin(), order_, found->second);
  } else {
    order_.push_front(Check(declaration, text));
    order_.front().key = key;
    entries_.emplace(order_.front().key, order_.begin());
    if (entries_.size() > capacity_) {
      entries_.erase(order_.back().key);
      order_.pop_back();
      if (by_canonical_.size() > 2 * capacity_)
        std::erase_if(by_canonical_, [](const auto& e) { return e.second.expired(); });
    }
  }
  const Entry& entry = order_.front();
  call::CompiledPlan plan;
  plan.parsed = entry.parsed;
  plan.canonical = entry.canonical;
  plan.diagnostics_json = entry.diagnostics_json;
  plan.calls = entry.calls;
  if (entry.module != nullptr) {
    plan.plan = abi::Value::Plan(std::make_shared<interp::PlanFunction>(
        entry.module, entry.module->main(), std::vector<abi::Value>{}, entry.canonical, call));
  }
  return plan;
}

}  // namespace jade::session
