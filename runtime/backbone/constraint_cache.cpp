#include "runtime/backbone/constraint_cache.h"

namespace jade::backbone {

ConstraintCache::Bound ConstraintCache::Bind(const engine::Constraint& constraint) {
  std::lock_guard lock(mutex_);
  if (const auto known = by_id_.find(constraint.id()); known != by_id_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return entries_.front().bound;
  }
  entries_.push_front({constraint.id(), constraint.Bind(vocabulary_)});
  by_id_[constraint.id()] = entries_.begin();
  if (entries_.size() > capacity_) {
    by_id_.erase(entries_.back().id);
    entries_.pop_back();
  }
  return entries_.front().bound;
}

}  // namespace jade::backbone
