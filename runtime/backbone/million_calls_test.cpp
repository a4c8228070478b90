// A million short calls through the scheduler, many of them cancelled, in a cache that is far too small: every reply is
// what it would be alone, and no block is lost.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "runtime/backbone/fake_executor.h"
#include "runtime/backbone/scheduler.h"

namespace jade::backbone {
namespace {

constexpr int32_t kVocabulary = 32;
constexpr int32_t kEnd = 3;

class Load {
 public:
  Load(FakeExecutor::Options executor, SchedulerOptions options, uint64_t seed)
      : executor_(executor), scheduler_(&executor_, options), random_(seed), policies_(options.policies) {}

  void Run(int64_t calls) {
    int64_t made = 0;
    while (made < calls || scheduler_.size() > 0) {
      while (made < calls && open_.size() < 60) Open(static_cast<uint64_t>(++made));
      if (random_() % 8 == 0) Cancel();
      if (random_() % 1024 == 0) ChangeWeights();
      if (scheduler_.size() > 0) Step();
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_EQ(finished_ + cancelled_, calls);
  }

  void ExpectNothingLost() {
    EXPECT_EQ(scheduler_.pool().used(), scheduler_.tree().held());
    EXPECT_EQ(scheduler_.tree().reclaimable(), scheduler_.tree().held());
    EXPECT_GT(scheduler_.tree().held(), 0);
    scheduler_.tree().Clear();
    EXPECT_EQ(scheduler_.pool().used(), 0);
  }

  int64_t finished() const { return finished_; }
  int64_t cancelled() const { return cancelled_; }
  const SchedulerCounts& counts() const { return scheduler_.counts(); }
  int64_t evictions() { return scheduler_.tree().evictions(); }

 private:
  // One of a few shared starts, then something of its own.
  void Open(uint64_t number) {
    std::unique_ptr<Sequence> s;
    if (!spare_.empty()) {
      s = std::move(spare_.back());
      spare_.pop_back();
      s->tokens.clear();
      s->begun = false;
    } else {
      s = std::make_unique<Sequence>();
    }
    const uint64_t draw = random_();
    const size_t shared = draw % 4 * 9;
    for (size_t i = 0; i < shared; ++i) s->tokens.push_back(static_cast<int32_t>((draw >> 8) % 5 + i % 3));
    for (size_t i = 0; i < 1 + (draw >> 16) % 6; ++i) {
      s->tokens.push_back(static_cast<int32_t>(draw >> (20 + 4 * i)) & 15);
    }
    s->policy = static_cast<int>((draw >> 48) % static_cast<uint64_t>(policies_));
    s->arrival = number;
    s->deadline = {};
    if ((draw >> 50) % 4 == 0) s->deadline += std::chrono::seconds(1 + (draw >> 52) % 8);
    s->prompt_tokens = s->length();
    s->most_tokens = s->length() + 1 + static_cast<int64_t>((draw >> 56) % 8 == 0 ? 70 : (draw >> 59) % 12);
    s->pinned_tokens = draw % 2 == 0 ? 16 : 0;
    scheduler_.Add(s.get());
    open_.push_back(std::move(s));
  }

  void Cancel() {
    if (open_.empty()) return;
    Close(open_[random_() % open_.size()].get(), false);
    ++cancelled_;
  }

  void ChangeWeights() {
    const int policy = static_cast<int>(random_() % static_cast<uint64_t>(policies_));
    while (scheduler_.size_of(policy) > 0) Step();
    scheduler_.NewVersion(policy);
    ++versions_[policy];
  }

  void Step() {
    const Scheduler::Plan& plan = scheduler_.PlanStep();
    ASSERT_FALSE(plan.parts.empty());
    const std::span<float> logits = executor_.Run(plan.step);
    sampled_.clear();
    for (const Scheduler::Part& part : plan.parts) {
      if (part.wants_logits) sampled_.push_back(part.sequence);
    }
    scheduler_.StepDone();
    for (size_t i = 0; i < sampled_.size(); ++i) {
      Sequence* s = sampled_[i];
      const auto row = logits.subspan(i * kVocabulary, kVocabulary);
      const auto token = static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
      s->tokens.push_back(token);
      if (token == kEnd || s->length() == s->most_tokens) {
        // The last token depends on all before it.
        const auto before = std::span(s->tokens).first(s->tokens.size() - 1);
        EXPECT_EQ(token, FakeExecutor::Preferred(s->policy, versions_[s->policy], before, kVocabulary));
        Close(s, true);
        ++finished_;
      }
    }
  }

  void Close(Sequence* s, bool finished) {
    scheduler_.Remove(s, finished);
    for (size_t i = 0; i < open_.size(); ++i) {
      if (open_[i].get() != s) continue;
      std::swap(open_[i], open_.back());
      spare_.push_back(std::move(open_.back()));
      open_.pop_back();
      return;
    }
  }

  FakeExecutor executor_;
  Scheduler scheduler_;
  std::mt19937_64 random_;
  int policies_;
  std::map<int, uint64_t> versions_;
  std::vector<std::unique_ptr<Sequence>> open_, spare_;
  std::vector<Sequence*> sampled_;
  int64_t finished_ = 0, cancelled_ = 0;
};

TEST(MillionCalls, LeaveNoBlockBehind) {
  Load load({.blocks = 16, .vocabulary = kVocabulary, .policies = 2},
            {.policies = 2, .max_sequences = 24, .prefill_tokens = 48}, 1);
  load.Run(1'000'000);
  EXPECT_GT(load.finished(), 500'000);
  EXPECT_GT(load.cancelled(), 10'000);
  EXPECT_GT(load.counts().preemptions, 200);
  EXPECT_GT(load.counts().cached_tokens, 1'000'000);
  EXPECT_GT(load.evictions(), 100'000);
  load.ExpectNothingLost();
}

}  // namespace
}  // namespace jade::backbone
