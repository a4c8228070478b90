#include "bench/engine/engine_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "bench/engine/plot.h"
#include "runtime/trace/store.h"

namespace jade::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

weights::ModelConfig TinyShape() {
  weights::ModelConfig c;
  c.vocab_size = 300, c.hidden_size = 16, c.layers = 1, c.heads = 2, c.kv_heads = 1, c.head_dim = 8, c.ffn_size = 24;
  c.max_positions = 1024;
  return c;
}

// Computes nothing; checks what the seam demands of its caller.
class CheckingExecutor final : public backbone::Executor {
 public:
  explicit CheckingExecutor(int64_t blocks) : blocks_(blocks) {}
  int64_t vocab_size() const override { return 300; }
  int64_t block_bytes() const override { return 1024; }
  int64_t block_count() const override { return blocks_; }
  bool batch_invariant() const override { return true; }
  void CopyBlock(backbone::BlockId, backbone::BlockId, int64_t) override {}
  void Refresh(int) override {}
  void ParallelFor(int64_t count, const std::function<void(int64_t)>& work) override {
    for (int64_t i = 0; i < count; ++i) work(i);
  }

  std::span<float> Run(const backbone::Step& step) override {
    std::set<backbone::BlockId> written;
    size_t wanted = 0;
    for (const backbone::StepSegment& segment : step.segments) {
      const auto tokens = static_cast<int64_t>(segment.tokens.size());
      EXPECT_GE(tokens, 1);
      EXPECT_LE(segment.past + tokens, static_cast<int64_t>(segment.blocks.size()) * backbone::kKvBlockTokens);
      for (int64_t block = segment.past / backbone::kKvBlockTokens;
           block <= (segment.past + tokens - 1) / backbone::kKvBlockTokens; ++block) {
        const backbone::BlockId id = segment.blocks[static_cast<size_t>(block)];
        EXPECT_TRUE(id >= 0 && id < blocks_);
        EXPECT_TRUE(written.insert(id).second) << "block " << id << " is written by two segments";
      }
      wanted += segment.wants_logits ? 1 : 0;
    }
    logits_.assign(wanted * 300, 0.0F);
    return logits_;
  }

 private:
  int64_t blocks_;
  std::vector<float> logits_;
};

std::vector<int32_t> CharacterIds(const engine::Messages& messages) {
  std::vector<int32_t> ids{1};
  for (const engine::Message& message : messages) {
    for (const char c : message.text) ids.push_back(static_cast<unsigned char>(c));
    ids.push_back(2);
  }
  return ids;
}

struct Served {
  int64_t calls = 0;
  int64_t most_at_once = 0;
  int64_t with_static_prefix = 0;
};

// Answers one call in each Step.
class EchoEngine final : public backbone::ServingEngine {
 public:
  explicit EchoEngine(Served* served) : served_(served) {}
  Status Submit(engine::Request request) override {
    waiting_.push_back(std::move(request));
    served_->most_at_once = std::max(served_->most_at_once, static_cast<int64_t>(waiting_.size()));
    return {};
  }
  void Cancel(uint64_t) override {}
  bool Step() override {
    if (waiting_.empty()) return false;
    const engine::Request request = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    ++served_->calls;
    if (request.messages->front().static_bytes > 0) ++served_->with_static_prefix;
    engine::Reply reply;
    reply.observation_ids = CharacterIds(*request.messages);
    reply.cached_tokens = static_cast<int64_t>(reply.observation_ids.size()) / 2;
    reply.action_ids.assign(static_cast<size_t>(request.sampling.max_tokens), 5);
    PostReply(request.id, std::move(reply));
    return true;
  }
  std::string Describe() const override { return "echo"; }
  Status Refresh(const std::string&, std::function<void()>) override { return {}; }
  backbone::ServingStatistics statistics() const override {
    backbone::ServingStatistics counted;
    counted.executor_us = served_->calls;
    counted.peak_used_blocks = 3;
    counted.block_bytes = 1000;
    return counted;
  }

 private:
  Served* served_;
  std::vector<engine::Request> waiting_;
};

class FakeModel final : public backbone::MeasuredModel {
 public:
  const weights::ModelConfig& config() const override { return config_; }
  std::string Describe() const override { return "fake"; }
  std::string dtype() const override { return "bf16"; }
  int threads() const override { return 1; }
  bool on_cpu() const override { return false; }  // so that no memory is read for long
  bool may_end_replies() const override { return false; }
  Result<std::unique_ptr<backbone::Executor>> MakeExecutor(int64_t kv_cache_bytes) override {
    return std::unique_ptr<backbone::Executor>(std::make_unique<CheckingExecutor>(kv_cache_bytes / 1024));
  }
  Result<std::unique_ptr<backbone::ServingEngine>> MakeEngine(const backbone::MeasuredEngineOptions& options) override {
    prefix_cache.push_back(options.prefix_cache);
    served.emplace_back(std::make_unique<Served>());
    return std::unique_ptr<backbone::ServingEngine>(std::make_unique<EchoEngine>(served.back().get()));
  }
  std::vector<int32_t> Render(const engine::Messages& messages) const override { return CharacterIds(messages); }
  std::vector<backbone::ProductRate> ProductRates(const std::string&) override {
    return {{"slow", 1e9}, {"fast", 2e9}};
  }
  double DeviceReadBytesPerSecond() override { return 1e9; }

  std::vector<bool> prefix_cache;
  std::vector<std::unique_ptr<Served>> served;

 private:
  weights::ModelConfig config_ = TinyShape();
};

EngineBenchOptions SmallOptions() {
  EngineBenchOptions options;
  options.repetitions = 1;
  options.batches = {1, 8, 32};
  options.decode_steps = 3;
  options.role_calls = {.calls = 10, .shared_tokens = 40, .own_tokens = 20, .reply_tokens = 4};
  options.questions = 4;
  return options;
}

std::vector<std::string> Names(const std::vector<EngineRow>& rows) {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const EngineRow& row : rows) names.push_back(row.name);
  return names;
}

// Scripts and documents name these rows.
TEST(EngineBenchTest, NamesAreStable) {
  FakeModel model;
  const auto rows = BenchEngine(model, SmallOptions());
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows),
              ElementsAre("machine.gemm_bf16.gflops", "machine.gemm_fp32.gflops", "machine.read.gb_s",
                          "engine.prefill512.tok_s", "engine.suffix64.tok_s", "engine.decode.b1.tok_s",
                          "engine.decode.b8.tok_s", "engine.decode.b32.tok_s", "engine.decode_shared.b32.tok_s",
                          "engine.role_calls.per_s", "engine.role_calls.cached", "engine.role_calls.executor_share",
                          "engine.role_calls_plain.per_s", "memory.kv_budget.bytes", "memory.kv_peak.bytes",
                          "memory.peak_rss.bytes"));
  for (const EngineRow& row : *rows) {
    EXPECT_GT(row.value, 0) << row.name;
    EXPECT_FALSE(row.unit.empty()) << row.name;
    if (row.name == "engine.role_calls.cached") {
      EXPECT_NEAR(row.value, 0.5, 0.02);
    }
    if (row.name == "memory.kv_peak.bytes") {
      EXPECT_EQ(row.value, 3000);
    }
    if (row.name.starts_with("engine.") && row.unit != "share") {
      EXPECT_GT(row.limit, 0) << row.name;
      EXPECT_FALSE(row.limit_by.empty()) << row.name;
    }
  }
  EXPECT_EQ(rows->front().value, 2.0) << "the faster kernel is the peak";
  EXPECT_EQ(rows->front().note, "fast");
}

TEST(EngineBenchTest, OtherContextsHaveNamesOfTheirOwn) {
  FakeModel model;
  EngineBenchOptions options = SmallOptions();
  options.contexts = {512, 100};
  options.batches = {2};
  options.only = "engine.decode";
  const auto rows = BenchEngine(model, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  std::vector<std::string> names = Names(*rows);
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("engine."); });
  EXPECT_THAT(names, ElementsAre("engine.decode.b2.tok_s", "engine.decode_shared.b2.tok_s",
                                 "engine.decode.b2.c100.tok_s", "engine.decode_shared.b2.c100.tok_s"));
}

TEST(EngineBenchTest, PlainStyleKeepsChainsAndTellsNoPrefix) {
  FakeModel model;
  EngineBenchOptions options = SmallOptions();
  options.only = "engine.role_calls";
  const auto rows = BenchEngine(model, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(model.prefix_cache, ElementsAre(true, false));
  ASSERT_EQ(model.served.size(), 2U);
  EXPECT_EQ(model.served[0]->calls, 11);  // with the warm-up
  EXPECT_EQ(model.served[0]->most_at_once, 10);
  EXPECT_EQ(model.served[0]->with_static_prefix, 10);
  EXPECT_EQ(model.served[1]->calls, 11);
  EXPECT_EQ(model.served[1]->most_at_once, 4);
  EXPECT_EQ(model.served[1]->with_static_prefix, 0);
}

TEST(EngineBenchTest, MakesRecordedCallsAgain) {
  const std::string path = testing::TempDir() + "engine_bench_replay.db";
  std::filesystem::remove(path);
  {
    auto store = trace::Store::Open(path);
    ASSERT_TRUE(store.ok()) << store.error().ToString();
    trace::RunRecord run;
    run.id = "0000000000001";
    ASSERT_TRUE((*store)->AddRun(run).ok());
    for (uint64_t index = 0; index < 3; ++index) {
      trace::CallRecord call;
      call.index = index;
      call.path_hash[0] = static_cast<uint8_t>(index);
      call.messages = {{"user", "who was it?"}};
      call.action_ids = {1, 2};
      call.timings.issued_us = static_cast<int64_t>(index);
      call.timings.finished_us = static_cast<int64_t>(index) + 1;
      ASSERT_TRUE((*store)->AddCall(run.id, call).ok());
    }
    ASSERT_TRUE((*store)->Flush().ok());
  }
  FakeModel model;
  EngineBenchOptions options = SmallOptions();
  options.only = "engine.replay";
  EXPECT_EQ(BenchEngine(model, options).error().code(), ErrorCode::kInvalidArgument) << "there is nothing to replay";
  options.replay = path;
  const auto rows = BenchEngine(model, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  std::map<std::string, double> values;
  for (const EngineRow& row : *rows) values[row.name] = row.value;
  EXPECT_GT(values["engine.replay.calls_per_s"], 0);
  EXPECT_EQ(values["engine.replay.prompt_tokens"], 3 * 13);
  EXPECT_EQ(values["engine.replay.reply_tokens"], 3 * 2);
  EXPECT_NEAR(values["engine.replay.cached"], 6.0 / 13.0, 1e-9);
  EXPECT_GT(values["engine.replay.executor_share"], 0);
  ASSERT_EQ(model.served.size(), 1U);
  EXPECT_EQ(model.served[0]->most_at_once, 1) << "each waits for the one before";
}

TEST(EngineBenchTest, RefusesWhatCannotBeMeasured) {
  FakeModel model;
  EngineBenchOptions options = SmallOptions();
  options.contexts = {1022};
  EXPECT_EQ(BenchEngine(model, options).error().code(), ErrorCode::kInvalidArgument);
  options = SmallOptions();
  options.batches = {0};
  EXPECT_EQ(BenchEngine(model, options).error().code(), ErrorCode::kInvalidArgument);
  options = SmallOptions();
  options.only = "engine.nothing";
  EXPECT_THAT(BenchEngine(model, options).error().ToString(), HasSubstr("engine.nothing"));
  options = SmallOptions();
  options.compare = LlamaOptions{.folder = "/nonexistent", .model = "x.gguf"};
  EXPECT_EQ(BenchEngine(model, options).error().code(), ErrorCode::kNotFound);
  std::atomic<bool> cancel{true};
  options = SmallOptions();
  options.cancel = &cancel;
  EXPECT_EQ(BenchEngine(model, options).error().code(), ErrorCode::kCancelled);
}

TEST(RoleCallsTest, PromptsHaveTheTokensAskedFor) {
  FakeModel model;
  const auto calls = WriteRoleCalls(model, {.calls = 20, .shared_tokens = 100, .own_tokens = 30, .reply_tokens = 1});
  ASSERT_TRUE(calls.ok()) << calls.error().ToString();
  ASSERT_EQ(calls->prompt_ids.size(), 20U);
  std::set<std::vector<int32_t>> distinct;
  for (const auto& ids : calls->prompt_ids) {
    EXPECT_GE(ids.size(), 130U);
    EXPECT_LT(ids.size(), 150U);
    const auto& first = calls->prompt_ids.front();
    EXPECT_TRUE(std::equal(ids.begin(), ids.begin() + 100, first.begin()));
    distinct.insert(ids);
  }
  EXPECT_EQ(distinct.size(), 20U);
  EXPECT_EQ(WriteRoleCalls(model, {.calls = 1, .shared_tokens = 1, .own_tokens = 1}).error().code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace jade::bench
