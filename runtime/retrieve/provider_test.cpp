#include "runtime/retrieve/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace jade::retrieve {
namespace {

class FixedIndex final : public Index {
 public:
  Result<std::vector<Passage>> Search(std::string_view query, int k) override {
    if (query == "fail") return Error(ErrorCode::kCorrupt, "broken index");
    std::vector<Passage> passages(static_cast<size_t>(k), Passage{"p1", "Oslo", "Oslo is a city.", 1.5});
    return passages;
  }
  Result<std::vector<Passage>> WithTitle(std::string_view) override { return std::vector<Passage>{}; }
  Result<std::vector<Passage>> AtRows(std::span<const int64_t>) override { return std::vector<Passage>{}; }
  uint64_t passages() const override { return 7; }
  const std::string& corpus_hash() const override { return hash_; }

 private:
  std::string hash_;
};

class ProviderTest : public testing::Test {
 protected:
  void SetUp() override {
    tool_ = MakeRetrieverTool(std::make_unique<FixedIndex>(), {.tools = {"R"}, .max_k = 5});
    tool_->Connect(queue_);
  }
  engine::ToolReply Call(const std::string& arguments) {
    EXPECT_TRUE(tool_->Submit({.id = 9, .tool = "R", .arguments = arguments}).ok());
    std::vector<engine::Event> events;
    queue_->Drain(&events);
    EXPECT_EQ(events.back().kind, engine::Event::Kind::kToolReply);
    EXPECT_EQ(events.back().id, 9U);
    return events.back().tool;
  }
  std::shared_ptr<engine::EventQueue> queue_ = std::make_shared<engine::EventQueue>();
  std::unique_ptr<engine::ToolProvider> tool_;
};

TEST_F(ProviderTest, AnswersWithDocuments) {
  EXPECT_TRUE(tool_->Serves("R"));
  EXPECT_FALSE(tool_->Serves("Search"));
  const auto docs = nlohmann::json::parse(Call(R"({"query":"oslo","k":2})").result);
  ASSERT_EQ(docs.size(), 2U);
  EXPECT_EQ(docs[0], (nlohmann::json{{"id", "p1"}, {"title", "Oslo"}, {"text", "Oslo is a city."}, {"score", 1.5}}));
  EXPECT_EQ(nlohmann::json::parse(Call(R"({"query":"oslo","k":1000000})").result).size(), 5U);
  EXPECT_EQ(nlohmann::json::parse(Call(R"({"query":"oslo","k":-3})").result).size(), 0U);
}

TEST_F(ProviderTest, ErrorsBecomeReplies) {
  EXPECT_THAT(Call("not json").error->ToString(), testing::HasSubstr("tool `R`: a retriever takes `query`"));
  EXPECT_THAT(Call(R"({"query":"fail"})").error->ToString(), testing::HasSubstr("broken index"));
}

}  // namespace
}  // namespace jade::retrieve
