// Against the ids that Hugging Face `tokenizers` gives (tests/fixtures/encoder, made by scripts/fixtures/encoder.py),
// and what the files of vocabularies may hold.
#include "runtime/tokenizer/word_piece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace jade::tokenizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFixtures = JADE_SOURCE_DIR "/tests/fixtures/";

std::string Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> Lines(const std::string& path) {
  std::istringstream in(Contents(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<int32_t> Ids(const std::string& line) {
  std::istringstream in(line);
  std::vector<int32_t> ids;
  for (int32_t id = 0; in >> id;) ids.push_back(id);
  return ids;
}

class WordPieceParityTest : public testing::TestWithParam<const char*> {};

TEST_P(WordPieceParityTest, GivesTheSameIds) {
  const auto spec = WordPiece::SpecFromTokenizerJson(Contents(kFixtures + "encoder/" + GetParam() + ".json"));
  ASSERT_TRUE(spec.ok()) << spec.error().ToString();
  const auto pieces = WordPiece::Create(*spec).value();
  const auto strings = Lines(kFixtures + "tokenizer/strings.jsonl");
  const auto expected = Lines(kFixtures + "encoder/" + GetParam() + ".ids");
  ASSERT_EQ(strings.size(), expected.size());
  ASSERT_GE(strings.size(), 5000U);
  int compared = 0;
  for (size_t i = 0; i < strings.size(); ++i) {
    if (expected[i].empty()) continue;  // characters that are newer than the tables of `tokenizers`
    ++compared;
    const std::string text = nlohmann::json::parse(strings[i]);
    const auto ids = Ids(expected[i]);
    ASSERT_EQ(pieces.Encode(text, 100'000), ids) << "string " << i << ": " << strings[i];
    // Cut short: the same beginning, and the last token kept.
    const auto cut = pieces.Encode(text, 6);
    if (ids.size() <= 6) {
      ASSERT_EQ(cut, ids);
    } else {
      ASSERT_EQ(cut.size(), 6U);
      ASSERT_TRUE(std::equal(cut.begin(), cut.end() - 1, ids.begin())) << strings[i];
      ASSERT_EQ(cut.back(), ids.back());
    }
  }
  EXPECT_GE(compared, 4300);
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, WordPieceParityTest, testing::Values("uncased", "cased"),
                         [](const auto& info) { return std::string(info.param); });

constexpr char kVocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nwho\n##se\nun\n##aff\n##able\n?\ncafe\n[\n]\nsep\n";

TEST(WordPieceTest, TakesTheLongestTokenThatFits) {
  const auto pieces = WordPiece::Create(WordPiece::SpecFromVocabulary(kVocabulary, "").value()).value();
  EXPECT_THAT(pieces.Encode("Whose? unaffable CAFÉ", 100), ElementsAre(2, 4, 5, 9, 6, 7, 8, 10, 3));
  EXPECT_THAT(pieces.Encode("unaffably who", 100), ElementsAre(2, 1, 4, 3));  // one piece unknown: the whole word is
  EXPECT_THAT(pieces.Encode("", 100), ElementsAre(2, 3));
  EXPECT_THAT(pieces.Encode("[SEP]", 100), ElementsAre(2, 11, 13, 12, 3));  // text never becomes control tokens
  EXPECT_THAT(pieces.Encode("who\xFF\xC3", 100), ElementsAre(2, 4, 3));
  EXPECT_THAT(pieces.Encode("who who who who", 4), ElementsAre(2, 4, 4, 3));
  EXPECT_THAT(pieces.Encode("unaffable", 4), ElementsAre(2, 6, 7, 3));
}

TEST(WordPieceTest, LongWordsAreUnknownAndCostLittle) {
  const auto pieces = WordPiece::Create(WordPiece::SpecFromVocabulary(kVocabulary, "").value()).value();
  EXPECT_THAT(pieces.Encode(std::string(1 << 20, 'w'), 100), ElementsAre(2, 1, 3));
  std::string cafe = "cafe";
  for (int i = 0; i < 10; ++i) cafe += "\xCC\x81";  // accents do not count
  EXPECT_THAT(pieces.Encode(cafe, 100), ElementsAre(2, 10, 3));
}

TEST(WordPieceTest, ReadsFolders) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "word_piece_folder";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  EXPECT_EQ(WordPiece::LoadFolder(folder.string()).error().code(), ErrorCode::kNotFound);
  std::ofstream(folder / "vocab.txt") << kVocabulary;
  std::ofstream(folder / "tokenizer_config.json") << R"({"do_lower_case": false, "strip_accents": null})";
  const auto pieces = WordPiece::LoadFolder(folder.string());
  ASSERT_TRUE(pieces.ok()) << pieces.error().ToString();
  EXPECT_THAT(pieces->Encode("Who who", 100), ElementsAre(2, 1, 4, 3));
  EXPECT_EQ(pieces->vocab_size(), 14);
  std::ofstream(folder / "tokenizer.json") << "{";
  EXPECT_THAT(WordPiece::LoadFolder(folder.string()).error().ToString(), HasSubstr("tokenizer.json`: not valid JSON"));
}

// Each pair: what replaces what in a good file, and the complaint.
TEST(WordPieceTest, SaysWhatIsWrongWithAFile) {
  const nlohmann::json good = nlohmann::json::parse(Contents(kFixtures + "encoder/uncased.json"));
  const auto complaint = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(pointer)] = value;
    auto spec = WordPiece::SpecFromTokenizerJson(bad.dump());
    const auto pieces = spec.ok() ? WordPiece::Create(*spec) : Result<WordPiece>(spec.error());
    return pieces.ok() ? std::string("none") : pieces.error().ToString();
  };
  EXPECT_EQ(complaint("/model/type", "WordPiece"), "none");
  EXPECT_THAT(complaint("/model/type", "BPE"), HasSubstr("`model.type` is `BPE`, not WordPiece"));
  EXPECT_THAT(complaint("/model/vocab/a", -1), HasSubstr("the token `a` has an id that is out of range"));
  EXPECT_THAT(complaint("/model/vocab/a", 1e300), HasSubstr("out of range"));
  EXPECT_THAT(complaint("/model/vocab/a", 0), HasSubstr("have the same id 0"));
  EXPECT_THAT(complaint("/model/vocab", nlohmann::json::array()), HasSubstr("`model.vocab` is missing"));
  EXPECT_THAT(complaint("/model/unk_token", "<unk>"), HasSubstr("lacks the token `<unk>`"));
  EXPECT_THAT(complaint("/normalizer/type", "NFC"), HasSubstr("`normalizer` is not BertNormalizer"));
  EXPECT_THAT(complaint("/pre_tokenizer", nullptr), HasSubstr("`pre_tokenizer` is not BertPreTokenizer"));
  EXPECT_THAT(complaint("/post_processor/single", nlohmann::json::array()), HasSubstr("one token before the text"));
}

}  // namespace
}  // namespace jade::tokenizer
