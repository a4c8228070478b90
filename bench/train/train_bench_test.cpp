#include "bench/train/train_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/train/fixed_step.h"

namespace jade::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Names;

class FixedUpdate final : public train::MeasuredUpdate {
 public:
  explicit FixedUpdate(double seconds) : seconds_(seconds) {}
  int64_t parameters() const override { return 1000; }
  Result<double> Run() override { return seconds_; }

 private:
  double seconds_;
};

// An update of N sequences takes N seconds; the machine makes 24,000 operations a second, once 48,000.
TrainParts Parts() {
  auto calls = std::make_shared<int>(0);
  return {
      .make_update = [](const train::MeasuredUpdateOptions& options) -> Result<std::unique_ptr<train::MeasuredUpdate>> {
        if (options.sequences > 9) return Error(ErrorCode::kOutOfMemory, "too many sequences");
        return std::unique_ptr<train::MeasuredUpdate>(
            std::make_unique<FixedUpdate>(static_cast<double>(options.sequences)));
      },
      .peak_flops_per_s = [calls] { return ++*calls == 2 ? 48000.0 : 24000.0; }};
}

TrainBenchOptions Options() {
  TrainBenchOptions options;
  options.shapes = {{"train", {.shape = {}, .sequences = 2, .tokens = 4}},
                    {"train.big", {.shape = {}, .sequences = 4, .tokens = 4}}};
  options.repetitions = 2;
  return options;
}

TEST(TrainBench, RatesAndTheirShareOfTheBestPeak) {
  const auto rows = BenchTrain(Parts(), Options());
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows), ElementsAre("train.update.tok_s", "train.update.gemm_share", "train.peak_rss.mb",
                                        "train.big.update.tok_s", "train.big.update.gemm_share",
                                        "train.big.peak_rss.mb", "machine.gemm_bf16.gflops"));
  EXPECT_DOUBLE_EQ((*rows)[0].value, 4.0);  // 8 tokens in 2 s
  EXPECT_EQ((*rows)[0].samples.size(), 2U);
  EXPECT_DOUBLE_EQ((*rows)[1].value, 6.0 * 1000 * 4 / 48000);
  EXPECT_GT((*rows)[2].value, 1.0);
  EXPECT_DOUBLE_EQ((*rows)[6].value, 48e-6);
}

TEST(TrainBench, OnlyWhatIsAskedFor) {
  TrainBenchOptions options = Options();
  options.only = "train.big.update.tok_s";
  auto rows = BenchTrain(Parts(), options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows), ElementsAre("train.big.update.tok_s", "machine.gemm_bf16.gflops"));
  options.only = "train.update";
  rows = BenchTrain(Parts(), options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows), ElementsAre("train.update.tok_s", "train.update.gemm_share", "machine.gemm_bf16.gflops"));
  options.only = "engine";
  rows = BenchTrain(Parts(), options);
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().ToString(), HasSubstr("`engine`"));
}

TEST(TrainBench, StepsStandBehindTheUpdatesOfTheirShape) {
  TrainParts parts = Parts();
  parts.make_step = [](const std::string& prefix) -> Result<std::unique_ptr<train::MeasuredStep>> {
    if (prefix == "train.big") return Error(ErrorCode::kOutOfMemory, "no room for a step");
    return std::unique_ptr<train::MeasuredStep>(std::make_unique<testing::FixedStep>());
  };
  TrainBenchOptions options = Options();
  options.steps = 2;
  auto rows = BenchTrain(parts, options);
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().ToString(), HasSubstr("no room for a step"));
  options.shapes.pop_back();
  rows = BenchTrain(parts, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows),
              ElementsAre("train.update.tok_s", "train.update.gemm_share", "train.rollout.calls_s", "train.rollout.s",
                          "train.rollout.engine_calls_s", "train.rollout.engine_share", "train.step.update_s",
                          "train.step.s", "train.peak_rss.mb", "machine.gemm_bf16.gflops"));
  options.only = "train.step";
  rows = BenchTrain(parts, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows), ElementsAre("train.step.update_s", "train.step.s"));
  options.only = "train.rollout.s";
  rows = BenchTrain(parts, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_THAT(Names(*rows), ElementsAre("train.rollout.s"));
  options.steps = 0;
  EXPECT_FALSE(BenchTrain(parts, options).ok());
  options.steps = -1;
  EXPECT_FALSE(BenchTrain(parts, options).ok());
}

TEST(TrainBench, ErrorsAndInterruptionsComeBack) {
  TrainBenchOptions options = Options();
  options.shapes[1].update.sequences = 10;
  auto rows = BenchTrain(Parts(), options);
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().ToString(), HasSubstr("too many sequences"));
  const std::atomic<bool> cancel{true};
  options.cancel = &cancel;
  rows = BenchTrain(Parts(), options);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code(), ErrorCode::kCancelled);
  options.repetitions = 0;
  EXPECT_FALSE(BenchTrain(Parts(), options).ok());
}

}  // namespace
}  // namespace jade::bench
