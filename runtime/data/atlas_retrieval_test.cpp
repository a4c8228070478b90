// The promise that the corpus makes to a workflow, held against the real index: one retrieval finds the evidence of a
// single hop, and of every step of a decomposition once it is resolved.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/progress/progress.h"
#include "runtime/retrieve/index.h"

namespace jade::data {
namespace {

using nlohmann::json;

const std::string kAtlas = std::string(JADE_SOURCE_DIR) + "/data/atlas/";

class AtlasRetrieval : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "atlas_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".db";
    progress::SilentSink silent;
    std::atomic<bool> cancel = false;
    auto built = retrieve::BuildIndex(kAtlas + "corpus.jsonl", path_, silent, cancel);
    ASSERT_TRUE(built.ok()) << built.error().ToString();
    auto opened = retrieve::Index::Open(path_);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    index_ = std::move(*opened);
  }
  void TearDown() override {
    index_.reset();
    std::filesystem::remove(path_);
  }

  bool Finds(const std::string& query, const std::string& title) {
    auto found = index_->Search(query, 5);
    EXPECT_TRUE(found.ok());
    return std::any_of(found->begin(), found->end(), [&](const auto& passage) { return passage.title == title; });
  }

  std::string path_;
  std::unique_ptr<retrieve::Index> index_;
};

TEST_F(AtlasRetrieval, TopFiveHoldTheEvidenceOfSingleHops) {
  for (const char* split : {"dev", "test"}) {
    std::ifstream in(kAtlas + split + ".jsonl");
    double found = 0, total = 0;
    for (std::string line; std::getline(in, line);) {
      json question = json::parse(line);
      if (question["type"] != "single") continue;
      ++total;
      found += Finds(question["question"], question["support"][0]);
    }
    ASSERT_GT(total, 100);
    EXPECT_GE(found / total, 0.95) << split;
  }
}

TEST_F(AtlasRetrieval, TopFiveHoldTheEvidenceOfResolvedSteps) {
  std::ifstream in(kAtlas + "test.jsonl");
  double found = 0, total = 0;
  for (std::string line; std::getline(in, line);) {
    json question = json::parse(line);
    for (const json& step : question["steps"]) {
      ++total;
      found += Finds(step["resolved"], step["support"]);
    }
  }
  ASSERT_GT(total, 1000);
  EXPECT_GE(found / total, 0.95);
}

// What `plan` says about one retrieval being enough rests on a smaller BM25; the real one agrees.
TEST_F(AtlasRetrieval, PlansThatNeedOneRetrievalGetIt) {
  std::ifstream in(kAtlas + "test.jsonl");
  double agree = 0, total = 0;
  for (std::string line; std::getline(in, line);) {
    json question = json::parse(line);
    if (question["steps"].size() < 2) continue;
    bool said = question["plan"]["cheapest"] == "R,AG", found = true;
    for (const json& title : question["support"]) found = found && Finds(question["question"], title);
    ++total;
    agree += said == found;
  }
  EXPECT_GE(agree / total, 0.97);
}

}  // namespace
}  // namespace jade::data
