#include "bench/train/step_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace jade::bench {
namespace {

using ::testing::ElementsAre;

train::StepCall CallOf(uint64_t run, int64_t issued_us, int64_t finished_us) {
  return {.run = run, .prompt = {3, 4}, .reply_tokens = 2, .issued_us = issued_us, .finished_us = finished_us};
}

TEST(StepWorkTest, ALevelIsOneAboveTheHighestThatHadEnded) {
  // A planner, two calls beside each other behind it, one behind the shorter of them, one behind all; another run.
  EXPECT_THAT(LevelsOf({CallOf(0, 0, 10), CallOf(0, 10, 20), CallOf(0, 10, 40), CallOf(0, 20, 30), CallOf(0, 40, 50),
                        CallOf(7, 5, 15)}),
              ElementsAre(0, 1, 1, 2, 3, 0));
  EXPECT_THAT(LevelsOf({CallOf(0, 20, 30), CallOf(0, 0, 10)}), ElementsAre(1, 0));  // in any order
  EXPECT_THAT(LevelsOf({}), ElementsAre());
}

TEST(StepWorkTest, AFileForOthers) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "jade-step-work";
  std::filesystem::remove_all(folder);
  StepWork work;
  work.shape.vocab_size = 50, work.shape.hidden_size = 8, work.shape.layers = 2, work.shape.heads = 2;
  work.shape.kv_heads = 1, work.shape.head_dim = 4, work.shape.ffn_size = 16, work.shape.max_positions = 32;
  work.dtype = "bf16";
  work.figures.mini_batches = 16;
  work.figures.rollout_seconds = 2, work.figures.update_seconds = 3, work.figures.seconds = 5.5;
  work.calls = {CallOf(0, 0, 10), CallOf(0, 10, 20)};
  work.calls[1].trained = false;
  const Status written = WriteStepWork(work, folder / "train.json");
  ASSERT_TRUE(written.ok()) << written.error().ToString();
  const auto json = nlohmann::json::parse(std::ifstream(folder / "train.json"));
  EXPECT_EQ(json["format"], "jade-step");
  EXPECT_EQ(json["model"]["num_hidden_layers"], 2);
  EXPECT_EQ(json["mini_batches"], 16);
  EXPECT_EQ(json["seconds"]["step"], 5.5);
  EXPECT_EQ(json["calls"].size(), 2U);
  EXPECT_EQ(json["calls"][1],
            nlohmann::json::parse(R"({"run":0,"level":1,"trained":false,"reply_tokens":2,"prompt":[3,4]})"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace jade::bench
