#include "runtime/backbone/make_engine.h"

#include <gtest/gtest.h>

#include <map>

#include "runtime/backbone/byte_tokenizer.h"

namespace jade::backbone {
namespace {

using engine::Event;
using engine::Finish;
using engine::MessageRole;
using std::chrono::seconds;

// With the processor's own executor, and with plain LibTorch.
class Serving : public ::testing::TestWithParam<bool> {
 protected:
  void Start(EngineOptions options, int64_t context = 256, int64_t head_dim = 16) {
    ModelConfig c;
    c.vocab_size = 258, c.hidden_size = 32, c.layers = 2, c.heads = 4, c.kv_heads = 2, c.head_dim = head_dim;
    c.ffn_size = 48, c.max_positions = context;
    auto decoder = std::make_shared<Decoder>(c);
    decoder->InitialiseRandom(9);
    {
      at::NoGradGuard no_grad;
      for (const Parameter& p : decoder->parameters()) {
        if (p.tensor.dim() == 2) p.tensor.mul_(10.0);
      }
    }
    decoder_ = decoder;
    options.threads = 2;
    options.plain = GetParam();
    auto made = MakeEngine({{"", decoder}}, ByteChat(), options);
    ASSERT_TRUE(made.ok()) << made.error().ToString();
    engine_ = std::move(made).value();
    queue_ = std::make_shared<engine::EventQueue>();
    engine_->Connect(queue_);
  }

  static engine::Request MakeRequest(uint64_t id, const std::string& text, int max_tokens, double temperature = 0.0) {
    engine::Request request;
    request.id = id;
    request.messages = std::make_shared<engine::Messages>(engine::Messages{{MessageRole::kUser, text}});
    request.role = "AG";
    request.sampling.max_tokens = max_tokens;
    request.sampling.temperature = temperature;
    request.sampling.stream = {id, 17};
    return request;
  }

  // Collects replies until `count` more have come.
  void Collect(size_t count) {
    const size_t wanted = replies_.size() + count;
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (replies_.size() < wanted && std::chrono::steady_clock::now() < deadline) {
      std::vector<Event> events;
      if (!queue_->Drain(&events)) queue_->Wait(seconds(1));
      for (Event& event : events) {
        if (event.kind == Event::Kind::kReply) replies_[event.id] = std::move(event.reply);
        if (event.kind == Event::Kind::kDelta) deltas_[event.id] += event.delta;
      }
    }
    ASSERT_EQ(replies_.size(), wanted);
  }

  engine::Reply Ask(engine::Request request) {
    const uint64_t id = request.id;
    const Status submitted = engine_->Submit(std::move(request));
    EXPECT_TRUE(submitted.ok()) << submitted.error().ToString();
    Collect(1);
    return replies_[id];
  }

  std::shared_ptr<Decoder> decoder_;
  std::unique_ptr<ServingEngine> engine_;
  std::shared_ptr<engine::EventQueue> queue_;
  std::map<uint64_t, engine::Reply> replies_;
  std::map<uint64_t, std::string> deltas_;
};

TEST_P(Serving, GreedyFollowsTheModel) {
  Start({});
  const engine::Reply reply = Ask(MakeRequest(1, "hello", 12));
  ASSERT_FALSE(reply.action_ids.empty());
  ASSERT_EQ(reply.action_ids.size(), reply.log_probs.size());
  at::NoGradGuard no_grad;
  std::vector<std::vector<int32_t>> sequence{reply.observation_ids};
  for (size_t i = 0; i < reply.action_ids.size(); ++i) {
    const at::Tensor hidden = decoder_->ForwardPacked(PackSequences(sequence));
    const at::Tensor log_probs =
        at::log_softmax(decoder_->Logits(hidden.narrow(0, hidden.size(0) - 1, 1)), -1).view(-1);
    EXPECT_EQ(reply.action_ids[i], log_probs.argmax().item<int64_t>());
    EXPECT_NEAR(reply.log_probs[i], log_probs.max().item<float>(), 1e-4);
    sequence[0].push_back(reply.action_ids[i]);
  }
}

TEST_P(Serving, HeadsOfAnyWidth) {
  Start({}, 256, 8);
  EXPECT_NE(Ask(MakeRequest(1, "narrow heads", 8)).finish, Finish::kError);
}

TEST_P(Serving, ABatchGivesWhatEachCallGivesAlone) {
  EngineOptions options;
  options.serving.deterministic = true;
  Start(options);
  std::vector<engine::Reply> alone;
  for (uint64_t i = 0; i < 12; ++i) alone.push_back(Ask(MakeRequest(i, std::string(5 * i + 1, 'x'), 20, 1.0)));
  for (uint64_t i = 0; i < 12; ++i) {
    engine::Request request = MakeRequest(i, std::string(5 * i + 1, 'x'), 20, 1.0);
    request.id = 100 + i;
    ASSERT_TRUE(engine_->Submit(request).ok());
  }
  Collect(12);
  for (uint64_t i = 0; i < 12; ++i) {
    EXPECT_EQ(replies_[100 + i].action_ids, alone[i].action_ids);
    EXPECT_EQ(replies_[100 + i].log_probs, alone[i].log_probs);  // bit for bit
  }
}

// Cached prefixes, slices of any length and preemption too leave replies as they are where the executor is
// batch-invariant.
TEST_P(Serving, RepliesDoNotDependOnWhatElseIsThere) {
  if (GetParam()) GTEST_SKIP() << "plain LibTorch is not batch-invariant";
  EngineOptions options;
  options.serving.prefix_cache = false;
  options.serving.max_sequences = 1;
  Start(options);
  const auto make = [](uint64_t id) {
    return MakeRequest(id, std::string(40 + 7 * (id % 3), 'x') + std::string(1 + id % 11, 'y'), 60, 1.0);
  };
  std::vector<engine::Reply> alone;
  for (uint64_t id = 0; id < 24; ++id) alone.push_back(Ask(make(id)));
  replies_.clear();
  options.serving.prefix_cache = true;
  options.serving.max_sequences = 64;
  options.serving.prefill_tokens = 40;
  options.kv_cache_bytes = 24 * 16 * (2 * 2 * 2 * 16 * 4);  // 24 blocks: three or four calls
  Start(options);
  for (uint64_t id = 0; id < 24; ++id) ASSERT_TRUE(engine_->Submit(make(id)).ok());
  Collect(24);
  for (uint64_t id = 0; id < 24; ++id) {
    EXPECT_EQ(replies_[id].action_ids, alone[id].action_ids) << id;
    EXPECT_EQ(replies_[id].log_probs, alone[id].log_probs) << id;
  }
  const ServingStatistics statistics = engine_->statistics();
  EXPECT_GT(statistics.preemptions, 0);
  EXPECT_GT(statistics.cached_tokens, 0);
}

TEST_P(Serving, ContinuousBatchAgreesWithinRounding) {
  EngineOptions options;
  options.serving.prefill_tokens = 16;  // prompts arrive in slices beside calls being decoded
  options.serving.max_sequences = 5;
  Start(options);
  for (uint64_t i = 0; i < 14; ++i)
    ASSERT_TRUE(engine_->Submit(MakeRequest(i, std::string(3 + 9 * (i % 5), 'a'), 24)).ok());
  Collect(14);
  at::NoGradGuard no_grad;
  for (const auto& [id, reply] : replies_) {
    std::vector<int32_t> whole = reply.observation_ids;
    whole.insert(whole.end(), reply.action_ids.begin(), reply.action_ids.end());
    const std::vector<std::vector<int32_t>> one{whole};
    const at::Tensor log_probs = at::log_softmax(decoder_->Logits(decoder_->ForwardPacked(PackSequences(one))), -1);
    for (size_t i = 0; i < reply.action_ids.size(); ++i) {
      const auto row = static_cast<int64_t>(reply.observation_ids.size() + i) - 1;
      EXPECT_NEAR(reply.log_probs[i], log_probs[row][reply.action_ids[i]].item<float>(), 1e-3) << id << " " << i;
    }
  }
}

TEST_P(Serving, StreamingAddsUpToTheText) {
  Start({});
  engine::Request request = MakeRequest(1, "stream", 40, 1.0);
  request.want_stream = true;
  const engine::Reply reply = Ask(request);
  EXPECT_EQ(deltas_[1], reply.text);
}

TEST_P(Serving, AStopStringEndsTheReplyBeforeIt) {
  Start({});
  const engine::Reply whole = Ask(MakeRequest(1, "abc", 30, 1.0));
  ASSERT_GT(whole.text.size(), 12u);
  engine::Request request = MakeRequest(2, "abc", 30, 1.0);
  request.sampling.stream = {1, 17};
  request.want_stream = true;
  request.sampling.stop = {whole.text.substr(6, 4)};
  const engine::Reply stopped = Ask(request);
  EXPECT_EQ(stopped.finish, Finish::kStop);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(request.sampling.stop[0])));
  EXPECT_EQ(deltas_[2], stopped.text);
  EXPECT_LT(stopped.action_ids.size(), whole.action_ids.size());
}

TEST_P(Serving, CancellationFreesTheCacheForThoseWhoWait) {
  EngineOptions options;
  options.kv_cache_bytes = 256 * (2 * 2 * 2 * 16 * 4);  // sixteen blocks
  Start(options, 100000);
  // Together they need more than there is.
  ASSERT_TRUE(engine_->Submit(MakeRequest(1, "first", 220, 1.0)).ok());
  engine::Request second = MakeRequest(2, "second", 200);
  ASSERT_TRUE(engine_->Submit(second).ok());
  engine_->Cancel(1);
  engine_->Cancel(777);
  Collect(2);
  EXPECT_NE(replies_[2].finish, Finish::kCancelled);
  EXPECT_FALSE(replies_[2].action_ids.empty());
}

TEST_P(Serving, WhatCannotFitIsRefusedAtOnce) {
  EngineOptions options;
  options.kv_cache_bytes = 64 * (2 * 2 * 2 * 16 * 4);
  Start(options, 128);
  const Status too_long = engine_->Submit(MakeRequest(1, std::string(300, 'x'), 4));
  ASSERT_FALSE(too_long.ok());
  EXPECT_EQ(too_long.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(too_long.error().message().find("holds 128"), std::string::npos) << too_long.error().message();
  const Status too_large = engine_->Submit(MakeRequest(2, "x", 100));
  ASSERT_FALSE(too_large.ok());
  EXPECT_EQ(too_large.error().code(), ErrorCode::kOutOfMemory);
  engine::Request bad = MakeRequest(3, "x", 4, -1.0);
  EXPECT_FALSE(engine_->Submit(bad).ok());
  bad = MakeRequest(4, "x", 4);
  bad.policy = "planner";
  EXPECT_EQ(engine_->Submit(bad).error().code(), ErrorCode::kNotFound);
  EXPECT_NE(Ask(MakeRequest(5, "x", 4)).finish, Finish::kError);
}

TEST_P(Serving, AFullContextEndsTheReply) {
  Start({}, 40);
  for (uint64_t i = 1; i < 20; ++i) {
    const engine::Reply reply = Ask(MakeRequest(i, "x", 1000, 1.0));
    EXPECT_LE(reply.observation_ids.size() + reply.action_ids.size(), 40u);
    if (reply.finish == Finish::kLength) {
      EXPECT_EQ(reply.observation_ids.size() + reply.action_ids.size(), 40u);
    }
  }
}

TEST_P(Serving, NotANumberIsAnErrorAndTheEngineGoesOn) {
  Start({});
  const engine::Reply fine = Ask(MakeRequest(1, "x", 2));
  EXPECT_NE(fine.finish, Finish::kError);
  const auto set_norm = [&](float value) {
    at::NoGradGuard no_grad;
    decoder_->Find("model.norm.weight")->fill_(value);
  };
  ASSERT_TRUE(engine_->Refresh("", [&] { set_norm(std::numeric_limits<float>::quiet_NaN()); }).ok());
  for (uint64_t id = 2; id < 4; ++id) {
    const engine::Reply reply = Ask(MakeRequest(id, "x", 2));
    ASSERT_EQ(reply.finish, Finish::kError);
    EXPECT_NE(reply.error->message().find("not numbers"), std::string::npos);
  }
  ASSERT_TRUE(engine_->Refresh("", [&] { set_norm(1.0f); }).ok());
  EXPECT_EQ(Ask(MakeRequest(4, "x", 2)).action_ids, fine.action_ids);
}

INSTANTIATE_TEST_SUITE_P(Executors, Serving, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Plain" : "Packed"; });

ModelConfig SmallConfig() {
  ModelConfig c;
  c.vocab_size = 258, c.hidden_size = 32, c.layers = 2, c.heads = 4, c.kv_heads = 2, c.head_dim = 8;
  c.ffn_size = 48, c.max_positions = 64;
  return c;
}

TEST(MakeEngine, WhatKeepsWeightsFromBeingServedTogether) {
  const ModelConfig first = SmallConfig();
  const auto difference = [&](auto change) {
    ModelConfig other = first;
    change(other);
    return ShapeDifference(first, other);
  };
  EXPECT_EQ(difference([](ModelConfig&) {}), "");
  EXPECT_EQ(difference([](ModelConfig& c) { c.max_positions = 128, c.tied_embeddings = true, c.eos_ids = {7}; }), "");
  EXPECT_EQ(difference([](ModelConfig& c) { c.norm_eps = static_cast<float>(c.norm_eps); }), "");
  EXPECT_EQ(difference([](ModelConfig& c) { c.hidden_size = 64; }), "64 as hidden size, not 32");
  EXPECT_EQ(difference([](ModelConfig& c) { c.vocab_size = 300; }), "300 tokens in its vocabulary, not 258");
  EXPECT_EQ(difference([](ModelConfig& c) { c.kv_heads = 4; }), "4 key/value heads, not 2");
  EXPECT_EQ(difference([](ModelConfig& c) { c.qkv_bias = true; }), "biases on q, k and v");
  EXPECT_EQ(difference([](ModelConfig& c) { c.norm_eps = 1e-6; }), "a norm epsilon of 1e-06, not 1e-05");
  EXPECT_EQ(difference([](ModelConfig& c) { c.rope_theta = 1e6; }), "other rotary frequencies");
}

TEST(MakeEngine, PoliciesOfDifferentShapesAreRefused) {
  ModelConfig c = SmallConfig();
  const auto decoder = std::make_shared<Decoder>(c);
  c.layers = 3;
  const auto deeper = std::make_shared<Decoder>(c);
  const auto error = [](const std::vector<NamedDecoder>& policies) {
    const auto made = MakeEngine(policies, ByteChat(), {});
    return made.ok() ? std::string() : made.error().message();
  };
  EXPECT_NE(error({{"a", decoder}, {"b", deeper}})
                .find("policy `b` cannot be served beside the model, it has 3 layers, not 2"),
            std::string::npos);
  EXPECT_EQ(error({{"a", decoder}, {"a", decoder}}), "two policies are called `a`");
  EXPECT_NE(error({}).find("at least one"), std::string::npos);
}

}  // namespace
}  // namespace jade::backbone
