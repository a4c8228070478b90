#include "runtime/datasets/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/eval/questions.h"
#include "runtime/retrieve/index.h"

namespace jade::datasets {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class ImportTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "import_test_" + testing::UnitTest::GetInstance()->current_test_info()->name() + "/";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + name, std::ios::binary) << text;
    return folder_ + name;
  }
  Result<ImportSummary> Imported(const ImportOptions& options) {
    progress::SilentSink silent;
    return Import(options, silent, cancel_);
  }
  ImportOptions Options(Dataset dataset, const std::string& file) {
    return {.dataset = dataset, .files = {file}, .output = folder_ + "qa.jsonl"};
  }
  // What lies in the folder, by name.
  std::set<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.insert(entry.path().filename());
    return names;
  }

  std::string folder_;
  std::atomic<bool> cancel_{false};
};

json HotpotRecord(int number, const std::string& shared) {
  const std::string name = "Lamp " + std::to_string(number);
  const auto pair = [](const std::string& title, const json& rest) { return json::array({title, rest}); };
  return {{"_id", "h" + std::to_string(number)},
          {"question", "Where is " + name + "?"},
          {"answer", "North"},
          {"type", "bridge"},
          {"supporting_facts", json::array({pair(name, 0)})},
          {"context", json::array({pair(name, json::array({name + " is in the north."})),
                                   pair("Sea", json::array({shared})), pair("Nothing", json::array())})}};
}

TEST_F(ImportTest, QuestionsAndCorpusAreWhatEvalAndIndexRead) {
  const json list =
      json::array({HotpotRecord(1, "The sea is wide."), HotpotRecord(2, "The sea is wide."), HotpotRecord(3, "Salt.")});
  ImportOptions options = Options(Dataset::kHotpotQa, Write("in.json", list.dump(1)));
  options.corpus = folder_ + "corpus.jsonl";
  const auto summary = Imported(options);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  EXPECT_EQ(summary->questions, 3U);
  EXPECT_EQ(summary->passages, 5U) << "three lamps, two texts about the sea, none without text";
  EXPECT_EQ(summary->repeated, 1U);

  const auto questions = eval::LoadQuestions(options.output, 0);
  ASSERT_TRUE(questions.ok()) << questions.error().ToString();
  EXPECT_EQ((*questions)[1].id, "h2");
  EXPECT_EQ((*questions)[1].type, "bridge");
  EXPECT_THAT((*questions)[1].gold, ElementsAre("North"));
  EXPECT_THAT((*questions)[1].support, ElementsAre("Lamp 2"));

  progress::SilentSink silent;
  const auto built = retrieve::BuildIndex(options.corpus, folder_ + "corpus.db", silent, cancel_);
  ASSERT_TRUE(built.ok()) << built.error().ToString();
  const auto index = retrieve::Index::Open(folder_ + "corpus.db").value();
  EXPECT_EQ(index->WithTitle("Sea").value().size(), 2U);
}

TEST_F(ImportTest, RecordsWithoutIdAreNumberedOverAllFiles) {
  ImportOptions options = Options(Dataset::kNq, Write("a.jsonl", R"({"question": "a", "answer": ["x", "x", " "]})"));
  options.files.push_back(Write("b.jsonl", R"({"question": "b", "answer": ["y"]})"));
  ASSERT_EQ(Imported(options).value().questions, 2U);
  const auto questions = eval::LoadQuestions(options.output, 0).value();
  EXPECT_EQ(questions[0].id, "nq-000001");
  EXPECT_EQ(questions[1].id, "nq-000002");
  EXPECT_THAT(questions[0].gold, ElementsAre("x"));
}

TEST_F(ImportTest, ASampleKeepsTheOrderAndTheSeedDecides) {
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += json{{"question", "q" + std::to_string(i)}, {"answer", "x"}}.dump() + "\n";
  ImportOptions options = Options(Dataset::kNq, Write("in.jsonl", lines));
  options.limit = 20;
  const auto ids = [&] {
    EXPECT_EQ(Imported(options).value().questions, 20U);
    std::vector<std::string> found;
    const auto questions = eval::LoadQuestions(options.output, 0).value();
    for (const auto& question : questions) found.push_back(question.id);
    return found;
  };
  const auto first = ids();
  EXPECT_EQ(first.back(), "nq-000020");
  options.seed = 1;
  const auto sample = ids();
  EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
  EXPECT_NE(sample, first);
  EXPECT_GT(sample.back(), "nq-000100");
  EXPECT_EQ(ids(), sample);
  options.seed = 2;
  EXPECT_NE(ids(), sample);
  options.limit = 500;
  EXPECT_EQ(Imported(options).value().questions, 200U);
}

TEST_F(ImportTest, WhatCannotBeAnsweredIsCounted) {
  const json answered{{"id", "2hop__1_2"}, {"question", "q?"}, {"answer", "x"}, {"paragraphs", json::array()}};
  json unanswered = answered;
  unanswered["answerable"] = false;
  ImportOptions options =
      Options(Dataset::kMusique, Write("in.jsonl", unanswered.dump() + "\n" + answered.dump() + "\n"));
  const auto summary = Imported(options).value();
  EXPECT_EQ(summary.questions, 1U);
  EXPECT_EQ(summary.left_out, 1U);
}

TEST_F(ImportTest, ErrorsNamePlaceAndLeaveNothing) {
  const auto error = [&](const std::string& text) {
    return Imported(Options(Dataset::kNq, Write("in.json", text))).error().ToString();
  };
  EXPECT_THAT(error("{\"question\": \"a\", \"answer\": \"x\"}\n{\"question\": \"b\"}\n"),
              HasSubstr("in.json:2: it lacks `answer`"));
  EXPECT_THAT(error("[{\"question\": \"a\", \"answer\": \"x\"},\n{\"question\": \"b\"}]"),
              HasSubstr("in.json:2: record 2: it lacks `answer`"));
  EXPECT_THAT(error(R"([{"question": "a", "answer": [" "]}])"), HasSubstr("record 1: it has no answer that is more"));
  EXPECT_THAT(error(R"([{"id": "1", "question": "a", "answer": "x"}, {"id": "1", "question": "b", "answer": "x"}])"),
              HasSubstr("record 2: the id `1` stands in the input twice"));
  EXPECT_THAT(error("[]"), HasSubstr("holds no questions"));
  EXPECT_THAT(Files(), ElementsAre("in.json"));
}

TEST_F(ImportTest, LongPassagesAreRefused) {
  const json list = json::array({HotpotRecord(1, std::string(2'000'000, 'x'))});
  ImportOptions options = Options(Dataset::kHotpotQa, Write("in.json", list.dump()));
  EXPECT_TRUE(Imported(options).ok()) << "no corpus is asked for";
  std::filesystem::remove(options.output);
  options.corpus = folder_ + "corpus.jsonl";
  EXPECT_THAT(Imported(options).error().message(), HasSubstr("in.json:1: record 1: the passage `Sea` is longer than"));
  EXPECT_THAT(Files(), ElementsAre("in.json"));
}

TEST_F(ImportTest, PathsThatDoNotFit) {
  const std::string file = Write("in.jsonl", R"({"question": "a", "answer": "x"})");
  ImportOptions options = Options(Dataset::kNq, file);
  options.output = file;
  EXPECT_THAT(Imported(options).error().message(), HasSubstr("is read and cannot be written to"));
  options = Options(Dataset::kNq, file);
  options.corpus = folder_ + "corpus.jsonl";
  EXPECT_THAT(Imported(options).error().message(), HasSubstr("nq brings no passages"));
  options.dataset = Dataset::kHotpotQa;
  options.corpus = options.output;
  EXPECT_THAT(Imported(options).error().message(), HasSubstr("must be two files"));
  options = Options(Dataset::kNq, file);
  options.aliases = file;
  EXPECT_THAT(Imported(options).error().message(), HasSubstr("those of 2wiki alone"));
  options = Options(Dataset::kNq, folder_ + "none.jsonl");
  EXPECT_THAT(Imported(options).error().message(), HasSubstr("No such file"));
}

TEST_F(ImportTest, CancelledImportsLeaveNothing) {
  cancel_ = true;
  const auto summary = Imported(Options(Dataset::kNq, Write("in.jsonl", R"({"question": "a", "answer": "x"})")));
  EXPECT_EQ(summary.error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(Files(), ElementsAre("in.jsonl"));
}

TEST(Dataset, NamesAreSuggested) {
  EXPECT_EQ(ParseDataset("2wiki").value(), Dataset::k2Wiki);
  EXPECT_THAT(ParseDataset("hotpot_qa").error().message(), HasSubstr("did you mean `hotpotqa`?"));
  EXPECT_THAT(ParseDataset("squad").error().message(), HasSubstr("there are nq, popqa, "));
  for (size_t i = 0; i < DatasetNames().size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(ParseDataset(DatasetNames()[i]).value()), i);
  }
}

}  // namespace
}  // namespace jade::datasets
