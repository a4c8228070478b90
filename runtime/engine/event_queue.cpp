#include <condition_variable>
#include <iterator>
#include <mutex>

#include "runtime/engine/engine.h"

namespace jade::engine {

struct EventQueue::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Event> events;
  bool woken = false;
};

EventQueue::EventQueue() : state_(std::make_unique<State>()) {}
EventQueue::~EventQueue() = default;

void EventQueue::Post(Event event) {
  {
    std::lock_guard lock(state_->mutex);
    state_->events.push_back(std::move(event));
  }
  state_->changed.notify_one();
}

void EventQueue::Wake() {
  {
    std::lock_guard lock(state_->mutex);
    state_->woken = true;
  }
  state_->changed.notify_one();
}

bool EventQueue::Drain(std::vector<Event>* out) {
  std::lock_guard lock(state_->mutex);
  if (state_->events.empty()) return false;
  out->insert(out->end(), std::make_move_iterator(state_->events.begin()),
              std::make_move_iterator(state_->events.end()));
  state_->events.clear();
  return true;
}

void EventQueue::Wait(std::chrono::microseconds timeout) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, timeout, [this] { return state_->woken || !state_->events.empty(); });
  state_->woken = false;
}

}  // namespace jade::engine
