#include "runtime/interp/origins.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "runtime/interp/task.h"

namespace jade::interp {

using abi::Value;
using abi::ValueKind;

namespace {

// Items, fields or payload; of a plan its bound arguments.
std::span<const Value> PartsOf(const Value& value) {
  switch (value.kind()) {
    case ValueKind::kList:
      return value.as_list();
    case ValueKind::kRecord:
      return value.as_record();
    case ValueKind::kEnum:
      return value.as_enum_payload();
    case ValueKind::kPlan: {
      const auto* plan = dynamic_cast<const PlanFunction*>(value.as_plan().get());
      return plan == nullptr ? std::span<const Value>() : std::span<const Value>(plan->bound());
    }
    default:
      return {};
  }
}

}  // namespace

Origins::Origins() : sets_(1) {}

Origins::Id Origins::Intern(std::span<const Entry> set) {
  if (set.empty()) return 0;
  uint64_t hash = 0;
  for (const Entry& entry : set) {
    const uint64_t words[2] = {hash, uint64_t{entry.call} << 1 | (entry.control ? 1 : 0)};
    hash = XXH3_64bits(words, sizeof(words));
  }
  const auto [first, last] = known_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    if (std::ranges::equal(Set(known->second), set)) return known->second;
  }
  if (entries_.size() + set.size() > kMaxEntries || sets_.size() >= Value::kOrigins) {
    complete_ = false;
    return 0;
  }
  const auto id = static_cast<Id>(sets_.size());
  sets_.push_back({static_cast<uint32_t>(entries_.size()), static_cast<uint32_t>(set.size())});
  entries_.insert(entries_.end(), set.begin(), set.end());
  known_.emplace(hash, id);
  return id;
}

Origins::Id Origins::OfCall(uint32_t call) {
  const Entry one{call, false};
  return Intern({&one, 1});
}

Origins::Id Origins::Join(Id a, Id b) {
  if (a == b || b == 0) return a;
  if (a == 0) return b;
  const auto [known, added] = joined_.try_emplace(uint64_t{std::min(a, b)} << 32 | std::max(a, b), 0);
  if (!added) return known->second;
  merged_.clear();
  auto x = Set(a).begin();
  auto y = Set(b).begin();
  while (x != Set(a).end() || y != Set(b).end()) {
    if (y == Set(b).end() || (x != Set(a).end() && x->call < y->call)) {
      merged_.push_back(*x++);
    } else if (x == Set(a).end() || y->call < x->call) {
      merged_.push_back(*y++);
    } else {
      merged_.push_back({x->call, x->control && y->control});
      ++x;
      ++y;
    }
  }
  return known->second = Intern(merged_);
}

Origins::Id Origins::AsControl(Id id) {
  if (id == 0) return 0;
  const auto [known, added] = as_control_.try_emplace(id, 0);
  if (!added) return known->second;
  merged_.assign(Set(id).begin(), Set(id).end());
  for (Entry& entry : merged_) entry.control = true;
  return known->second = Intern(merged_);
}

Origins::Id Origins::Deep(const Value& value, uint32_t depth) {
  if (++visits_ > kMaxVisits || depth > kMaxDepth) {
    complete_ = false;
    return value.origin();
  }
  Id id = value.origin();
  for (const Value& part : PartsOf(value)) id = Join(id, Deep(part, depth + 1));
  return id;
}

Value Origins::Unmarked(const Value& value) {
  return Deep(value) != 0 ? Unmarked(value, 0) : value;
}

// A plan that is called for its value is the planner's: it binds nothing.
Value Origins::Unmarked(const Value& value, uint32_t depth) {
  Value copy = value;
  const std::span<const Value> parts = value.kind() == ValueKind::kPlan ? std::span<const Value>() : PartsOf(value);
  if (!parts.empty() && depth < kMaxDepth) {
    std::vector<Value> unmarked;
    unmarked.reserve(parts.size());
    for (const Value& part : parts) unmarked.push_back(Unmarked(part, depth + 1));
    copy = value.kind() == ValueKind::kList     ? Value::List(std::move(unmarked))
           : value.kind() == ValueKind::kRecord ? Value::Record(std::move(unmarked))
                                                : Value::Enum(value.as_enum_case(), std::move(unmarked));
  }
  copy.set_origin(0);
  return copy;
}

Origins::Id Origins::Control(const Frame& frame, size_t level) const {
  const auto found = controls_.find(&frame);
  return found == controls_.end() || level >= found->second.size() ? 0 : found->second[level];
}

void Origins::SetControl(const Frame& frame, size_t level, Id id) {
  std::vector<Id>& levels = controls_[&frame];
  levels.resize(level + 1);
  levels[level] = id;
}

Origins::Id Origins::TakeFilter(const Future& item) {
  const auto found = filters_.find(&item);
  if (found == filters_.end()) return 0;
  const Id id = found->second;
  filters_.erase(found);
  return id;
}

}  // namespace jade::interp
