#pragma once
// Constraints bound to the engine's vocabulary, each once as long as it is in use. Any thread; a binding that is under
// way makes others wait.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "runtime/engine/constraint.h"

namespace jade::backbone {

class ConstraintCache {
 public:
  using Bound = Result<std::shared_ptr<const engine::BoundConstraint>>;

  // Keeps the `capacity` constraints used last.
  ConstraintCache(std::shared_ptr<const engine::Vocabulary> vocabulary, size_t capacity)
      : vocabulary_(std::move(vocabulary)), capacity_(capacity) {}

  // What Constraint::Bind gave for this id the first time, an error too.
  Bound Bind(const engine::Constraint& constraint);

 private:
  struct Entry {
    std::string id;
    Bound bound;
  };

  const std::shared_ptr<const engine::Vocabulary> vocabulary_;
  const size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_id_;
};

}  // namespace jade::backbone
