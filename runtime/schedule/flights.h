#pragma once
// Internal to runtime/schedule: what is under way somewhere else, by the number it has there. Numbers are not used
// again before a slot has had 2^32 of them; 0 is none. 24 bytes each. One thread.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace jade::schedule {

class ActiveRun;

// One attempt of one call that an engine, a tool or the store is working on.
struct Flight {
  ActiveRun* run = nullptr;
  uint32_t call = 0;  // the run's number of the call
  uint32_t tool = 0;  // index of its provider + 1; 0: not a tool
};

class Flights {
 public:
  uint64_t Add(const Flight& flight) {
    if (free_ == 0) {
      slots_.emplace_back();
      free_ = static_cast<uint32_t>(slots_.size());
    }
    const uint32_t number = free_;
    Slot& slot = slots_[number - 1];
    free_ = slot.flight.call;
    slot.flight = flight;
    ++size_;
    return uint64_t{slot.use} << 32 | number;
  }
  // Null when it is over.
  const Flight* Find(uint64_t id) const {
    const uint64_t index = (id & 0xffff'ffff) - 1;
    if (index >= slots_.size()) return nullptr;
    const Slot& slot = slots_[index];
    return slot.use == id >> 32 && slot.flight.run != nullptr ? &slot.flight : nullptr;
  }
  void Remove(uint64_t id) {
    if (Find(id) == nullptr) return;
    const auto number = static_cast<uint32_t>(id);
    Slot& slot = slots_[number - 1];
    slot.flight = {nullptr, std::exchange(free_, number), 0};
    ++slot.use;
    --size_;
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  // A free slot's flight has no run; its call is the number of the next free one.
  struct Slot {
    Flight flight;
    uint32_t use = 0;
  };
  std::vector<Slot> slots_;  // by number - 1
  uint32_t free_ = 0;
  size_t size_ = 0;
};

}  // namespace jade::schedule
