#include "runtime/metrics/metrics_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/metrics/event_reader.h"

namespace jade::metrics {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Fresh(const std::string& name) {
  const std::string folder = testing::TempDir() + name;
  fs::remove_all(folder);
  return folder;
}

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<json> Lines(const std::string& path) {
  std::vector<json> lines;
  std::istringstream text(Read(path));
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

Result<MetricsWriter> Open(const std::string& folder, int64_t last_step = -1) {
  return MetricsWriter::Open(
      {.folder = folder, .last_step = last_step, .max_text_bytes = 10, .unix_seconds = [] { return 5000.0; }});
}

TEST(MetricsWriterTest, WritesTheFilesOfTheFormat) {
  const std::string folder = Fresh("metrics_writer_test");
  auto writer = Open(folder);
  ASSERT_TRUE(writer.ok()) << writer.error().ToString();
  ASSERT_TRUE(
      writer
          ->WriteRun({.name = "one",
                      .started = "2026-01-01T00:00:00Z",
                      .config = {{"lr", 0.5}, {"steps", int64_t{7}}, {"joint", true}, {"data", std::string("a")}},
                      .arm = "joint",
                      .seed = 18446744073709551615U,
                      .model = "nano"})
          .ok());
  ASSERT_TRUE(writer->Add(0, 1.5, {{"dev/f1", 0.25}, {"policy/loss", std::nan("")}}).ok());
  ASSERT_TRUE(
      writer->AddPlans(0, "dev", {{"bridge", {{"QDS", 3}, {"a long plan, 1", 1}, {"a long plan, 2", 2}}}}).ok());
  ASSERT_TRUE(writer->AddAlarm({0, "kl", "QR", "KL is \xff high"}).ok());

  const json run = json::parse(Read(folder + "/run.json"));
  EXPECT_EQ(run["seed"].get<uint64_t>(), 18446744073709551615U);
  EXPECT_EQ(run["config"], json({{"lr", 0.5}, {"steps", 7}, {"joint", true}, {"data", "a"}}));
  EXPECT_EQ(Lines(folder + "/metrics.jsonl").at(0),
            json({{"step", 0}, {"seconds", 1.5}, {"scalars", {{"dev/f1", 0.25}, {"policy/loss", nullptr}}}}));
  EXPECT_EQ(Lines(folder + "/plans.jsonl").at(0)["plans"]["bridge"],
            json({{"QDS", 3}, {"a long pla… (4 more bytes)", 3}}));
  EXPECT_EQ(Lines(folder + "/alarms.jsonl").at(0),
            json({{"step", 0}, {"kind", "kl"}, {"role", "QR"}, {"text", "KL is \uFFFD high"}}));
}

TEST(MetricsWriterTest, CutsSamplesBetweenCharacters) {
  const std::string folder = Fresh("metrics_writer_sample_test");
  auto writer = Open(folder);
  ASSERT_TRUE(writer.ok());
  Sample sample{.id = "q", .question = "Who?", .type = "bridge", .gold = {"A", "B"}, .answer = "A", .f1 = 1};
  sample.calls.push_back({"solve/AG", "AG", "123456789\u00fcber", "<answer>\n\"A\"</answer>", "valid", -2});
  ASSERT_TRUE(writer->AddSample(3, sample).ok());
  const json line = Lines(folder + "/samples.jsonl").at(0);
  EXPECT_EQ(line["gold"], json({"A", "B"}));
  EXPECT_EQ(line["calls"][0]["prompt"], "123456789… (5 more bytes)");
  EXPECT_EQ(line["calls"][0]["penalty"], -2);
}

TEST(MetricsWriterTest, AResumedRunDropsWhatCameAfterItsCheckpoint) {
  const std::string folder = Fresh("metrics_writer_resume_test");
  {
    auto writer = Open(folder);
    ASSERT_TRUE(writer.ok());
    for (int64_t step = 0; step < 6; ++step) {
      ASSERT_TRUE(writer->Add(step, 1, {{"loss", static_cast<double>(step)}}).ok());
      ASSERT_TRUE(writer->AddAlarm({step, "kl", "", ""}).ok());
    }
  }
  std::ofstream(folder + "/metrics.jsonl", std::ios::app) << "{\"step\":2,\"sec";  // the process was killed here
  auto writer = Open(folder, 3);
  ASSERT_TRUE(writer.ok()) << writer.error().ToString();
  ASSERT_TRUE(writer->Add(4, 1, {{"loss", 40}}).ok());

  std::vector<double> losses;
  for (const json& line : Lines(folder + "/metrics.jsonl")) losses.push_back(line["scalars"]["loss"]);
  EXPECT_THAT(losses, ElementsAre(0, 1, 2, 3, 40));
  EXPECT_EQ(Lines(folder + "/alarms.jsonl").size(), 4U);
  const auto events = ReadEvents(folder + "/tensorboard/events.out.tfevents.0000005000.jade.000001");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_TRUE(events[1].restart);
  EXPECT_EQ(events[1].step, 4);
  EXPECT_EQ(events[2].scalars.at(0).second, 40.0F);
}

TEST(MetricsWriterTest, ANewRunInTheSameFolderBeginsAnew) {
  const std::string folder = Fresh("metrics_writer_new_test");
  ASSERT_TRUE(Open(folder)->Add(0, 1, {{"loss", 1}}).ok());
  ASSERT_TRUE(Open(folder).ok());
  EXPECT_EQ(Read(folder + "/metrics.jsonl"), "");
}

TEST(MetricsWriterTest, SaysWhatCannotBeWritten) {
  const auto writer = Open("/dev/null/run");
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code(), ErrorCode::kIo);
  EXPECT_THAT(writer.error().message(), HasSubstr("/dev/null/run"));
}

}  // namespace
}  // namespace jade::metrics
