#include "runtime/data/atlas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "runtime/data/facts.h"
#include "runtime/data/jsonl_fixture.h"
#include "runtime/data/questions.h"

namespace jade::data {
namespace {

using nlohmann::json;

// The atlas, made once for all tests of this file.
const AtlasFiles& Made() {
  static const AtlasFiles kMade = [] {
    Result<AtlasFiles> made = MakeAtlas({.facts = kFacts, .output = ""});
    JADE_CHECK(made.ok(), "{}", made.error().ToString());
    return std::move(*made);
  }();
  return kMade;
}

std::vector<json> Questions(const std::string& split) {
  return Lines(Made().files.at(split + ".jsonl"));
}

std::map<std::string, std::string> TextByTitle() {
  std::map<std::string, std::string> texts;
  for (const json& passage : Lines(Made().files.at("corpus.jsonl"))) texts[passage["title"]] = passage["text"];
  return texts;
}

size_t Words(const std::string& text) {
  std::istringstream in(text);
  size_t count = 0;
  for (std::string word; in >> word;) ++count;
  return count;
}

TEST(Atlas, HoldsAtLeastTheFactsItPromises) {
  auto entities = Made().summary.entities;
  EXPECT_GE(entities["country"], 190u);
  EXPECT_GE(entities["element"], 100u);
  EXPECT_GE(entities["book"], 150u);
  EXPECT_GE(entities["mountain"] + entities["university"] + entities["museum"], 100u);
  EXPECT_GE(Made().summary.passages, 1000u);
  EXPECT_GE(Made().summary.total, 4000u);
  EXPECT_GE(static_cast<double>(Made().summary.cheaper), 0.3 * static_cast<double>(Made().summary.total));
  for (const auto& split : Made().summary.questions) {
    for (const char* type : {"single", "bridge2", "bridge3", "comparison", "yes_no"}) {
      EXPECT_TRUE(split.contains(type)) << type;
    }
  }
}

TEST(Atlas, CommittedFilesAreWhatTheGeneratorMakes) {
  for (const auto& [name, text] : Made().files) {
    std::ifstream in(kFacts + "/" + name, std::ios::binary);
    std::stringstream committed;
    committed << in.rdbuf();
    EXPECT_TRUE(committed.str() == text) << name << " is out of date: run `jade data atlas`";
  }
}

TEST(Atlas, AnotherSeedGivesOtherQuestions) {
  Result<AtlasFiles> other = MakeAtlas({.facts = kFacts, .output = "", .seed = 4});
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->files["test.jsonl"], Made().files.at("test.jsonl"));
}

TEST(Atlas, NoEntityOfTheTestQuestionsOccursInTrainingOnes) {
  std::map<std::string, std::set<std::string>> entities;
  for (const char* split : {"train", "dev", "test"}) {
    for (const json& question : Questions(split)) {
      for (const std::string name : question["entities"]) entities[split].insert(name);
    }
  }
  for (const auto& [left, right] : {std::pair{"train", "dev"}, {"train", "test"}, {"dev", "test"}}) {
    std::vector<std::string> shared;
    std::set_intersection(entities[left].begin(), entities[left].end(), entities[right].begin(), entities[right].end(),
                          std::back_inserter(shared));
    EXPECT_THAT(shared, testing::IsEmpty()) << left << " and " << right;
  }
}

TEST(Atlas, LinkedEntitiesShareASplit) {
  Result<World> world = LoadAtlas(kFacts, kAtlasSeed);
  ASSERT_TRUE(world.ok());
  for (const Entity& entity : world->entities) {
    for (const Fact& fact : entity.facts) {
      if (fact.object == kNoEntity) continue;
      EXPECT_EQ(entity.split, world->At(fact.object).split) << entity.name;
    }
  }
}

TEST(Atlas, TitlesAreUniqueAndPassagesShort) {
  std::set<std::string> titles, ids;
  for (const json& passage : Lines(Made().files.at("corpus.jsonl"))) {
    EXPECT_TRUE(titles.insert(passage["title"]).second) << passage["title"];
    EXPECT_TRUE(ids.insert(passage["id"]).second) << passage["id"];
    EXPECT_LE(Words(passage["text"]), 30u) << passage["text"];
    EXPECT_LE(passage["text"].get<std::string>().size(), 150u) << passage["text"];
    EXPECT_THAT(passage["text"].get<std::string>(), testing::Not(testing::HasSubstr("{")));
  }
}

TEST(Atlas, SupportExistsAndStatesTheAnswers) {
  auto texts = TextByTitle();
  for (const char* split : {"train", "dev", "test"}) {
    for (const json& question : Questions(split)) {
      ASSERT_FALSE(question["support"].empty());
      for (const std::string title : question["support"]) EXPECT_TRUE(texts.contains(title)) << title;
      bool stated = question["type"] == "single" || question["type"] == "bridge";
      for (const json& step : question["steps"]) {
        std::string answer = step["answer"], text = texts[step["support"]];
        if (answer == "yes" || answer == "no") continue;
        EXPECT_THAT(text, testing::HasSubstr(answer)) << question;
      }
      if (!stated) continue;
      EXPECT_EQ(question["steps"].back()["answer"], question["answer"]) << question;
    }
  }
}

TEST(Atlas, QuestionsAreDistinctAndYesIsAsFrequentAsNo) {
  std::set<std::string> texts;
  int yes = 0, no = 0;
  for (const char* split : {"train", "dev", "test"}) {
    for (const json& question : Questions(split)) {
      EXPECT_TRUE(texts.insert(question["question"]).second) << question["question"];
      yes += question["answer"] == "yes";
      no += question["answer"] == "no";
    }
  }
  EXPECT_LE(std::abs(yes - no), 6);
}

TEST(Atlas, OneRetrievalFindsTheEvidenceOfSingleHopsAmongNearMisses) {
  Result<World> world = LoadAtlas(kFacts, kAtlasSeed);
  ASSERT_TRUE(world.ok());
  Library library = WritePassages(*world, kAtlasSeed);
  Lookup lookup(library);
  size_t singles = 0, found = 0, near = 0;
  for (const json& question : Questions("test")) {
    if (question["type"] != "single") continue;
    ++singles;
    std::string gold = question["support"][0];
    std::vector<PassageId> top = lookup.Search(question["question"].get<std::string>(), 5);
    Kind kind = Kind::kCountry;
    for (PassageId id : top) {
      if (library.At(id).title == gold) found += 1, kind = world->At(library.At(id).subject).kind;
    }
    near += std::any_of(top.begin(), top.end(), [&](PassageId id) {
      return library.At(id).title != gold && world->At(library.At(id).subject).kind == kind;
    });
  }
  EXPECT_GE(static_cast<double>(found), 0.95 * static_cast<double>(singles));
  EXPECT_GE(static_cast<double>(near), 0.6 * static_cast<double>(singles));
}

TEST(Atlas, BuildReplacesItsFiles) {
  std::string folder = testing::TempDir() + "atlas_build";
  std::filesystem::remove_all(folder);
  Result<AtlasSummary> summary = BuildAtlas({.facts = kFacts, .output = folder});
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  EXPECT_THAT(summary->ToText(), testing::HasSubstr("passages"));
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  EXPECT_THAT(names, testing::ElementsAre("corpus.jsonl", "dev.jsonl", "test.jsonl", "train.jsonl"));
  std::filesystem::remove_all(folder);
}

// A copy of the facts with one file replaced.
class Facts : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "atlas_facts_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    for (const auto& entry : std::filesystem::directory_iterator(kFacts)) {
      if (entry.path().extension() == ".yaml") std::filesystem::copy(entry.path(), folder_ / entry.path().filename());
    }
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string ErrorWith(const std::string& file, const std::string& text) {
    std::ofstream(folder_ / file) << text;
    Result<World> world = LoadFacts(folder_.string());
    return world.ok() ? "" : world.error().ToString();
  }

  std::filesystem::path folder_;
};

TEST_F(Facts, AnUnknownReferenceNamesItsLine) {
  std::string error = ErrorWith("books.yaml", "# books\n- {name: Emma, author: Jane Austin, year: 1815}\n");
  EXPECT_THAT(error, testing::AllOf(testing::HasSubstr("books.yaml:2"), testing::HasSubstr("`Jane Austin`")));
}

TEST_F(Facts, ANameListedTwiceIsAnError) {
  std::string row = "- {name: Emma, author: Jane Austen, year: 1815}\n";
  EXPECT_THAT(ErrorWith("books.yaml", row + row), testing::HasSubstr("books.yaml:2"));
}

TEST_F(Facts, AYearOutOfRangeIsAnError) {
  EXPECT_THAT(ErrorWith("books.yaml", "- {name: Emma, author: Jane Austen, year: 18150}\n"),
              testing::HasSubstr("books.yaml:1"));
}

TEST_F(Facts, AnUnknownKeyIsAnError) {
  EXPECT_THAT(ErrorWith("books.yaml", "- {name: Emma, author: Jane Austen, yaer: 1815}\n"),
              testing::AllOf(testing::HasSubstr("books.yaml:1"), testing::HasSubstr("yaer")));
}

TEST_F(Facts, AMissingFileIsNamed) {
  std::filesystem::remove(folder_ / "museums.yaml");
  Result<World> world = LoadFacts(folder_.string());
  ASSERT_FALSE(world.ok());
  EXPECT_THAT(world.error().ToString(), testing::HasSubstr("museums.yaml"));
}

TEST_F(Facts, ADiscoveryNeedsBothItsKeys) {
  EXPECT_THAT(ErrorWith("elements.yaml", "- {name: Tin, symbol: Sn, number: 50, discovered: 1800}\n"),
              testing::HasSubstr("come together"));
}

TEST_F(Facts, AScalarInPlaceOfAListIsAnError) {
  EXPECT_THAT(ErrorWith("cities.yaml", "Paris\n"), testing::HasSubstr("cities.yaml:1"));
  EXPECT_THAT(ErrorWith("cities.yaml", "- Paris\n"), testing::HasSubstr("cities.yaml:1"));
}

}  // namespace
}  // namespace jade::data
