#include "runtime/http/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::http {
namespace {

TEST(FailureTest, NoSecretsInShownUrls) {
  EXPECT_EQ(ShownUrl("http://user:secret@host:1/v1/x?key=secret#secret"), "http://host:1/v1/x");
  EXPECT_EQ(ShownUrl("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(ShownUrl("nonsense"), "nonsense");
}

TEST(FailureTest, FindsWhatTheServerSays) {
  EXPECT_EQ(ServerMessage(R"({"error":{"message":"no such model","type":"x"}})"), "no such model");
  EXPECT_EQ(ServerMessage(R"({"error":"busy"})"), "busy");
  EXPECT_EQ(ServerMessage(R"({"error":{"reason":"no such index"},"status":404})"), "no such index");
  EXPECT_EQ(ServerMessage(R"({"object":"error","message":"bad"})"), "bad");
  EXPECT_EQ(ServerMessage(R"({"detail":"Not Found"})"), "Not Found");
  EXPECT_EQ(ServerMessage("<html>\n  <b>502</b>\t</html>"), "<html> <b>502</b> </html>");
  EXPECT_EQ(ServerMessage(""), "");
}

TEST(FailureTest, WhatTheServerSaysIsBounded) {
  EXPECT_LT(ServerMessage(std::string(1 << 20, 'x')).size(), 310U);
  const std::string cut = ServerMessage("x" + std::string(R"({"error":)") + std::string(500, '\xC3'));
  EXPECT_THAT(cut, testing::Not(testing::HasSubstr("\xC3")));
  EXPECT_LT(ServerMessage(std::string(1 << 20, '[')).size(), 310U);
}

TEST(FailureTest, NestingIsMeasuredOutsideOfTexts) {
  EXPECT_FALSE(NestsTooDeep(R"({"a":"[[[[\"[[[[","b":[[]]})", 3));
  EXPECT_TRUE(NestsTooDeep("[[[[]]]]", 3));
  EXPECT_FALSE(NestsTooDeep("[][][][][]", 3));
}

TEST(FailureTest, CodesFollowTheStatus) {
  const auto code = [](int status) { return StatusError("GET", "http://h/x", {status, "", 1}).code(); };
  EXPECT_EQ(code(400), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(404), ErrorCode::kNotFound);
  EXPECT_EQ(code(401), ErrorCode::kUnavailable);
  EXPECT_EQ(code(503), ErrorCode::kUnavailable);
  EXPECT_EQ(StatusError("GET", "http://u:p@h/x", {404, R"({"error":"gone"})", 1}).ToString(),
            "GET http://h/x: status 404 (not found): gone");
}

}  // namespace
}  // namespace jade::http
