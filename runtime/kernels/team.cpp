#include "runtime/kernels/team.h"

#include <limits>

namespace jade::kernels {
namespace {

constexpr int kSpins = 4000;  // about 100 µs, then the processor may go to others
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Spins until ready(), giving the processor away when that takes long: another thread may need it to get there.
template <typename Ready>
void SpinUntil(Ready ready) {
  for (int spins = 0; !ready(); ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

int Member::size() const {
  return team_.size_;
}

void Member::Barrier() {
  const int64_t generation = team_.generation_.load(std::memory_order_relaxed);
  ++phase_;
  if (team_.arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == team_.size_) {
    // The counter of the phase that ended is free for the phase after next: nobody draws from it until then.
    team_.counters_[(phase_ + 1) % Team::kCounters].value.store(0, std::memory_order_relaxed);
    team_.arrived_.store(0, std::memory_order_relaxed);
    team_.generation_.store(generation + 1, std::memory_order_release);
    return;
  }
  SpinUntil([&] { return team_.generation_.load(std::memory_order_acquire) != generation; });
}

int64_t Member::Next(int64_t count) {
  std::atomic<int64_t>& counter = team_.counters_[phase_ % Team::kCounters].value;
  if (counter.load(std::memory_order_relaxed) >= count) return -1;
  const int64_t next = counter.fetch_add(1, std::memory_order_relaxed);
  return next < count ? next : -1;
}

Team::Team(int size) : size_(size) {
  for (int i = 1; i < size_; ++i) threads_.emplace_back([this, i] { Serve(i); });
}

Team::~Team() {
  round_.store(kEnd, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::WorkAs(int index) {
  Member member(*this, index);
  (*work_)(member);
}

void Team::Serve(int index) {
  for (int64_t done = 0;;) {
    int64_t round = done;
    for (int spins = 0; spins < kSpins && round == done; ++spins) {
      Pause();
      round = round_.load(std::memory_order_acquire);
    }
    while (round == done) {
      round_.wait(done, std::memory_order_acquire);
      round = round_.load(std::memory_order_acquire);
    }
    if (round == kEnd) return;
    done = round;
    WorkAs(index);
    finished_.fetch_add(1, std::memory_order_release);
  }
}

void Team::Run(const std::function<void(Member&)>& work) {
  work_ = &work;
  for (Counter& counter : counters_) counter.value.store(0, std::memory_order_relaxed);
  finished_.store(0, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  if (size_ > 1) round_.notify_all();
  WorkAs(0);
  SpinUntil([&] { return finished_.load(std::memory_order_acquire) == size_ - 1; });
}

}  // namespace jade::kernels
