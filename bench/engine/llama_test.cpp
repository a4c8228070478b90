#include "bench/engine/llama.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace jade::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As the tools of llama.cpp, build 0c1e570, print it, log lines and all.
constexpr std::string_view kLlamaBench =
    R"({"build_commit": "0c1e570", "build_number": 1, "cpu_info": "AMD EPYC", "gpu_info": "", "backends": "CPU", )"
    R"("model_type": "llama 256M BF16", "model_size": 269063424, "n_batch": 512, "n_ubatch": 512, "n_threads": 2, )"
    R"("flash_attn": 1, "n_prompt": 64, "n_gen": 0, "n_depth": 512, "avg_ns": 138507417, "stddev_ns": 4485263, )"
    R"("avg_ts": 462.077394, "stddev_ts": 14.6, "samples_ns": [ 135881133, 136011417 ],"samples_ts": [ 471, 470.5 ]})"
    "\n"
    R"({"n_prompt": 0, "n_gen": 32, "n_depth": 512, "avg_ts": 85.5})"
    "\n";

constexpr std::string_view kBatchedBench =
    "0.00.092.124 W llama_context: n_ctx_seq (20480) > n_ctx_train (8192) -- possible training context overflow\n"
    R"({"n_kv_max": 20480, "n_batch": 2048, "n_ubatch": 512, "flash_attn": 1, "is_pp_shared": 1, "n_gpu_layers": -1, )"
    R"("n_threads": 2, "n_threads_batch": 2, "pp": 512, "tg": 32, "pl": 8, "n_kv": 768, "t_pp": 0.684297, )"
    R"("speed_pp": 748.213074, "t_tg": 1.303372, "speed_tg": 196.413605, "t": 1.987669, "speed": 386.382233})"
    "\n"
    R"({"n_kv_max": 20480, "pl": 32, "t_tg": 3.778178, "speed_tg": 271.030121, "t": 4.462183, "speed": 344.226135})"
    "\n\n0.08.1 I llama_perf_context_print:        load time =      92.12 ms\n";

TEST(LlamaTest, ReadsWhatTheToolsPrint) {
  EXPECT_NEAR(ReadLlamaBench(kLlamaBench).value(), 462.08, 0.01);
  EXPECT_NEAR(ReadBatchedBench(kBatchedBench, 8).value(), 196.41, 0.01);
  EXPECT_NEAR(ReadBatchedBench(kBatchedBench, 32).value(), 271.03, 0.01);
  EXPECT_NEAR(ReadServerBench("log\n{\"calls_per_s\": 1.988, \"seconds\": 64.4}\n").value(), 1.988, 1e-9);
}

TEST(LlamaTest, SaysWhenThereIsNoFigure) {
  EXPECT_THAT(ReadLlamaBench("error: unable to load model\n").error().ToString(), HasSubstr("unable to load model"));
  EXPECT_EQ(ReadBatchedBench(kBatchedBench, 16).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(ReadBatchedBench("{\"pl\": 8, \"speed_tg\": \"fast\"}", 8).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(ReadBatchedBench("{\"pl\": 8, \"speed_tg\": 0}", 8).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(ReadServerBench("{{{\n[1]\n{\"calls_per_s\"").error().code(), ErrorCode::kCorrupt);
}

// Tools that write their arguments down and print a rate that is best without flash attention.
class FakeTools : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "llama_tools";
    std::filesystem::create_directories(folder_);
    for (const char* name : {"llama-bench", "llama-batched-bench", "llama-server"}) {
      const std::string path = folder_ + "/" + name;
      std::ofstream(path)
          << "#!/bin/sh\necho \"$@\" >>" << folder_ << "/calls\n"
          << "case \"$*\" in *'-fa off -kvu'*) rate=30 ;; *'-fa on -kvu'*) rate=20 ;; *) rate=10 ;; esac\n"
          << "echo \"{\\\"pl\\\": 4, \\\"speed_tg\\\": $rate}\"\n";
      std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    std::filesystem::remove(folder_ + "/calls");
    std::ofstream(folder_ + "/model.gguf") << "x";
    options_ = {.folder = folder_, .model = folder_ + "/model.gguf", .threads = 2};
  }

  std::vector<std::string> Calls() const {
    std::vector<std::string> calls;
    std::ifstream file(folder_ + "/calls");
    for (std::string line; std::getline(file, line);) calls.push_back(line);
    return calls;
  }

  std::string folder_;
  LlamaOptions options_;
};

TEST_F(FakeTools, TriesAllSettingsAndStaysWithTheBest) {
  ASSERT_TRUE(CheckLlama(options_).ok());
  LlamaCase decode = LlamaCase::Step(options_, {.sequences = 4, .past = 512, .shared_past = 512}, 32);
  ASSERT_TRUE(decode.Sample().ok());
  EXPECT_EQ(Calls().size(), 4U);
  ASSERT_TRUE(decode.Sample().ok());
  ASSERT_TRUE(decode.Sample().ok());
  EXPECT_EQ(Calls().size(), 6U);
  EXPECT_THAT(decode.samples(), ElementsAre(30, 30, 30));
  EXPECT_EQ(decode.best().ToString(), "-fa off -kvu");
  EXPECT_THAT(Calls().back(), HasSubstr("-npp 512 -ntg 32 -npl 4 -fa off -kvu --output-format jsonl -pps"));
}

TEST_F(FakeTools, FailuresAreErrors) {
  LlamaCase prompt = LlamaCase::Step(options_, {.tokens = 512}, 1);
  EXPECT_EQ(prompt.Sample().error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(Calls(), ElementsAre(HasSubstr("-n 0 -p 512 -d 0 -fa on")));
  const std::atomic<bool> cancel{true};
  options_.cancel = &cancel;
  LlamaCase cancelled = LlamaCase::Step(options_, {.sequences = 4, .past = 512}, 32);
  EXPECT_EQ(cancelled.Sample().error().code(), ErrorCode::kCancelled);
  std::filesystem::remove(folder_ + "/llama-server");
  EXPECT_THAT(CheckLlama(options_).error().ToString(), HasSubstr("llama-server"));
  options_.model = "";
  EXPECT_FALSE(CheckLlama(options_).ok());
}

TEST(LlamaTest, PromptsGoOverAsIds) {
  RoleCalls calls;
  calls.shape.reply_tokens = 30;
  calls.prompt_ids = {{1, 2}, {3}};
  EXPECT_EQ(nlohmann::json::parse(PromptsJson(calls)),
            nlohmann::json::parse(R"({"reply_tokens": 30, "prompts": [[1, 2], [3]]})"));
}

}  // namespace
}  // namespace jade::bench
