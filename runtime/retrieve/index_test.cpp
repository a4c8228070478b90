#include "runtime/retrieve/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace jade::retrieve {
namespace {

using testing::HasSubstr;

class IndexTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("index_test_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  std::string Corpus(const std::string& text) {
    const std::string path = folder_ / "corpus.jsonl";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Result<BuildSummary> Build(const std::string& text) { return BuildIndex(Corpus(text), IndexPath(), sink_, cancel_); }
  std::string IndexPath() const { return folder_ / "index.db"; }
  size_t FilesInFolder() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::filesystem::path folder_;
  progress::SilentSink sink_;
  std::atomic<bool> cancel_{false};
};

const char kSmall[] =
    R"({"id":"1","title":"Oslo","text":"Oslo is the capital of Norway."}
{"id":"2","title":"Norway","text":"Norway is a country in Europe whose kings lived in Oslo."}
{"id":"3","title":"Dune","text":"Dune is a novel by Frank Herbert."}
)";

TEST_F(IndexTest, FindsByStemAndWeighsTitles) {
  ASSERT_EQ(Build(kSmall).value().passages, 3U);
  auto index = Index::Open(IndexPath());
  ASSERT_TRUE(index.ok()) << index.error().ToString();
  const auto found = (*index)->Search("Who wrote the novels of Dune?", 5).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].id, "3");
  EXPECT_EQ(found[0].title, "Dune");
  EXPECT_GT(found[0].score, 0.0);
  EXPECT_EQ((*index)->Search("Oslo", 5).value()[0].id, "1");
  EXPECT_EQ((*index)->Search("Oslo", 1).value().size(), 1U);
}

TEST_F(IndexTest, LooksUpExactTitles) {
  ASSERT_TRUE(Build(R"({"id":"1","title":"Oslo","text":"The capital of Norway."}
{"id":"2","title":"Oslo Airport","text":"It is near Oslo."}
{"id":"3","title":"The \"Oslo\" Report","text":"A letter."}
{"id":"4","title":"Oslo","text":"A town in Minnesota."}
)")
                  .ok());
  auto index = Index::Open(IndexPath()).value();
  const auto found = index->WithTitle("Oslo").value();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, "1");
  EXPECT_EQ(found[1].id, "4");
  EXPECT_EQ(index->WithTitle("The \"Oslo\" Report").value().size(), 1U);
  EXPECT_TRUE(index->WithTitle("oslo airport").value().empty());
  EXPECT_TRUE(index->WithTitle("").value().empty());
  EXPECT_TRUE(index->WithTitle("\" OR title : oslo").value().empty());
}

TEST_F(IndexTest, HostileQueriesAreJustWords) {
  ASSERT_TRUE(Build(kSmall).ok());
  auto index = Index::Open(IndexPath()).value();
  for (const std::string query :
       {"", "???", "\"", "title:Oslo\" OR (", "NEAR(a b)", "* ^ {", "\xff\xfe", "AND OR NOT"}) {
    EXPECT_TRUE(index->Search(query, 5).ok()) << query;
  }
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "word" + std::to_string(i) + " ";
  EXPECT_TRUE(index->Search(many, 5).ok());
}

TEST_F(IndexTest, StopWordsCountOnlyWhenNothingElseIsThere) {
  EXPECT_EQ(MatchExpression("What is the capital of Norway?"), "\"capital\" OR \"norway\"");
  EXPECT_EQ(MatchExpression("the who"), "\"the\" OR \"who\"");
  EXPECT_EQ(MatchExpression("...!"), "");
}

TEST_F(IndexTest, AFailedBuildLeavesTheOldIndexAndNoDebris) {
  ASSERT_TRUE(Build(kSmall).ok());
  const auto broken = Build("{\"id\":\"1\",\"title\":\"a\",\"text\":\"b\"}\nnot json\n");
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(broken.error().ToString(), HasSubstr("corpus.jsonl:2: not JSON"));
  EXPECT_THAT(Build("").error().ToString(), HasSubstr("holds no passages"));
  EXPECT_THAT(Build("{\"id\":\"1\",\"title\":\"a\"}\n").error().ToString(), HasSubstr(":1: the object lacks `text`"));
  const std::string twice = "{\"id\":\"1\",\"title\":\"a\",\"text\":\"b\"}\n";
  EXPECT_THAT(Build(twice + twice).error().ToString(), HasSubstr(":2: id `1` stands in the corpus twice"));
  cancel_ = true;
  EXPECT_EQ(Build(kSmall).error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(Index::Open(IndexPath()).value()->passages(), 3U);
  EXPECT_EQ(FilesInFolder(), 2U);  // corpus and index
  const std::string nested = IndexPath() + ".new/deeper/index";
  EXPECT_FALSE(BuildIndex(Corpus("not json\n"), nested, sink_, cancel_).ok());
  EXPECT_EQ(FilesInFolder(), 2U);
  cancel_ = false;
  EXPECT_FALSE(BuildIndex(Corpus("not json\n"), nested, sink_, cancel_).ok());
  EXPECT_EQ(FilesInFolder(), 2U);
  EXPECT_TRUE(BuildIndex(Corpus(kSmall), nested, sink_, cancel_).ok());
  EXPECT_EQ(FilesInFolder(), 3U);
}

TEST_F(IndexTest, RefusesWhatIsNotAnIndex) {
  EXPECT_EQ(Index::Open(IndexPath()).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(Index::Open(Corpus("plain text, no database, long enough to be read as a header of one hundred bytes "
                                  "and then some more text"))
                   .ok());
}

TEST_F(IndexTest, GivesPassagesByTheirPlace) {
  ASSERT_TRUE(Build(kSmall).ok());
  auto index = Index::Open(IndexPath()).value();
  const std::vector<int64_t> rows = {2, 0};
  const auto found = index->AtRows(rows).value();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, "3");
  EXPECT_EQ(found[1].title, "Oslo");
  EXPECT_EQ(found[1].row, 0);
  EXPECT_EQ(index->Search("Dune", 1).value()[0].row, 2);
  for (const int64_t row : {int64_t{3}, int64_t{-1}}) {
    EXPECT_EQ(index->AtRows({{row}}).error().code(), ErrorCode::kCorrupt);
  }
}

TEST_F(IndexTest, TheCorpusHashNamesTheCorpus) {
  const auto hash = [this](const std::string& text) {
    EXPECT_TRUE(Build(text).ok());
    return Index::Open(IndexPath()).value()->corpus_hash();
  };
  const std::string small = hash(kSmall);
  EXPECT_EQ(small.size(), 32U);
  EXPECT_EQ(hash(kSmall), small);
  EXPECT_NE(hash(R"({"id":"1","title":"ab","text":"c"})"), hash(R"({"id":"1","title":"a","text":"bc"})"));
}

}  // namespace
}  // namespace jade::retrieve
