#pragma once
// A team of threads that runs one piece of work at a time, all members at once, with barriers inside it. A step of the
// model is hundreds of short phases: between two of them the members spin, they are not woken. The caller of Run is
// member 0. Idle members spin for a fraction of a millisecond and then sleep.
//
// Run may be called by one thread at a time, and not from within the work.

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace jade::kernels {

class Team;

// What a member sees of the team while the work runs.
class Member {
 public:
  Member(Team& team, int index) : team_(team), index_(index) {}
  int index() const { return index_; }
  int size() const;
  // Every member comes here; what each wrote before is visible to all after.
  void Barrier();
  // The next unused number below `count`, or -1: each number of a phase is given out once in the team. Ends with a
  // Barrier of the phase: all members call Next until it gives -1, and then Barrier.
  int64_t Next(int64_t count);

 private:
  Team& team_;
  int index_;
  int64_t phase_ = 0;  // counts barriers: which counter Next draws from
};

class Team {
 public:
  explicit Team(int size);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return size_; }
  // Runs work(member) on every member and returns when all have ended. The work must not throw.
  void Run(const std::function<void(Member&)>& work);

 private:
  friend class Member;
  static constexpr int kCounters = 4;  // Next's, in turn: a counter is cleared two barriers before it is used again
  struct alignas(64) Counter {
    std::atomic<int64_t> value{0};
  };

  void Serve(int index);
  void WorkAs(int index);

  const int size_;
  alignas(64) std::atomic<int64_t> arrived_{0};
  alignas(64) std::atomic<int64_t> generation_{0};  // barriers passed
  Counter counters_[kCounters];
  alignas(64) std::atomic<int64_t> round_{0};  // pieces of work begun; negative: the team ends
  alignas(64) std::atomic<int64_t> finished_{0};
  const std::function<void(Member&)>* work_ = nullptr;
  std::vector<std::thread> threads_;
};

}  // namespace jade::kernels
