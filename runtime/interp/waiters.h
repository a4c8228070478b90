#pragma once
// The tasks that wait for a future, in the order in which they came. Nearly always one: it takes no allocation. One
// thread.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace jade::interp {

struct Task;

class Waiters {
 public:
  void Add(Task* task) {
    if (first_ == nullptr) {
      first_ = task;
      return;
    }
    if (more_ == nullptr) more_ = std::make_unique<std::vector<Task*>>();
    more_->push_back(task);
  }
  void Remove(const Task* task) {
    if (more_ != nullptr) std::erase(*more_, task);
    if (first_ != task) return;
    first_ = nullptr;
    if (more_ == nullptr || more_->empty()) return;
    first_ = more_->front();
    more_->erase(more_->begin());
  }
  // Empties the list and calls `wake` for each; what is added meanwhile stays.
  template <typename Wake>
  void WakeAll(Wake wake) {
    Task* first = std::exchange(first_, nullptr);
    const std::unique_ptr<std::vector<Task*>> more = std::move(more_);
    if (first != nullptr) wake(first);
    if (more == nullptr) return;
    for (Task* task : *more) wake(task);
  }

 private:
  Task* first_ = nullptr;
  std::unique_ptr<std::vector<Task*>> more_;  // empty while there is no first
};

}  // namespace jade::interp
