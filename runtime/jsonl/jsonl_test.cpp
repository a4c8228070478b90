#include "runtime/jsonl/jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace jade::jsonl {
namespace {

std::string Write(const std::string& text) {
  const std::string path = testing::TempDir() + "jsonl_test.jsonl";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(JsonlTest, ReadsObjectsAndSkipsBlankLines) {
  auto reader = Reader::Open(Write("{\"id\":\"a\"}\n\n{\"id\":\"b\"}"));
  ASSERT_TRUE(reader.ok());
  nlohmann::json object;
  ASSERT_TRUE(reader->Next(&object).value());
  EXPECT_EQ(TextField(*reader, object, "id").value(), "a");
  ASSERT_TRUE(reader->Next(&object).value());
  EXPECT_EQ(reader->line(), 3U);
  EXPECT_THAT(TextField(*reader, object, "text").error().message(), testing::HasSubstr(":3: the object lacks `text`"));
  EXPECT_FALSE(reader->Next(&object).value());
  EXPECT_EQ(reader->bytes_read(), reader->bytes_total());
}

TEST(JsonlTest, NestingIsBounded) {
  const auto nested = [](int depth) {
    const auto n = static_cast<size_t>(depth - 1);
    return "{\"a\":" + std::string(n, '[') + std::string(n, ']') + ",\"b\":\"\\\"[[{\"}";
  };
  nlohmann::json object;
  EXPECT_TRUE(Reader::Open(Write(nested(200)))->Next(&object).value());
  EXPECT_EQ(object["b"], "\"[[{");
  EXPECT_THAT(Reader::Open(Write(nested(201)))->Next(&object).error().message(),
              testing::HasSubstr(":1: nested more than 200 deep"));
  EXPECT_THAT(Reader::Open(Write(nested(1'000'000)))->Next(&object).error().message(), testing::HasSubstr("nested"));
}

TEST(JsonlTest, NamesTheBrokenLine) {
  nlohmann::json object;
  auto broken = Reader::Open(Write("{\"id\":\"a\"}\n{\"id\": \n"));
  ASSERT_TRUE(broken->Next(&object).ok());
  EXPECT_THAT(broken->Next(&object).error().message(), testing::HasSubstr(":2: not JSON"));
  EXPECT_THAT(Reader::Open(Write("[1]\n"))->Next(&object).error().message(),
              testing::HasSubstr("expected a JSON object"));
  EXPECT_THAT(Reader::Open(Write("\"\xff\"\n"))->Next(&object).error().message(),
              testing::HasSubstr("not valid UTF-8"));
  EXPECT_THAT(Reader::Open(Write("{\"a\":\"" + std::string(100, 'x')), 50)->Next(&object).error().message(),
              testing::HasSubstr("longer than 50 bytes"));
  EXPECT_EQ(Reader::Open("no/such").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace jade::jsonl
