// Several sets of weights from files, served side by side.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>

#include "runtime/backbone/backbone.h"
#include "runtime/backbone/byte_tokenizer.h"
#include "runtime/backbone/model_io.h"
#include "runtime/backbone/serving.h"

namespace jade::backbone {
namespace {

using engine::Event;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

class Policies : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("policies_test_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  static ModelConfig Config() {
    ModelConfig c;
    c.vocab_size = 260, c.hidden_size = 32, c.layers = 2, c.heads = 4, c.kv_heads = 2, c.head_dim = 16;
    c.ffn_size = 48, c.max_positions = 256;
    return c;
  }

  // Random weights whose replies depend on the prompt, in a folder.
  void Save(const std::string& name, uint64_t seed, const ModelConfig& config = Config(),
            const tokenizer::TokenizerSpec& spec = ByteTokenizer().spec()) {
    Decoder decoder(config);
    decoder.InitialiseRandom(seed);
    {
      at::NoGradGuard no_grad;
      for (const Parameter& p : decoder.parameters()) {
        if (p.tensor.dim() == 2) p.tensor.mul_(10.0);
      }
    }
    SaveOptions options;
    options.tokenizer = &spec;
    const Status saved = SaveDecoder(decoder, Path(name), options);
    ASSERT_TRUE(saved.ok()) << saved.error().ToString();
  }

  BackboneOptions Options(const std::string& model, const std::map<std::string, std::string>& policies) const {
    BackboneOptions options;
    options.model = Path(model);
    for (const auto& [name, folder] : policies) options.policies[name] = Path(folder);
    options.device = "cpu";
    options.dtype = "fp32";
    options.kv_cache_bytes = int64_t{4} << 20;
    options.threads = 1;
    return options;
  }

  void Start(const std::string& model, const std::map<std::string, std::string>& policies) {
    auto loaded = LoadBackbone(Options(model, policies));
    ASSERT_TRUE(loaded.ok()) << loaded.error().ToString();
    engine_ = std::move(*loaded);
    queue_ = std::make_shared<engine::EventQueue>();
    engine_->Connect(queue_);
  }

  std::string Problem(const std::string& model, const std::map<std::string, std::string>& policies) const {
    const auto loaded = LoadBackbone(Options(model, policies));
    return loaded.ok() ? "" : loaded.error().ToString();
  }

  void Submit(uint64_t id, const std::string& policy, const std::string& text) {
    engine::Request request;
    request.id = id;
    request.messages = std::make_shared<engine::Messages>(engine::Messages{{engine::MessageRole::kUser, text}});
    request.role = policy.empty() ? "AG" : "QR";
    request.policy = policy;
    request.sampling.max_tokens = 24;
    request.sampling.temperature = 0.0;
    const Status submitted = engine_->Submit(std::move(request));
    ASSERT_TRUE(submitted.ok()) << submitted.error().ToString();
  }

  std::map<uint64_t, engine::Reply> Collect(size_t count) {
    std::map<uint64_t, engine::Reply> replies;
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (replies.size() < count && std::chrono::steady_clock::now() < deadline) {
      std::vector<Event> events;
      if (!queue_->Drain(&events)) queue_->Wait(seconds(1));
      for (Event& event : events) {
        if (event.kind == Event::Kind::kReply) replies[event.id] = std::move(event.reply);
      }
    }
    EXPECT_EQ(replies.size(), count);
    return replies;
  }

  static std::string Prompt(uint64_t i) { return "question " + std::to_string(i / 2) + " of the same beginning"; }

  std::filesystem::path folder_;
  std::unique_ptr<engine::Engine> engine_;
  std::shared_ptr<engine::EventQueue> queue_;
};

TEST_F(Policies, RolesOfTwoWeightSetsReplyAsEachAlone) {
  Save("now", 1);
  Save("start", 2);
  constexpr uint64_t kCalls = 24;
  const auto alone = [&](const std::string& model) {
    Start(model, {});
    for (uint64_t i = 0; i < kCalls; ++i) Submit(i, "", Prompt(i));
    return Collect(kCalls);
  };
  const auto now = alone("now");
  const auto start = alone("start");

  Start("now", {{"start", "start"}});
  EXPECT_EQ(engine_->Describe(), "now (fp32, cpu, policy start)");
  for (uint64_t i = 0; i < kCalls; ++i) Submit(i, i % 2 == 0 ? "" : "start", Prompt(i));
  const auto both = Collect(kCalls);
  int differ = 0;
  for (uint64_t i = 0; i < kCalls; ++i) {
    const engine::Reply& wanted = i % 2 == 0 ? now.at(i) : start.at(i);
    EXPECT_EQ(both.at(i).action_ids, wanted.action_ids) << i;
    EXPECT_EQ(both.at(i).log_probs, wanted.log_probs) << i;
    if (now.at(i).action_ids != start.at(i).action_ids) ++differ;
  }
  EXPECT_GT(differ, 0);  // else nothing was seen
}

TEST_F(Policies, NamesOfOneFileAreOneSetOfWeights) {
  Save("now", 1);
  std::filesystem::create_directory_symlink(Path("now"), Path("link"));
  Start("now", {{"best", "now"}, {"start", "link"}});
  EXPECT_EQ(engine_->Describe(), "now (fp32, cpu, policies best, start)");
  const std::string prompt(100, 'x');
  Submit(1, "", prompt);
  const auto first = Collect(1);
  Submit(2, "best", prompt);
  Submit(3, "start", prompt);
  const auto others = Collect(2);
  for (const uint64_t id : {2, 3}) {
    EXPECT_EQ(others.at(id).action_ids, first.at(1).action_ids);
    EXPECT_GT(others.at(id).cached_tokens, 64) << "what one name computed serves the other";
  }
  EXPECT_THAT(engine_
                  ->Submit([] {
                    engine::Request request;
                    request.messages = std::make_shared<engine::Messages>();
                    request.policy = "other";
                    return request;
                  }())
                  .error()
                  .ToString(),
              HasSubstr("no policy `other`; it serves `best`, `start`"));
}

TEST_F(Policies, WhatDiffersIsNamed) {
  Save("now", 1);
  ModelConfig deeper = Config();
  deeper.layers = 3;
  Save("deep", 2, deeper);
  tokenizer::TokenizerSpec spec = ByteTokenizer().spec();
  spec.added.push_back({kByteVocabulary, "<|tool|>"});
  spec.tokens.emplace_back("<|tool|>");
  Save("tools", 3, Config(), spec);
  EXPECT_THAT(Problem("now", {{"start", "deep"}}),
              AllOf(HasSubstr("policy `start`: `" + Path("deep") + "` has another shape than `" + Path("now") + "`"),
                    HasSubstr("3 layers, not 2")));
  EXPECT_THAT(Problem("now", {{"start", "tools"}}),
              HasSubstr("has another tokenizer than `" + Path("now") + "`: there is a token 258, `<|tool|>`"));
  EXPECT_THAT(Problem("now", {{"start", "missing"}}), HasSubstr("policy `start`: "));
}

}  // namespace
}  // namespace jade::backbone
