#include "runtime/backbone/engine_loop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <new>
#include <stdexcept>

#include "runtime/backbone/byte_tokenizer.h"
#include "runtime/backbone/fake_executor.h"
#include "runtime/backbone/one_of.h"

namespace jade::backbone {
namespace {

using engine::Finish;

class Looping : public ::testing::Test, public EngineAnswers {
 protected:
  void Start(SchedulerOptions options = {}, int64_t blocks = 64) {
    FakeExecutor::Options fake;
    fake.blocks = blocks;
    fake.vocabulary = kByteVocabulary;
    fake.policies = options.policies;
    executor_ = std::make_unique<FakeExecutor>(fake);
    loop_ = std::make_unique<EngineLoop>(executor_.get(), options, this);
  }

  static engine::Request MakeRequest(uint64_t id, int max_tokens) {
    engine::Request request;
    request.id = id;
    request.role = "AG";
    request.sampling.temperature = 0.0;
    request.sampling.max_tokens = max_tokens;
    request.sampling.stream = {id, 3};
    return request;
  }

  Call* Add(engine::Request request, const std::string& prompt, int policy = 0) {
    Call::Parts parts;
    parts.observation.ids.assign(prompt.begin(), prompt.end());
    parts.policy = policy;
    parts.most_reply_tokens = request.sampling.max_tokens;
    if (request.constraint != nullptr) {
      const auto bound = request.constraint->Bind(ByteTokens());
      EXPECT_TRUE(bound.ok());
      parts.constraint = (*bound)->Start(engine::kAnyLength);
    }
    parts.end_ids = std::make_shared<std::vector<int32_t>>(1, kImEnd);
    parts.request = std::move(request);
    auto call = std::make_unique<Call>(std::move(parts), tokenizer_);
    Call* added = call.get();
    loop_->Add(std::move(call));
    return added;
  }

  void RunAll() {
    while (loop_->busy()) loop_->Step();
  }

  int64_t BlocksInUse() const {
    const ServingStatistics s = loop_->statistics();
    return s.used_blocks - s.cached_blocks;
  }

  // What the fake model says after a prompt.
  static std::vector<int32_t> Expected(const std::string& prompt, size_t most, uint64_t version = 0, int policy = 0) {
    std::vector<int32_t> tokens(prompt.begin(), prompt.end());
    while (tokens.size() < prompt.size() + most && (tokens.size() == prompt.size() || tokens.back() != kImEnd)) {
      tokens.push_back(FakeExecutor::Preferred(policy, version, tokens, kByteVocabulary));
    }
    return {tokens.begin() + static_cast<std::ptrdiff_t>(prompt.size()), tokens.end()};
  }

  void Started(uint64_t id) override { started_.push_back(id); }
  void Delta(uint64_t id, std::string text) override { deltas_[id] += text; }
  void Replied(uint64_t id, engine::Reply reply) override {
    order_.push_back(id);
    replies_[id] = std::move(reply);
  }

  tokenizer::Tokenizer tokenizer_ = ByteTokenizer();
  std::unique_ptr<FakeExecutor> executor_;
  std::unique_ptr<EngineLoop> loop_;
  std::vector<uint64_t> started_, order_;
  std::map<uint64_t, std::string> deltas_;
  std::map<uint64_t, engine::Reply> replies_;
};

TEST_F(Looping, GreedyRepliesAreTheModels) {
  Start();
  for (uint64_t id = 1; id <= 10; ++id) Add(MakeRequest(id, 20), "prompt " + std::to_string(id));
  RunAll();
  for (uint64_t id = 1; id <= 10; ++id) {
    const engine::Reply& reply = replies_[id];
    const std::vector<int32_t> expected = Expected("prompt " + std::to_string(id), 20);
    EXPECT_EQ(reply.action_ids, expected);
    EXPECT_EQ(reply.finish, expected.back() == kImEnd ? Finish::kStop : Finish::kLength);
    // The preferred one has logit 4, all others 0.
    for (const float p : reply.log_probs) EXPECT_NEAR(p, 4.0 - std::log(std::exp(4.0) + 257.0), 1e-5);
    EXPECT_EQ(std::string(reply.observation_ids.begin(), reply.observation_ids.end()), "prompt " + std::to_string(id));
  }
  EXPECT_EQ(started_.size(), 10u);
  EXPECT_EQ(loop_->statistics().calls, 10);
  EXPECT_EQ(BlocksInUse(), 0);
}

TEST_F(Looping, StreamsWhatIsCertain) {
  Start();
  engine::Request request = MakeRequest(1, 40);
  request.want_stream = true;
  Add(request, "stream");
  RunAll();
  EXPECT_EQ(deltas_[1], replies_[1].text);
  EXPECT_FALSE(deltas_[1].empty());
}

TEST_F(Looping, CachedTokensAreReported) {
  Start();
  Add(MakeRequest(1, 2), std::string(40, 'x') + "first");
  RunAll();
  Add(MakeRequest(2, 2), std::string(40, 'x') + "second");
  RunAll();
  EXPECT_EQ(replies_[1].cached_tokens, 0);
  EXPECT_EQ(replies_[2].cached_tokens, 40);
  EXPECT_EQ(loop_->statistics().cached_tokens, 40);
}

TEST_F(Looping, AConstraintMasksAndItsForcedTokensNeedNoModel) {
  Start();
  engine::Request request = MakeRequest(1, 20);
  request.sampling.temperature = 1.0;
  request.constraint = std::make_shared<OneOf>(std::vector<std::string>{"yes", "no"});
  Add(request, "question");
  RunAll();
  const engine::Reply& reply = replies_[1];
  ASSERT_TRUE(reply.text == "yes" || reply.text == "no") << reply.text;
  EXPECT_EQ(reply.finish, Finish::kStop);
  EXPECT_EQ(executor_->runs, 1);  // for the first letter alone
  ASSERT_EQ(reply.action_ids.size(), reply.text.size() + 1);
  EXPECT_EQ(reply.action_ids.back(), kImEnd);
  // Two letters with equal logits, unless the model prefers one of them.
  const int32_t preferred = Expected("question", 1)[0];
  ASSERT_TRUE(preferred != 'y' && preferred != 'n');
  EXPECT_NEAR(reply.log_probs[0], std::log(0.5), 1e-5);
  std::vector<uint32_t> states{2};
  for (uint32_t i = 1; i < reply.action_ids.size(); ++i) {
    EXPECT_EQ(reply.log_probs[i], 0.0f);
    states.push_back(i * 100 + 1);
  }
  EXPECT_EQ(reply.constraint_states, states);
}

TEST_F(Looping, ForcedTokensInTheMiddleAreComputedTogether) {
  Start();
  engine::Request request = MakeRequest(1, 40);
  request.constraint = std::make_shared<OneOf>(std::vector<std::string>{"left then a", "left then b"});
  Add(request, "q");
  RunAll();
  EXPECT_TRUE(replies_[1].text == "left then a" || replies_[1].text == "left then b");
  EXPECT_EQ(executor_->runs, 1);
  EXPECT_EQ(executor_->tokens_computed, 11);  // the prompt and "left then "
}

TEST_F(Looping, WhereNothingIsLeftToChooseTheModelIsNotAsked) {
  Start();
  engine::Request request = MakeRequest(1, 40);
  request.constraint = std::make_shared<OneOf>(std::vector<std::string>{"fixed"});
  Add(request, "q");
  EXPECT_FALSE(loop_->busy());
  EXPECT_EQ(replies_[1].text, "fixed");
  EXPECT_EQ(executor_->runs, 0);
  EXPECT_EQ(started_, std::vector<uint64_t>{1});
  request.id = 2;
  request.sampling.max_tokens = 3;
  Add(request, "q");
  EXPECT_EQ(replies_[2].text, "fix");
  EXPECT_EQ(replies_[2].finish, Finish::kLength);
}

TEST_F(Looping, TheSameNumbersWhateverIsForced) {
  // The i-th token takes the i-th number of the stream, also when tokens before it took none.
  Start();
  for (uint64_t id = 1; id <= 20; ++id) {
    engine::Request request = MakeRequest(id, 40);
    request.sampling.temperature = 1.0;
    request.constraint = std::make_shared<OneOf>(std::vector<std::string>{"ab0", "ab1"});
    Add(request, "a prompt");
    RandomStream stream(request.sampling.stream);
    stream.Seek(2);
    RunAll();
    EXPECT_EQ(replies_[id].text, stream.NextUniform() < 0.5 ? "ab0" : "ab1") << id;
  }
}

TEST_F(Looping, RepetitionPenaltyCountsPromptAndReply) {
  Start();
  executor_->after_run = [](const backbone::Step&, std::span<float> logits) {
    std::fill(logits.begin(), logits.end(), -1.0f);
    logits['a'] = 5.0f, logits['b'] = 4.0f, logits['c'] = 3.0f;
  };
  engine::Request request = MakeRequest(1, 4);
  request.sampling.repetition_penalty = 1.5;
  Add(request, "a");
  RunAll();
  EXPECT_EQ(replies_[1].text, "baaa");  // 4 against 5/1.5 and 3; then 5/1.5 against 4/1.5 and 3
}

TEST_F(Looping, NotANumberFailsThatCallOnly) {
  Start();
  executor_->after_run = [](const backbone::Step&, std::span<float> logits) {
    if (logits.size() == 2 * kByteVocabulary) logits[kByteVocabulary + 7] = std::numeric_limits<float>::quiet_NaN();
  };
  Add(MakeRequest(1, 8), "fine");
  Add(MakeRequest(2, 8), "damaged");
  RunAll();
  EXPECT_EQ(replies_[1].action_ids, Expected("fine", 8));
  ASSERT_EQ(replies_[2].finish, Finish::kError);
  EXPECT_NE(replies_[2].error->message().find("not numbers"), std::string::npos);
  EXPECT_EQ(BlocksInUse(), 0);
}

TEST_F(Looping, AFailedStepFailsItsCallsAndTheEngineGoesOn) {
  SchedulerOptions options;
  options.policies = 2;
  Start(options);
  executor_->before_run = [](const backbone::Step& step) {
    if (step.policy == 0) throw std::bad_alloc();
    if (step.segments.size() > 1) throw std::runtime_error("device lost\nException raised from somewhere");
  };
  Add(MakeRequest(1, 4), "a", 0);
  Add(MakeRequest(2, 4), "b", 1);
  RunAll();
  EXPECT_EQ(replies_[1].error->code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(replies_[2].action_ids, Expected("b", 4, 0, 1));
  Add(MakeRequest(3, 4), "c", 1);
  Add(MakeRequest(4, 4), "d", 1);
  RunAll();
  EXPECT_EQ(replies_[3].error->message(), "device lost");
  EXPECT_EQ(replies_[4].error->code(), ErrorCode::kUnavailable);
  EXPECT_EQ(BlocksInUse(), 0);
}

TEST_F(Looping, CancellingFreesBlocksAtOnceAndIsAnswered) {
  SchedulerOptions options;
  options.max_sequences = 1;
  Start(options);
  Add(MakeRequest(1, 50), std::string(100, 'x'));
  Add(MakeRequest(2, 50), std::string(100, 'y'));
  for (int i = 0; i < 5; ++i) loop_->Step();
  EXPECT_GT(BlocksInUse(), 0);
  loop_->Cancel(1);
  EXPECT_EQ(BlocksInUse(), 0);
  loop_->Cancel(2);
  loop_->Cancel(3);
  EXPECT_FALSE(loop_->busy());
  EXPECT_EQ(order_, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(replies_[1].finish, Finish::kCancelled);
  EXPECT_EQ(replies_[2].finish, Finish::kCancelled);
}

TEST_F(Looping, TwoCallsWithOneIdAreRefused) {
  Start();
  Add(MakeRequest(1, 2), "a");
  Add(MakeRequest(1, 2), "b");
  ASSERT_EQ(order_.size(), 1u);
  EXPECT_EQ(replies_[1].error->code(), ErrorCode::kInvalidArgument);
  RunAll();
  EXPECT_EQ(order_.size(), 2u);
}

TEST_F(Looping, WeightsChangeBetweenTheCallsBeforeAndAfter) {
  SchedulerOptions options;
  options.policies = 2;
  Start(options);
  Add(MakeRequest(1, 8), "prompt");
  loop_->Step();
  auto change = std::make_unique<EngineLoop::Change>();
  std::future<Status> done = change->done.get_future();
  bool changed = false;
  change->change = [&] {
    EXPECT_TRUE(replies_.count(1) != 0 && replies_.count(2) == 0);
    changed = true;
  };
  loop_->Refresh(std::move(change));
  EXPECT_FALSE(changed);
  Add(MakeRequest(2, 8), "prompt");
  Add(MakeRequest(3, 8), "prompt");
  Add(MakeRequest(4, 8), "other", 1);
  loop_->Cancel(3);
  RunAll();
  EXPECT_TRUE(changed);
  EXPECT_TRUE(done.get().ok());
  EXPECT_EQ(replies_[1].action_ids, Expected("prompt", 8, 0));
  EXPECT_EQ(replies_[2].action_ids, Expected("prompt", 8, 1));
  EXPECT_EQ(replies_[3].finish, Finish::kCancelled);
  EXPECT_EQ(replies_[4].action_ids, Expected("other", 8, 0, 1));
}

TEST_F(Looping, AChangeThatThrowsIsReported) {
  Start();
  auto change = std::make_unique<EngineLoop::Change>();
  std::future<Status> done = change->done.get_future();
  change->change = [] { throw std::runtime_error("no such file"); };
  loop_->Refresh(std::move(change));
  const Status status = done.get();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "no such file");
  Add(MakeRequest(1, 4), "a");
  RunAll();
  EXPECT_EQ(replies_[1].action_ids, Expected("a", 4, 1));
}

TEST_F(Looping, TheEndCancelsWhatIsLeft) {
  Start();
  Add(MakeRequest(1, 8), "a");
  loop_->Step();
  auto change = std::make_unique<EngineLoop::Change>();
  std::future<Status> done = change->done.get_future();
  loop_->Refresh(std::move(change));
  Add(MakeRequest(2, 8), "b");
  loop_->Stop();
  EXPECT_EQ(done.get().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(order_, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(replies_[2].finish, Finish::kCancelled);
}

// Under pressure: 300 calls in a cache for three of them, replies as if alone.
TEST_F(Looping, ManyCallsInASmallCache) {
  SchedulerOptions options;
  options.max_sequences = 16;
  options.prefill_tokens = 40;
  Start(options, 12);
  for (uint64_t id = 1; id <= 300; ++id) {
    Add(MakeRequest(id, 60), std::string(20 + 13 * (id % 4), 'p') + std::to_string(id % 50));
  }
  RunAll();
  for (uint64_t id = 1; id <= 300; ++id) {
    EXPECT_EQ(replies_[id].action_ids, Expected(std::string(20 + 13 * (id % 4), 'p') + std::to_string(id % 50), 60));
  }
  EXPECT_GT(loop_->statistics().preemptions, 0);
  EXPECT_EQ(BlocksInUse(), 0);
}

}  // namespace
}  // namespace jade::backbone
