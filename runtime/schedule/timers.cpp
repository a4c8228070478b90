#include "runtime/schedule/timers.h"

#include <utility>

namespace jade::schedule {

bool Timers::IsLater(const Timer& a, const Timer& b) {
  return std::pair(a.micros, a.order) > std::pair(b.micros, b.order);
}

uint64_t Timers::Push(int64_t micros, RunId run, uint64_t acts) {
  const uint64_t order = 2 * set_++ + acts;
  heap_.push_back({micros, order, run});
  std::push_heap(heap_.begin(), heap_.end(), IsLater);
  return order;
}

Timers::Fired Timers::Pop() {
  std::pop_heap(heap_.begin(), heap_.end(), IsLater);
  const Timer timer = heap_.back();
  heap_.pop_back();
  Fired fired{timer.run, nullptr};
  if ((timer.order & kActs) != 0) fired.action = std::move(actions_.extract(timer.order).mapped());
  return fired;
}

}  // namespace jade::schedule
