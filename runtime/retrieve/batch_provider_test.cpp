#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "runtime/retrieve/provider.h"

namespace jade::retrieve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// What the searcher was asked, and a gate that a search waits at.
struct Desk {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::vector<std::string>> batches;
  int permits = 0;

  void Permit(int searches) {
    {
      const std::scoped_lock lock(mutex);
      permits += searches;
    }
    changed.notify_all();
  }
  void AwaitBatches(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return batches.size() >= count; });
  }
};

class GatedSearcher final : public Searcher {
 public:
  explicit GatedSearcher(std::shared_ptr<Desk> desk) : desk_(std::move(desk)) {}

  Result<std::vector<std::vector<Passage>>> Search(std::span<const Query> queries) override {
    std::vector<std::vector<Passage>> found;
    std::vector<std::string> texts;
    for (const Query& query : queries) {
      texts.push_back(query.text);
      found.emplace_back(static_cast<size_t>(query.k), Passage{"p", query.text, "text", 0.5, 0});
    }
    std::unique_lock lock(desk_->mutex);
    desk_->batches.push_back(texts);
    desk_->changed.notify_all();
    desk_->changed.wait(lock, [this] { return desk_->permits > 0; });
    --desk_->permits;
    if (texts.front() == "fail") return Error(ErrorCode::kCorrupt, "broken index");
    return found;
  }
  std::string Describe() const override { return "gated"; }

 private:
  std::shared_ptr<Desk> desk_;
};

class BatchProviderTest : public testing::Test {
 protected:
  void SetUp() override { Make({.tools = {"R"}, .max_k = 5}); }
  void Make(ToolOptions options) {
    tool_ = MakeBatchRetrieverTool(std::make_unique<GatedSearcher>(desk_), std::move(options));
    tool_->Connect(queue_);
  }
  void Submit(uint64_t id, const std::string& query, int k = 2) {
    const nlohmann::json arguments{{"query", query}, {"k", k}};
    ASSERT_TRUE(tool_->Submit({.id = id, .tool = "R", .arguments = arguments.dump()}).ok());
  }
  // Replies by id, when `count` have come.
  std::map<uint64_t, engine::ToolReply> Replies(size_t count) {
    std::map<uint64_t, engine::ToolReply> replies;
    while (replies.size() < count) {
      std::vector<engine::Event> events;
      if (!queue_->Drain(&events)) queue_->Wait(std::chrono::seconds(60));
      for (engine::Event& event : events) {
        if (event.kind != engine::Event::Kind::kToolReply) continue;
        EXPECT_TRUE(replies.emplace(event.id, std::move(event.tool)).second) << "two replies to " << event.id;
      }
    }
    return replies;
  }
  std::shared_ptr<Desk> desk_ = std::make_shared<Desk>();
  std::shared_ptr<engine::EventQueue> queue_ = std::make_shared<engine::EventQueue>();
  std::unique_ptr<engine::ToolProvider> tool_;
};

TEST_F(BatchProviderTest, QueriesThatWaitAreSearchedTogetherAndEqualOnesOnce) {
  Submit(1, "first");
  desk_->AwaitBatches(1);  // the others come while it is searched
  Submit(2, "second");
  Submit(3, "third", 3);
  Submit(4, "second");
  Submit(5, "second", 1);
  Submit(6, "first");
  desk_->Permit(2);
  const auto replies = Replies(6);
  EXPECT_THAT(desk_->batches, ElementsAre(ElementsAre("first"), ElementsAre("second", "third", "second")));
  for (const auto& [id, reply] : replies) EXPECT_FALSE(reply.error.has_value()) << id;
  EXPECT_EQ(nlohmann::json::parse(replies.at(3).result).size(), 3U);
  EXPECT_EQ(nlohmann::json::parse(replies.at(3).result)[0]["title"], "third");
  EXPECT_EQ(replies.at(2).result, replies.at(4).result);
  EXPECT_EQ(nlohmann::json::parse(replies.at(5).result).size(), 1U);
  EXPECT_EQ(replies.at(1).result, replies.at(6).result);
}

TEST_F(BatchProviderTest, AKnownQueryIsNotSearchedAgain) {
  desk_->Permit(1);
  Submit(1, "oslo");
  const std::string result = Replies(1).at(1).result;
  Submit(2, "oslo");  // no permit is left: it is answered from the cache
  EXPECT_EQ(Replies(1).at(2).result, result);
  EXPECT_THAT(desk_->batches, SizeIs(1));
}

TEST_F(BatchProviderTest, WithoutACacheItIs) {
  Make({.tools = {"R"}, .cache_bytes = 0});
  desk_->Permit(2);
  for (uint64_t id : {1, 2}) {
    Submit(id, "oslo");
    Replies(1);
  }
  EXPECT_THAT(desk_->batches, SizeIs(2));
}

TEST_F(BatchProviderTest, BatchesAreBounded) {
  Make({.tools = {"R"}, .max_batch = 2});
  Submit(1, "a");
  desk_->AwaitBatches(1);
  for (uint64_t id = 2; id <= 6; ++id) Submit(id, "query " + std::to_string(id));
  desk_->Permit(4);
  Replies(6);
  EXPECT_THAT(desk_->batches, ElementsAre(SizeIs(1), SizeIs(2), SizeIs(2), SizeIs(1)));
}

TEST_F(BatchProviderTest, CancelledCallsAreNotSearched) {
  Submit(1, "first");
  desk_->AwaitBatches(1);
  Submit(2, "second");
  Submit(3, "third");
  tool_->Cancel(2);
  tool_->Cancel(1);  // under way: it is answered
  tool_->Cancel(99);
  desk_->Permit(2);
  const auto replies = Replies(3);
  EXPECT_EQ(replies.at(2).error->code(), ErrorCode::kCancelled);
  EXPECT_FALSE(replies.at(1).error.has_value());
  EXPECT_THAT(desk_->batches, ElementsAre(ElementsAre("first"), ElementsAre("third")));
}

TEST_F(BatchProviderTest, AFailureIsTheReplyOfItsBatchAndNoMore) {
  Submit(1, "fail");
  desk_->Permit(1);
  EXPECT_THAT(Replies(1).at(1).error->ToString(), HasSubstr("tool `R`: broken index"));
  desk_->Permit(1);
  Submit(2, "fine");
  EXPECT_FALSE(Replies(1).at(2).error.has_value());
  ASSERT_TRUE(tool_->Submit({.id = 3, .tool = "R", .arguments = "not json"}).ok());
  EXPECT_THAT(Replies(1).at(3).error->ToString(), HasSubstr("a retriever takes `query`"));
}

TEST_F(BatchProviderTest, EndsWithCallsWaiting) {
  Submit(1, "first");
  desk_->AwaitBatches(1);
  Submit(2, "second");
  desk_->Permit(2);
  tool_.reset();
  const auto replies = Replies(2);  // searched or refused, but answered
  EXPECT_FALSE(replies.at(1).error.has_value());
}

}  // namespace
}  // namespace jade::retrieve
