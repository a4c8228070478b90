#include "runtime/config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::config {
namespace {

using testing::HasSubstr;

TEST(YamlTest, ReadsKnownKeysAndKeepsDefaults) {
  const auto document = ParseYaml("c.yaml", "model: nano\nkv_cache: 2MiB\ntop_k: 5\ntimeout: 250ms\nnames: [a, b]\n");
  ASSERT_TRUE(document.ok());
  std::string model;
  uint64_t bytes = 0;
  int64_t top_k = 0;
  double seconds = 0;
  bool flag = true;
  std::vector<std::string> names;
  MapReader reader(*document, &document->root, "config");
  const Status status = reader.Text("model", &model)
                            .Bytes("kv_cache", &bytes)
                            .Int("top_k", &top_k)
                            .Seconds("timeout", &seconds)
                            .Bool("flag", &flag)
                            .TextList("names", &names)
                            .Finish();
  ASSERT_TRUE(status.ok()) << status.error().ToString();
  EXPECT_EQ(model, "nano");
  EXPECT_EQ(bytes, 2U << 20U);
  EXPECT_EQ(top_k, 5);
  EXPECT_DOUBLE_EQ(seconds, 0.25);
  EXPECT_TRUE(flag);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
}

TEST(YamlTest, ReportsEveryProblemWithItsLine) {
  const auto document = ParseYaml("c.yaml", "kind: bm25\ntopk: 5\nlimit: many\nsize: -1\n");
  ASSERT_TRUE(document.ok());
  std::string kind;
  int64_t top_k = 5;
  int64_t limit = 0;
  int64_t size = 0;
  MapReader reader(*document, &document->root, "retriever");
  const Status status = reader.OneOf("kind", {"dense", "hybrid"}, &kind)
                            .Int("top_k", &top_k)
                            .Int("limit", &limit)
                            .Int("size", &size, 0, 10)
                            .Require("index")
                            .Finish();
  ASSERT_FALSE(status.ok());
  const std::string text = status.error().ToString();
  EXPECT_THAT(text, HasSubstr("c.yaml:1: `bm25` is not one of dense, hybrid"));
  EXPECT_THAT(text, HasSubstr("c.yaml:2: unknown key `topk` in `retriever`; did you mean `top_k`?"));
  EXPECT_THAT(text, HasSubstr("c.yaml:3: expected a whole number, found `many`"));
  EXPECT_THAT(text, HasSubstr("c.yaml:4: -1 is outside 0 … 10"));
  EXPECT_THAT(text, HasSubstr("`retriever` needs a key `index`"));
}

TEST(YamlTest, RefusesBrokenDocuments) {
  EXPECT_THAT(ParseYaml("c.yaml", "a: 1\na: 2\n").error().message(), HasSubstr("c.yaml:2: key `a` stands here twice"));
  EXPECT_THAT(ParseYaml("c.yaml", "a: [1, 2\n").error().message(), HasSubstr("c.yaml:"));
  EXPECT_THAT(ParseYaml("c.yaml", "a: \xff\n").error().message(), HasSubstr("c.yaml:1: not valid UTF-8"));
  EXPECT_FALSE(ParseYaml("c.yaml", std::string(200, '[')).ok());
  EXPECT_FALSE(ParseYaml("c.yaml", std::string(100000, '[')).ok());
  EXPECT_EQ(LoadYaml("no/such.yaml").error().code(), ErrorCode::kNotFound);
}

TEST(YamlTest, QuotedNumbersAreText) {
  const auto document = ParseYaml("c.yaml", "a: \"5\"\nb: 5\n");
  EXPECT_FALSE(AsInt(*document, *document->root.Find("a")).ok());
  EXPECT_EQ(AsInt(*document, *document->root.Find("b")).value(), 5);
}

TEST(YamlTest, AnEmptyDocumentIsAnEmptyMap) {
  const auto document = ParseYaml("c.yaml", "");
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE(MapReader(*document, &document->root, "config").Finish().ok());
}

}  // namespace
}  // namespace jade::config
