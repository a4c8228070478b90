#include "runtime/backbone/scheduler.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>

#include "runtime/backbone/fake_executor.h"

namespace jade::backbone {
namespace {

using Tokens = std::vector<int32_t>;
using State = Sequence::State;

Tokens Repeat(int32_t token, size_t count) {
  return Tokens(count, token);
}

Tokens operator+(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Scheduling : public ::testing::Test {
 protected:
  void Start(SchedulerOptions options, FakeExecutor::Options executor) {
    executor.policies = options.policies;
    vocabulary_ = executor.vocabulary;
    executor_ = std::make_unique<FakeExecutor>(executor);
    scheduler_ = std::make_unique<Scheduler>(executor_.get(), options);
    versions_.assign(static_cast<size_t>(options.policies), 0);
  }

  Sequence* Add(Tokens prompt, int64_t reply, int policy = 0, int deadline = 0) {
    auto s = std::make_unique<Sequence>();
    s->policy = policy;
    s->arrival = sequences_.size() + 1;
    if (deadline > 0) s->deadline = std::chrono::steady_clock::time_point(std::chrono::seconds(deadline));
    s->prompt_tokens = static_cast<int64_t>(prompt.size());
    s->most_tokens = s->prompt_tokens + reply;
    s->tokens = std::move(prompt);
    scheduler_->Add(s.get());
    sequences_.push_back(std::move(s));
    return sequences_.back().get();
  }

  // One step; what became long enough is done. False when there was nothing to do.
  bool Step() {
    const Scheduler::Plan& plan = scheduler_->PlanStep();
    if (plan.parts.empty()) return false;
    const std::span<float> logits = executor_->Run(plan.step);
    std::vector<Sequence*> sampled;
    rows_.clear();
    for (const Scheduler::Part& part : plan.parts) {
      rows_[part.sequence] = part.rows;
      if (part.wants_logits) sampled.push_back(part.sequence);
    }
    scheduler_->StepDone();
    for (size_t i = 0; i < sampled.size(); ++i) {
      const auto row = logits.subspan(i * static_cast<size_t>(vocabulary_), static_cast<size_t>(vocabulary_));
      sampled[i]->tokens.push_back(static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin()));
      if (sampled[i]->length() == sampled[i]->most_tokens) Finish(sampled[i]);
    }
    return true;
  }

  void Finish(Sequence* s) {
    scheduler_->Remove(s, true);
    finished_.push_back(s);
    for (int64_t i = s->prompt_tokens; i < s->length(); ++i) {
      const auto before = std::span(s->tokens).first(static_cast<size_t>(i));
      ASSERT_EQ(s->tokens[static_cast<size_t>(i)],
                FakeExecutor::Preferred(s->policy, versions_[static_cast<size_t>(s->policy)], before, vocabulary_));
    }
  }

  void RunAll() {
    while (Step()) {
      ASSERT_LE(scheduler_->pool().used(), scheduler_->pool().size());
    }
    EXPECT_EQ(scheduler_->size(), 0);
    EXPECT_EQ(scheduler_->pool().used(), scheduler_->tree().held());
  }

  int64_t Rows(Sequence* s) const {
    const auto at = rows_.find(s);
    return at == rows_.end() ? 0 : at->second;
  }

  int32_t vocabulary_ = 0;
  std::unique_ptr<FakeExecutor> executor_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<uint64_t> versions_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::vector<Sequence*> finished_;
  std::map<Sequence*, int64_t> rows_;  // of the last step
};

TEST_F(Scheduling, PromptsComeInSlicesBesideWhatIsDecoded) {
  Start({.prefill_tokens = 32}, {});
  Sequence* first = Add(Repeat(1, 20), 8);
  ASSERT_TRUE(Step());
  EXPECT_EQ(Rows(first), 20);
  Sequence* second = Add(Repeat(2, 70), 3);
  ASSERT_TRUE(Step());
  EXPECT_EQ(Rows(first), 1);
  EXPECT_EQ(Rows(second), 32);
  ASSERT_TRUE(Step());
  EXPECT_EQ(Rows(second), 32);
  EXPECT_EQ(second->length(), 70);
  ASSERT_TRUE(Step());
  EXPECT_EQ(Rows(second), 6);
  EXPECT_EQ(second->length(), 71);
  RunAll();
}

TEST_F(Scheduling, KnownPrefixesAreNotComputedAgain) {
  Start({}, {});
  Add(Repeat(1, 40) + Repeat(2, 9), 4);
  RunAll();
  const int64_t before = executor_->tokens_computed;
  Sequence* again = Add(Repeat(1, 40) + Repeat(3, 5), 4);
  RunAll();
  // Two whole blocks shared, and eight tokens of the third copied.
  EXPECT_EQ(again->cached_tokens, 40);
  EXPECT_EQ(executor_->tokens_computed - before, 5 + 3);
  EXPECT_EQ(executor_->copies, 1);
  // The same prompt: all but its last token.
  const Sequence* same = Add(Repeat(1, 40) + Repeat(3, 5), 1);
  RunAll();
  EXPECT_EQ(same->cached_tokens, 44);
  // A prompt that goes on from a reply.
  const Sequence* next = Add(again->tokens + Repeat(7, 3), 1);
  RunAll();
  EXPECT_EQ(next->cached_tokens, 48);
}

TEST_F(Scheduling, CallsWaitForTheOneThatComputesTheirPrefix) {
  Start({.prefill_tokens = 32}, {});
  std::vector<Sequence*> calls;
  for (int32_t i = 0; i < 6; ++i) calls.push_back(Add(Repeat(1, 64) + Repeat(10 + i, 4), 2));
  ASSERT_TRUE(Step());
  EXPECT_EQ(calls[0]->state, State::kActive);
  for (size_t i = 1; i < 6; ++i) EXPECT_EQ(calls[i]->state, State::kFollowing);
  RunAll();
  EXPECT_EQ(scheduler_->counts().prefill_tokens, 64 + 6 * 4);
  EXPECT_EQ(scheduler_->counts().cached_tokens, 5 * 64);
  EXPECT_EQ(scheduler_->counts().followed, 5);
}

TEST_F(Scheduling, WhenTheLeaderGoesAnotherLeads) {
  Start({.prefill_tokens = 16}, {});
  std::vector<Sequence*> calls;
  for (int32_t i = 0; i < 3; ++i) calls.push_back(Add(Repeat(1, 64) + Repeat(10 + i, 4), 2));
  ASSERT_TRUE(Step());
  scheduler_->Remove(calls[0], false);
  ASSERT_TRUE(Step());
  EXPECT_EQ(calls[1]->state, State::kActive);
  EXPECT_EQ(calls[1]->cached_tokens, 16);
  EXPECT_EQ(calls[2]->state, State::kFollowing);
  scheduler_->Remove(calls[2], false);
  RunAll();
  EXPECT_EQ(finished_, std::vector<Sequence*>{calls[1]});
}

TEST_F(Scheduling, ShortPromptsPassALongOneButNotForEver) {
  Start({.max_sequences = 8, .prefill_tokens = 16}, {.blocks = 512});
  Sequence* longest = Add(Repeat(1, 160), 1);
  int steps = 0;
  for (int32_t i = 0; longest->length() == 160; ++i) {
    Sequence* brief = Add(Repeat(2 + i, 15), 1);
    ASSERT_TRUE(Step());
    if (i == 0) {
      EXPECT_EQ(Rows(brief), 15);
    }
    ASSERT_LT(++steps, 400);
  }
  EXPECT_GT(finished_.size(), 20u);
  RunAll();
}

TEST_F(Scheduling, EarlierDeadlinesFirst) {
  Start({.max_sequences = 1}, {});
  Sequence* whenever = Add(Repeat(1, 4), 1);
  Sequence* late = Add(Repeat(2, 4), 1, 0, 50);
  Sequence* soon = Add(Repeat(3, 4), 1, 0, 20);
  RunAll();
  EXPECT_EQ(finished_, (std::vector<Sequence*>{soon, late, whenever}));
}

TEST_F(Scheduling, PoliciesTakeTurns) {
  Start({.policies = 2}, {});
  Sequence* a = Add(Repeat(1, 20), 6, 0);
  Sequence* b = Add(Repeat(1, 20), 6, 1);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Step());
    EXPECT_EQ(Rows(i % 2 == 0 ? a : b), i < 2 ? 20 : 1);
  }
  RunAll();
  EXPECT_EQ(scheduler_->counts().cached_tokens, 0);  // equal tokens of other weights
}

TEST_F(Scheduling, WithoutRoomTheLastIsPreemptedAndComesBack) {
  Start({}, {.blocks = 8});
  Sequence* first = Add(Repeat(1, 30), 80);
  Sequence* second = Add(Repeat(2, 30), 80);
  while (scheduler_->counts().preemptions == 0) ASSERT_TRUE(Step());
  EXPECT_EQ(first->state, State::kActive);
  EXPECT_EQ(second->state, State::kWaiting);
  EXPECT_TRUE(second->blocks.empty());
  RunAll();
  EXPECT_EQ(finished_, (std::vector<Sequence*>{first, second}));
}

TEST_F(Scheduling, OneThatNeedsEverythingGetsIt) {
  Start({.prefill_tokens = 16}, {.blocks = 8});
  Add(Repeat(1, 40), 10);
  Sequence* whole = Add(Repeat(2, 100), 28);
  Add(Repeat(3, 60), 20);
  EXPECT_TRUE(scheduler_->Fits(128));
  EXPECT_FALSE(scheduler_->Fits(129));
  RunAll();
  EXPECT_EQ(finished_.size(), 3u);
  EXPECT_EQ(whole->length(), 128);
}

TEST_F(Scheduling, ANewVersionComputesEverythingAgain) {
  Start({.policies = 2}, {});
  Add(Repeat(1, 40), 4, 0);
  Add(Repeat(1, 40), 4, 1);
  RunAll();
  scheduler_->NewVersion(0);
  versions_[0] = 1;
  EXPECT_EQ(scheduler_->pool().used(), 3);
  const Sequence* changed = Add(Repeat(1, 40), 4, 0);
  const Sequence* as_before = Add(Repeat(1, 40), 4, 1);
  RunAll();
  EXPECT_EQ(changed->cached_tokens, 0);
  EXPECT_EQ(as_before->cached_tokens, 39);
}

TEST_F(Scheduling, AFailedStepLeavesNothingBehind) {
  Start({}, {});
  Sequence* s = Add(Repeat(1, 40), 4);
  executor_->before_run = [](const backbone::Step&) { throw std::runtime_error("lost"); };
  EXPECT_THROW(Step(), std::runtime_error);
  scheduler_->Remove(s, false);
  EXPECT_EQ(scheduler_->pool().used(), 0);
  executor_->before_run = nullptr;
  Add(Repeat(1, 40), 4);
  RunAll();
}

TEST_F(Scheduling, AloneEachPromptIsOneStepAndNothingIsShared) {
  Start({.prefill_tokens = 16, .alone = true}, {.blocks = 12, .batch_invariant = false});
  std::vector<Sequence*> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(Add(Repeat(1, 50), 20));
  executor_->before_run = [](const backbone::Step& step) {
    ASSERT_EQ(step.segments.size(), 1u);
    ASSERT_EQ(step.segments[0].tokens.size(), step.segments[0].past == 0 ? 50u : 1u);
  };
  RunAll();
  EXPECT_EQ(finished_.size(), 5u);
  EXPECT_EQ(scheduler_->counts().cached_tokens, 0);
  EXPECT_EQ(scheduler_->counts().preemptions, 0);
  EXPECT_EQ(scheduler_->pool().used(), 0);
}

}  // namespace
}  // namespace jade::backbone
