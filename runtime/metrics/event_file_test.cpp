#include "runtime/metrics/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "runtime/metrics/event_reader.h"

namespace jade::metrics {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

std::string Fresh(const std::string& name) {
  const std::string folder = testing::TempDir() + name;
  fs::remove_all(folder);
  return folder;
}

TEST(EventFileTest, FramesLikeTfRecord) {
  const std::string framed = FramedRecord("abc");
  ASSERT_EQ(framed.size(), 8U + 4U + 3U + 4U);
  EXPECT_EQ(framed.substr(0, 8), std::string("\x03\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(framed.substr(12, 3), "abc");
}

TEST(EventFileTest, EncodesAsProtocolBuffersDo) {
  // wall_time: 1 (field 1, fixed64), step: 300 (field 2, varint), summary { value { tag: "a" simple_value: 0.5 } }.
  EXPECT_EQ(ScalarsEvent(1.0, 300, {{"a", 0.5}}),
            std::string("\x09\0\0\0\0\0\0\xf0\x3f\x10\xac\x02\x2a\x0a\x0a\x08\x0a\x01\x61\x15\0\0\0\x3f", 24));
  // session_log { status: START }.
  EXPECT_EQ(RestartEvent(1.0, 7), std::string("\x09\0\0\0\0\0\0\xf0\x3f\x10\x07\x3a\x02\x08\x01", 15));
}

TEST(EventFileTest, IsReadBackAsItWasWritten) {
  const std::string folder = Fresh("event_file_test");
  auto file = EventFile::Create(folder, 1000.5, 0);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  ASSERT_TRUE(file->Add(1001, 0, {{"dev/f1", 0.25}, {"role/QR/valid", 1}}).ok());
  ASSERT_TRUE(file->Add(1002, 1, {}).ok());
  ASSERT_TRUE(file->Add(1003, 20'000'000'000, {{"policy/loss", -std::nan("")}}).ok());

  const std::vector<ReadEvent> events = ReadEvents(folder + "/events.out.tfevents.0000001000.jade.000000");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_EQ(events[0].wall_time, 1000.5);
  EXPECT_EQ(events[1].step, 0);
  EXPECT_THAT(events[1].scalars, ElementsAre(Pair("dev/f1", 0.25F), Pair("role/QR/valid", 1.0F)));
  EXPECT_EQ(events[2].step, 20'000'000'000);
  ASSERT_EQ(events[2].scalars.size(), 1U);
  EXPECT_TRUE(std::isnan(events[2].scalars[0].second));
}

TEST(EventFileTest, AnotherFileSortsBehindAndBeginsWithARestart) {
  const std::string folder = Fresh("event_file_restart_test");
  ASSERT_TRUE(EventFile::Create(folder, 2000, 0).ok());
  ASSERT_TRUE(EventFile::Create(folder, 1500, 40).ok());  // the clock was set back
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  ASSERT_THAT(names,
              ElementsAre("events.out.tfevents.0000002000.jade.000000", "events.out.tfevents.0000002000.jade.000001"));
  const std::vector<ReadEvent> events = ReadEvents(folder + "/" + names[1]);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(events[1].restart);
  EXPECT_EQ(events[1].step, 40);
  EXPECT_THAT(events[1].scalars, IsEmpty());
}

TEST(EventFileTest, SaysWhichFolderCannotBeMade) {
  const auto file = EventFile::Create("/dev/null/tensorboard", 0, 0);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), ErrorCode::kIo);
  EXPECT_THAT(file.error().message(), HasSubstr("/dev/null/tensorboard"));
}

}  // namespace
}  // namespace jade::metrics
