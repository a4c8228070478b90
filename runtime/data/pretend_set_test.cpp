#include "runtime/data/pretend_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/data/jsonl_fixture.h"

namespace jade::data {
namespace {

using nlohmann::json;

AtlasFiles Make(const PretendSetOptions& options) {
  Result<AtlasFiles> made = MakePretendSet(options);
  JADE_CHECK(made.ok(), "{}", made.error().ToString());
  return std::move(*made);
}

TEST(PretendSet, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto first = Make({.facts = kFacts, .seed = 5, .countries = 12}).files;
  EXPECT_EQ(first, Make({.facts = kFacts, .seed = 5, .countries = 12}).files);
  EXPECT_NE(first, Make({.facts = kFacts, .seed = 6, .countries = 12}).files);
}

TEST(PretendSet, AnswersAreStatedByPassagesOfItsCorpus) {
  const auto files = Make({.facts = kFacts, .countries = 40}).files;
  std::map<std::string, std::string> texts;
  for (const json& passage : Lines(files.at("corpus.jsonl"))) {
    EXPECT_TRUE(texts.emplace(passage["title"], passage["text"]).second) << passage["title"];
  }
  std::set<std::string> questions, types;
  for (const json& question : Lines(files.at("questions.jsonl"))) {
    EXPECT_TRUE(questions.insert(question["question"]).second) << question["question"];
    types.insert(question["type"]);
    for (const json& step : question["steps"]) {
      const std::string answer = step["answer"];
      if (answer == "yes" || answer == "no") continue;
      EXPECT_THAT(texts.at(step["support"]), testing::HasSubstr(answer)) << question;
    }
  }
  EXPECT_THAT(types, testing::ElementsAre("bridge", "comparison", "single", "yes_no"));
}

TEST(PretendSet, NoNameIsOneOfTheAtlas) {
  Result<World> atlas = LoadAtlas(kFacts, kAtlasSeed);
  ASSERT_TRUE(atlas.ok());
  std::set<std::string> real, asked;
  for (const Entity& entity : atlas->entities) real.insert(entity.name);
  for (const json& question : Lines(Make({.facts = kFacts, .countries = 40}).files.at("questions.jsonl"))) {
    for (const std::string name : question["entities"]) {
      asked.insert(name);
      EXPECT_FALSE(real.contains(name)) << name;
    }
  }
  EXPECT_GT(asked.size(), 200u);
}

TEST(PretendSet, GrowsWithItsCountries) {
  const AtlasSummary small = Make({.facts = kFacts, .countries = 20}).summary;
  const AtlasSummary large = Make({.facts = kFacts, .countries = 80}).summary;
  EXPECT_GT(large.total, 3 * small.total);
  EXPECT_GT(large.passages, 3 * small.passages);
  for (const auto& [type, count] : small.questions[0]) {
    EXPECT_NEAR(static_cast<double>(large.questions[0].at(type)), 4.0 * static_cast<double>(count),
                0.8 * static_cast<double>(count))
        << type;
  }
}

TEST(PretendSet, PiecesAreTheWordPartsOfAVocabulary) {
  const NamePieces pieces = PiecesOf({" Nor", "way", " the", "Nor", " N", "ü", " Ås", "a", "1", " 19", "é\xC3", "", " ",
                                      "it's", " USA", "ło", "\xE2\x82\xAC"});
  EXPECT_THAT(pieces.beginnings, testing::ElementsAre("nor"));
  EXPECT_THAT(pieces.rests, testing::ElementsAre("way", "ü", "ło"));
}

TEST(PretendSet, NamesAreMadeOfThePiecesThatAreGiven) {
  const auto files = Make({.facts = kFacts, .countries = 20, .pieces = {{"quirk"}, {"zant", "üb"}}}).files;
  size_t pieced = 0, names = 0;
  for (const json& passage : Lines(files.at("corpus.jsonl"))) {
    ++names;
    pieced += passage["title"].get<std::string>().find("uirk") != std::string::npos;
  }
  EXPECT_GT(pieced, names / 4);
  EXPECT_LT(pieced, names);
}

TEST(PretendSet, RefusesWorldsTooSmallOrTooLarge) {
  for (const int countries : {-1, 3, kMostCountries + 1}) {
    Result<AtlasFiles> made = MakePretendSet({.facts = kFacts, .countries = countries});
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.error().ToString(), testing::HasSubstr("4 to 2000 countries"));
  }
}

}  // namespace
}  // namespace jade::data
