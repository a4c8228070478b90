// Whole training runs with adapters: what they leave is the start with the adapters merged, and they go on exactly.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/train/lora.h"
#include "runtime/train/train_run_fixture.h"
#include "runtime/weights/model_files.h"

namespace jade::train {
namespace {

class LoraRun : public testing::TrainRunFixture {
 protected:
  TrainConfig WithAdapters(const std::string& run) {
    TrainConfig config = Config(run);
    config.lora = {.rank = 4, .alpha = 8, .targets = {}};
    config.actor_lr = 1e-2;
    config.dev.choose = "reward";
    config.test = config.dev.path;
    config.output = folder_ / (run + "-output");
    return config;
  }
  std::shared_ptr<backbone::Decoder> ModelIn(const std::string& folder) const {
    const auto files = weights::ModelFiles::Open(folder_ / folder);
    EXPECT_TRUE(files.ok()) << files.error().ToString();
    auto decoder = backbone::LoadDecoder(*files);
    EXPECT_TRUE(decoder.ok()) << decoder.error().ToString();
    return *decoder;
  }
  static bool Same(const backbone::Decoder& a, const backbone::Decoder& b) {
    for (size_t i = 0; i < a.parameters().size(); ++i) {
      if (!at::equal(a.parameters()[i].tensor, b.parameters()[i].tensor)) return false;
    }
    return true;
  }
};

TEST_F(LoraRun, LeavesTheStartWithTheAdaptersMerged) {
  TrainConfig config = WithAdapters("run");
  config.steps = 24;
  const auto summary = Train(config);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  for (const std::string folder : {"run/last", "run/best", "run-output"}) {
    const auto merged = ModelIn(folder), start = ModelIn("start");
    const auto adapters = LoraAdapters::Load(start->config(), folder_ / (folder + "/adapter"));
    ASSERT_TRUE(adapters.ok()) << adapters.error().ToString();
    if (folder == "run/last") {
      EXPECT_FALSE(Same(*merged, *start));
    }
    adapters->MergeInto(*start);
    EXPECT_TRUE(Same(*merged, *start)) << folder;
  }
  EXPECT_EQ(TextOf("run-output/model.safetensors"), TextOf("run/best/model.safetensors"));
  // The same questions, once more, by what was read back and merged.
  const auto result = nlohmann::json::parse(TextOf("run/result.json"));
  EXPECT_GT(result.at("best_step").get<int64_t>(), 0);
  EXPECT_EQ(result.at("test/reward"), result.at("best_reward"));
}

TEST_F(LoraRun, AnInterruptedRunGoesOnExactly) {
  ASSERT_TRUE(Train(WithAdapters("whole")).ok());
  const auto whole = Figures("whole");
  EXPECT_GT(whole.at({1, "policy/grad_norm"}), 0);
  for (const int64_t stop : {2, 3}) {
    const std::string run = "cut" + std::to_string(stop);
    ASSERT_TRUE(Train(WithAdapters(run), {.stop_after_steps = stop}).ok());
    const auto rest = Train(WithAdapters(run), {.resume = true});
    ASSERT_TRUE(rest.ok()) << rest.error().ToString();
    EXPECT_EQ(Figures(run), whole) << "stopped after " << stop;
    EXPECT_EQ(TextOf(run + "/last/model.safetensors"), TextOf("whole/last/model.safetensors"));
    EXPECT_EQ(TextOf(run + "/last/adapter/adapter_model.safetensors"),
              TextOf("whole/last/adapter/adapter_model.safetensors"));
  }
}

}  // namespace
}  // namespace jade::train
