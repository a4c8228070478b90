// What was written is read back as the trainer had it, and gives the same alarms.

#include "runtime/metrics/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "runtime/metrics/metrics_writer.h"

namespace jade::metrics {
namespace {

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jade-history-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~HistoryTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // A role whose entropy collapses and whose plans become one.
  static std::vector<StepRecord> Collapse(int64_t steps) {
    std::vector<StepRecord> history;
    for (int64_t step = 1; step <= steps; ++step) {
      StepRecord record;
      record.step = step;
      record.scalars["role/AG/entropy"] = 1.0 / (3.0 * static_cast<double>(step * step));
      record.scalars["policy/loss"] = step == 7 ? std::nan("") : 0.1;
      record.plans["single"]["AG"] = 20;
      record.plans["bridge"][step < 9 ? "R,AG" : "AG"] = 20;
      history.push_back(std::move(record));
    }
    return history;
  }
  void Write(const std::vector<StepRecord>& history) const {
    auto writer = MetricsWriter::Open({.folder = folder_});
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->Add(0, 0, {{"dev/f1", 0.5}}).ok());
    for (const StepRecord& record : history) {
      ASSERT_TRUE(writer->Add(record.step, 1, record.scalars).ok());
      ASSERT_TRUE(writer->AddPlans(record.step, "train", record.plans).ok());
      ASSERT_TRUE(writer->Add(record.step, 1, {{"dev/role/AG/valid", 0.5}}).ok());
      ASSERT_TRUE(writer->AddPlans(record.step, "dev", {{"single", {{"QR,AG", 1}}}}).ok());
    }
  }

  std::string folder_;
};

TEST_F(HistoryTest, AlarmsAfterAResumptionAreThoseOfAnUninterruptedRun) {
  const std::vector<StepRecord> whole = Collapse(14);
  Write(whole);
  size_t raised = 0;
  for (int64_t step = 1; step <= 14; ++step) {
    const auto read = ReadHistory(folder_, step);
    ASSERT_TRUE(read.ok()) << read.error().ToString();
    const std::vector<Alarm> expected = NewAlarms(std::span(whole).first(static_cast<size_t>(step)));
    const std::vector<Alarm> found = NewAlarms(read->steps);
    ASSERT_EQ(found.size(), expected.size()) << step;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].kind, expected[i].kind);
      EXPECT_EQ(found[i].text, expected[i].text);
      EXPECT_EQ(found[i].step, step);
    }
    raised += found.size();
  }
  EXPECT_GE(raised, 3U);
}

TEST_F(HistoryTest, StepsAndEvaluationsApartWithoutLaterOnes) {
  Write(Collapse(3));
  const History history = ReadHistory(folder_, 2).value();
  ASSERT_EQ(history.steps.size(), 2U);
  EXPECT_EQ(history.steps[0].step, 1);
  EXPECT_EQ(history.steps[0].scalars, Collapse(1)[0].scalars);
  EXPECT_EQ(history.steps[0].plans, Collapse(1)[0].plans);
  ASSERT_EQ(history.evaluations.size(), 3U);
  EXPECT_EQ(history.evaluations[0].step, 0);
  EXPECT_EQ(history.evaluations[0].scalars, (Scalars{{"dev/f1", 0.5}}));
  EXPECT_EQ(history.evaluations[2].scalars, (Scalars{{"dev/role/AG/valid", 0.5}}));
  EXPECT_TRUE(history.evaluations[2].plans.empty());
}

TEST_F(HistoryTest, DamagedLinesArePassedOver) {
  Write(Collapse(2));
  std::ofstream(folder_ + "/metrics.jsonl", std::ios::app)
      << "{\"step\": 3, \"scal\n[1]\n{\"step\": \"4\"}\n{\"step\": 5, \"scalars\": [1]}\n"
      << "{\"step\": 6, \"scalars\": {\"a\": 1, \"b\": \"x\"}}\n";
  std::ofstream(folder_ + "/plans.jsonl", std::ios::app)
      << "{\"step\": 6, \"split\": 3, \"plans\": {}}\n{\"step\": 6, \"split\": \"train\", \"plans\": {\"a\": 1}}\n";
  const auto history = ReadHistory(folder_, 9).value().steps;
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[2].step, 6);
  EXPECT_EQ(history[2].scalars, (Scalars{{"a", 1}}));
}

TEST_F(HistoryTest, ANewFolderHasNoHistory) {
  const History history = ReadHistory(folder_, 100).value();
  EXPECT_TRUE(history.steps.empty());
  EXPECT_TRUE(history.evaluations.empty());
}

}  // namespace
}  // namespace jade::metrics
