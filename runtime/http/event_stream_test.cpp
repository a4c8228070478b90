#include "runtime/http/event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::http {
namespace {

using testing::ElementsAre;

std::vector<std::string> All(std::string_view text, size_t piece) {
  EventStream stream;
  std::vector<std::string> all;
  for (size_t at = 0; at < text.size(); at += piece) {
    auto events = stream.Push(text.substr(at, piece));
    EXPECT_TRUE(events.ok());
    all.insert(all.end(), events->begin(), events->end());
  }
  return all;
}

TEST(EventStreamTest, SplitsEventsHoweverTheyArrive) {
  const std::string text =
      "\xEF\xBB\xBF"
      "data: one\n\n: a comment\nevent: x\ndata:two\r\ndata: lines\r\n\r\ndata\rdata:  x\r\r\n\nid: 5\n\ndata: "
      "unfinished";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_THAT(All(text, piece), ElementsAre("one", "two\nlines", "\n x")) << "in pieces of " << piece;
  }
}

TEST(EventStreamTest, AnEventIsBounded) {
  EventStream stream(100);
  EXPECT_TRUE(stream.Push("data: " + std::string(90, 'x')).ok());
  EXPECT_EQ(stream.Push(std::string(90, 'x')).error().code(), ErrorCode::kCorrupt);
  EventStream lines(100);
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    if (auto pushed = lines.Push("data: 0123456789\n"); !pushed.ok()) status = pushed.error();
  }
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace jade::http
