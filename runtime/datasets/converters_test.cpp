// Records of our own invention in the form of each dataset.

#include "runtime/datasets/converters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/datasets/fields.h"

namespace jade::datasets {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

Item Read(const MaybeItem& item) {
  EXPECT_TRUE(item.ok()) << item.error().ToString();
  return item.ok() && *item ? **item : Item();
}

TEST(NqItem, TakesTheAnswersOfItsList) {
  const Item item = Read(NqItem({{"question", "who tends the lamp"}, {"answer", {"Ida Moor", "I. Moor"}}}));
  EXPECT_EQ(item.id, "");
  EXPECT_THAT(item.answers, ElementsAre("Ida Moor", "I. Moor"));
  EXPECT_EQ(Read(NqItem({{"id", -77}, {"question", "q"}, {"answer", "x"}})).id, "-77");
  EXPECT_THAT(NqItem({{"question", "q"}}).error().message(),
              HasSubstr("a test set without answers cannot be imported"));
  EXPECT_THAT(NqItem({{"question", "q"}, {"answer", {"x", 1}}}).error().message(),
              HasSubstr("`answer` must be a text or"));
  EXPECT_THAT(NqItem({{"query", "q"}, {"answer", "x"}}).error().message(),
              HasSubstr("it lacks `question`; it has `answer`, `query`"));
  EXPECT_THAT(NqItem({{"question", " "}, {"answer", "x"}}).error().message(), HasSubstr("more than white space"));
}

TEST(PopQaItem, AnswersStandAsJsonInAColumn) {
  json row{{"id", "41"},
           {"question", "What is Ida Moor's occupation?"},
           {"prop", "occupation"},
           {"obj", "keeper"},
           {"s_wiki_title", "Ida Moor"},
           {"s_pop", "210"},
           {"possible_answers", R"(["keeper", "warden"])"}};
  const Item item = Read(PopQaItem(row));
  EXPECT_EQ(item.id, "41");
  EXPECT_THAT(item.answers, ElementsAre("keeper", "warden"));
  EXPECT_EQ(item.type, "occupation");
  EXPECT_THAT(item.support, ElementsAre("Ida Moor"));
  EXPECT_EQ(item.more["popularity"], 210);
  row["possible_answers"] = "keeper";
  EXPECT_THAT(PopQaItem(row).error().message(), HasSubstr("`possible_answers` must be a JSON list of texts"));
  row.erase("possible_answers");
  EXPECT_THAT(PopQaItem(row).error().message(), HasSubstr("it lacks `possible_answers`"));
}

TEST(AmbigQaItem, TakesEveryAnswerOfEveryReading) {
  const json single = json::parse(R"({"type": "singleAnswer", "answer": ["1901", "in 1901"]})");
  const json several = json::parse(R"({"type": "multipleQAs", "qaPairs": [
    {"question": "first?", "answer": ["1901"]}, {"question": "second?", "answer": ["1907"]}]})");
  json record{{"id", "7"}, {"question", "When was it built?"}, {"annotations", json::array({several})}};
  Item item = Read(AmbigQaItem(record));
  EXPECT_EQ(item.type, "multiple");
  EXPECT_THAT(item.answers, ElementsAre("1901", "1907"));
  record["annotations"] = json::array({single, several});
  item = Read(AmbigQaItem(record));
  EXPECT_EQ(item.type, "single");
  EXPECT_THAT(item.answers, ElementsAre("1901", "in 1901", "1901", "1907"));
}

TEST(AmbigQaItem, OtherFormsAreNamed) {
  const auto error = [](const char* annotations) {
    const json record{{"id", "7"}, {"question", "q?"}, {"annotations", json::parse(annotations)}};
    return AmbigQaItem(record).error().message();
  };
  EXPECT_THAT(error(R"([{"type": "none"}])"), HasSubstr("must be `singleAnswer` or `multipleQAs`, not `none`"));
  EXPECT_THAT(error("[1]"), HasSubstr("`annotations` must be a list of objects"));
  EXPECT_THAT(error(R"([{"type": "multipleQAs", "qaPairs": [1]}])"), HasSubstr("`qaPairs` must be a list of objects"));
  EXPECT_THAT(error(R"([{"type": "singleAnswer"}])"), HasSubstr("it lacks `answer`; it has `type`"));
  EXPECT_THAT(error("null"), HasSubstr("a test set without answers"));
}

json Hotpot() {
  return json::parse(R"({
    "_id": "h1", "question": "Which lamp is older?", "answer": "yes", "type": "comparison", "level": "hard",
    "supporting_facts": [["North Lamp", 0], ["South Lamp", 1], ["North Lamp", 1]],
    "context": [["North Lamp", ["It was lit in 1801.", " It is red."]],
                ["South Lamp", ["It is blue.", "Lit in 1790."]]]})");
}

TEST(HotpotQaItem, JoinsSentencesAndKeepsTitles) {
  const Item item = Read(HotpotQaItem(Hotpot()));
  EXPECT_EQ(item.id, "h1");
  EXPECT_THAT(item.answers, ElementsAre("yes"));
  EXPECT_EQ(item.type, "comparison");
  EXPECT_EQ(item.more["level"], "hard");
  EXPECT_THAT(Distinct(item.support), ElementsAre("North Lamp", "South Lamp"));
  ASSERT_EQ(item.passages.size(), 2U);
  EXPECT_EQ(item.passages[0].text, "It was lit in 1801. It is red.");
  EXPECT_EQ(item.passages[1].text, "It is blue. Lit in 1790.");
}

TEST(HotpotQaItem, OtherFormsAreNamed) {
  const auto error = [](const char* field, const json& value) {
    json record = Hotpot();
    record[field] = value;
    return HotpotQaItem(record).error().message();
  };
  EXPECT_THAT(error("context", {{"title", {"a"}}, {"sentences", {"b"}}}), HasSubstr("`context` must be a list of"));
  EXPECT_THAT(error("context", {{"a", {"x"}, "c"}}), HasSubstr("[title, sentences]"));
  EXPECT_THAT(error("context", json::parse(R"([["a", [1]]])")), HasSubstr("`context` must be a text or a list"));
  EXPECT_THAT(error("supporting_facts", {{1, 0}}), HasSubstr("`supporting_facts` must be a list of [title, sentence]"));
  EXPECT_THAT(error("answer", nullptr), HasSubstr("a test set without answers cannot be imported"));
  EXPECT_THAT(error("_id", json::object()), HasSubstr("`_id` must be text"));
}

TEST(WikiItem, AcceptsTheAliasesOfTheAnswer) {
  const std::string path =
      testing::TempDir() + "aliases_test_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".json";
  std::ofstream(path, std::ios::binary) << R"({"Q_id": "Q1", "aliases": ["Old Lamp"], "demonyms": ["Lampish"]})"
                                        << "\n"
                                        << R"({"Q_id": "Q2", "aliases": [], "demonyms": []})"
                                        << "\n";
  const auto aliases = ReadAliases(path);
  ASSERT_TRUE(aliases.ok()) << aliases.error().ToString();
  json record = Hotpot();
  record["answer"] = "North Lamp";
  record["answer_id"] = "Q1";
  EXPECT_THAT(Read(WikiItem(record, *aliases)).answers, ElementsAre("North Lamp", "Old Lamp", "Lampish"));
  record["answer_id"] = "Q3";
  EXPECT_THAT(Read(WikiItem(record, *aliases)).answers, ElementsAre("North Lamp"));
  record.erase("answer_id");
  EXPECT_THAT(Read(WikiItem(record, *aliases)).answers, ElementsAre("North Lamp"));
  std::ofstream(path, std::ios::binary) << R"({"Q_id": "Q1", "aliases": ["Old Lamp"]})";
  EXPECT_THAT(ReadAliases(path).error().message(), HasSubstr(":1: the object lacks `demonyms`"));
}

json Musique() {
  return json::parse(R"({
    "id": "3hop1__1_2_3", "question": "Who built the lamp?", "answer": "Ida Moor", "answer_aliases": ["Moor"],
    "answerable": true,
    "paragraphs": [{"idx": 0, "title": "Lamp", "paragraph_text": "By Ida Moor.", "is_supporting": true},
                   {"idx": 1, "title": "Other", "paragraph_text": "Nothing.", "is_supporting": false}],
    "question_decomposition": [{"id": 1, "question": "Lamp >> builder", "answer": "Ida Moor",
                                "paragraph_support_idx": 0}]})");
}

TEST(MusiqueItem, KeepsGraphSupportAndSteps) {
  const Item item = Read(MusiqueItem(Musique()));
  EXPECT_EQ(item.type, "3hop1");
  EXPECT_THAT(item.answers, ElementsAre("Ida Moor", "Moor"));
  EXPECT_THAT(item.support, ElementsAre("Lamp"));
  EXPECT_EQ(item.passages.size(), 2U);
  EXPECT_EQ(item.more["steps"][0]["asked"], "Lamp >> builder");
  EXPECT_EQ(item.more["steps"][0]["support"], "Lamp");
  json moved = Musique();
  moved["paragraphs"][0]["idx"] = 19U;
  moved["question_decomposition"][0]["paragraph_support_idx"] = 19U;
  EXPECT_EQ(Read(MusiqueItem(moved)).more["steps"][0]["support"], "Lamp");
  json unanswerable = Musique();
  unanswerable["answerable"] = false;
  EXPECT_FALSE(MusiqueItem(unanswerable).value().has_value());
}

TEST(MusiqueItem, OtherFormsAreNamed) {
  json record = Musique();
  record["question_decomposition"][0]["paragraph_support_idx"] = 2;
  EXPECT_THAT(MusiqueItem(record).error().message(), HasSubstr("must be the `idx` of a paragraph"));
  record = Musique();
  record["paragraphs"][1]["is_supporting"] = "no";
  EXPECT_THAT(MusiqueItem(record).error().message(), HasSubstr("`is_supporting` must be true or false"));
  record = Musique();
  record["answerable"] = 1;
  EXPECT_THAT(MusiqueItem(record).error().message(), HasSubstr("`answerable` must be true or false"));
  record.erase("paragraphs");
  record["answerable"] = true;
  EXPECT_THAT(MusiqueItem(record).error().message(), HasSubstr("it lacks `paragraphs`"));
}

TEST(BamboogleItem, TakesBothSpellings) {
  EXPECT_THAT(Distinct(Read(BamboogleItem({{"Question", "q?"}, {"Answer", "x"}, {"Answer 2", ""}})).answers),
              ElementsAre("x"));
  EXPECT_THAT(Read(BamboogleItem({{"Question", "q?"}, {"Answer", "x"}, {"Answer 2", "y"}})).answers,
              ElementsAre("x", "y"));
  const Item item = Read(BamboogleItem({{"id", "b1"}, {"Question", "q?"}, {"answer", {"x", "y"}}}));
  EXPECT_EQ(item.id, "b1");
  EXPECT_THAT(Distinct(item.answers), ElementsAre("x", "y"));
  EXPECT_THAT(BamboogleItem({{"Question", "q?"}}).error().message(), HasSubstr("it lacks `Answer`; it has `Question`"));
}

TEST(MappedItem, FindsFieldsInsideFields) {
  const json record{{"key", 5}, {"query", {{"text", "q?"}}}, {"gold", {"x", "y"}}};
  const Item item = Read(MappedItem(record, {.question = "query.text", .answer = "gold", .id = "key"}));
  EXPECT_EQ(item.id, "5");
  EXPECT_EQ(item.question, "q?");
  EXPECT_THAT(item.answers, ElementsAre("x", "y"));
  EXPECT_THAT(MappedItem(record, {.question = "query.txt", .answer = "gold", .id = ""}).error().message(),
              HasSubstr("it lacks `query.txt`; did you mean `text`?"));
  EXPECT_THAT(MappedItem(record, {.question = "key.text", .answer = "gold", .id = ""}).error().message(),
              HasSubstr("it lacks `key.text`"));
  EXPECT_THAT(MappedItem(record, {.question = "query", .answer = "gold", .id = ""}).error().message(),
              HasSubstr("`query` must be text"));
}

TEST(MappedItem, KeepsWhatIsPlain) {
  const Item item = Read(MappedItem({{"question", "q?"},
                                     {"answer", "x"},
                                     {"type", "bridge"},
                                     {"support", {"A", "B"}},
                                     {"hops", 2},
                                     {"tags", {"t", 1}},
                                     {"nested", {{"a", 1}}}},
                                    {}));
  EXPECT_EQ(item.type, "bridge");
  EXPECT_THAT(item.support, ElementsAre("A", "B"));
  EXPECT_EQ(item.more.dump(), R"({"hops":2,"tags":["t",1]})");
}

TEST(Fields, TextsOnceAndNotBlank) {
  EXPECT_THAT(Distinct({"b", " ", "a", "b", ""}), ElementsAre("b", "a"));
  EXPECT_EQ(JoinSentences({"  One.", "Two.", "", " Three. ", "Four."}), "One. Two. Three. Four.");
  EXPECT_EQ(JoinSentences({" ", ""}), "");
}

}  // namespace
}  // namespace jade::datasets
