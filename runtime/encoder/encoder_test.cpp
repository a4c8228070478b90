// Against the embeddings that `transformers` computes (tests/fixtures/encoder, made by scripts/fixtures/encoder.py).
#include "runtime/encoder/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/tokenizer/word_piece.h"

namespace jade::encoder {
namespace {

namespace fs = std::filesystem;
using dense::TextKind;
using testing::HasSubstr;

const std::string kFixtures = JADE_SOURCE_DIR "/tests/fixtures/encoder/";

nlohmann::json Reference(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return nlohmann::json::parse(in);
}

float LargestDifference(const std::vector<float>& rows, const nlohmann::json& expected) {
  size_t i = 0;
  float most = 0;
  for (const auto& row : expected) {
    for (const auto& value : row) most = std::max(most, std::abs(rows.at(i++) - value.get<float>()));
  }
  EXPECT_EQ(i, rows.size());
  return most;
}

void ExpectTheSame(const std::string& folder, const nlohmann::json& reference, float tolerance) {
  const auto encoder = LoadEncoder({.folder = folder, .name = "tiny", .device = "cpu"});
  ASSERT_TRUE(encoder.ok()) << encoder.error().ToString();
  const dense::EncoderIdentity& identity = (*encoder)->identity();
  const auto pieces = tokenizer::WordPiece::LoadFolder(folder).value();
  const std::vector<std::string> texts = reference["texts"];
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(pieces.Encode(identity.query_prefix + texts[i], static_cast<size_t>(identity.max_tokens)),
              reference["query_ids"][i].get<std::vector<int32_t>>())
        << texts[i];
  }
  const auto queries = (*encoder)->Encode(texts, TextKind::kQuery).value();
  EXPECT_LE(LargestDifference(queries, reference["query_embeddings"]), tolerance);
  if (!reference.contains("passage_embeddings")) return;
  const auto passages = (*encoder)->Encode(texts, TextKind::kPassage).value();
  EXPECT_LE(LargestDifference(passages, reference["passage_embeddings"]), tolerance);
}

TEST(EncoderParityTest, MeanPooling) {
  ExpectTheSame(kFixtures + "mean", Reference(kFixtures + "mean/reference.json"), 2e-6F);
}

TEST(EncoderParityTest, FirstTokenPoolingPrefixesAndHalfWeights) {
  const nlohmann::json reference = Reference(kFixtures + "cls/reference.json");
  EXPECT_NE(reference["query_embeddings"], reference["passage_embeddings"]);
  ExpectTheSame(kFixtures + "cls", reference, 2e-6F);
}

TEST(EncoderParityTest, AllMiniLm) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path root = cache != nullptr && *cache != '\0' ? fs::path(cache) : fs::path(home ? home : "") / ".cache";
  const fs::path folder = root / "jade/models/all-minilm-l6-v2";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "all-MiniLM-L6-v2 is not in the cache; fetch it with `jade pull all-minilm-l6-v2`";
  }
  ExpectTheSame(folder.string(), Reference(kFixtures + "all-minilm-l6-v2.json"), 1e-5F);
}

class EncoderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::copy(kFixtures + "mean", folder_, fs::copy_options::recursive);
  }
  std::string Complaint() const {
    const auto encoder = LoadEncoder({.folder = folder_.string(), .name = "copy", .device = "cpu"});
    return encoder.ok() ? "none" : encoder.error().ToString();
  }
  void Change(const char* file, const char* key, const nlohmann::json& value) const {
    nlohmann::json object = Reference((folder_ / file).string());
    object[key] = value;
    std::ofstream(folder_ / file) << object;
  }
  std::string Hash() const {
    return LoadEncoder({.folder = folder_.string(), .name = "copy", .device = "cpu"}).value()->identity().hash;
  }
  fs::path folder_;
};

// However many texts are encoded at once, in whatever order, each gets the row it gets alone.
TEST_F(EncoderTest, RowsDoNotDependOnTheBatch) {
  const auto encoder = LoadEncoder({.folder = folder_.string(), .name = "copy", .device = "cpu"}).value();
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (int word = 0; word < (i * 7) % 40; ++word) text += "word" + std::to_string(i * word % 13) + ' ';
    texts.push_back(text);
  }
  const auto rows = encoder->Encode(texts, TextKind::kPassage).value();
  const auto width = static_cast<size_t>(encoder->identity().dimension);
  ASSERT_EQ(rows.size(), texts.size() * width);
  for (size_t i = 0; i < texts.size(); i += 17) {
    const auto alone = encoder->Encode({{texts[i]}}, TextKind::kPassage).value();
    for (size_t d = 0; d < width; ++d) ASSERT_NEAR(rows[i * width + d], alone[d], 2e-6) << texts[i];
  }
  EXPECT_TRUE(encoder->Encode({}, TextKind::kQuery).value().empty());
}

TEST_F(EncoderTest, IdentityNamesWhatCounts) {
  const auto encoder = LoadEncoder({.folder = folder_.string(), .name = "copy", .device = "cpu"}).value();
  const dense::EncoderIdentity& identity = encoder->identity();
  EXPECT_EQ(identity.model, "copy");
  EXPECT_EQ(identity.pooling, "mean");
  EXPECT_EQ(identity.dimension, 24);
  EXPECT_EQ(identity.max_tokens, 48);
  EXPECT_EQ(identity.hash.size(), 32U);
  EXPECT_EQ(Hash(), identity.hash);
  std::fstream weights(folder_ / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-1, std::ios::end);
  weights.put('\x01');
  weights.close();
  EXPECT_NE(Hash(), identity.hash);
}

TEST_F(EncoderTest, SaysWhatIsWrongWithAFolder) {
  EXPECT_EQ(Complaint(), "none");
  fs::resize_file(folder_ / "model.safetensors", fs::file_size(folder_ / "model.safetensors") - 100);
  EXPECT_THAT(Complaint(), HasSubstr("truncated or damaged"));
  fs::copy_file(kFixtures + "mean/model.safetensors", folder_ / "model.safetensors",
                fs::copy_options::overwrite_existing);
  Change("config.json", "intermediate_size", 41);
  EXPECT_THAT(Complaint(), HasSubstr("`encoder.layer.0.intermediate.dense.weight` has the shape [40, 24], but "
                                     "config.json asks for [41, 24]"));
  Change("config.json", "intermediate_size", 40);
  Change("config.json", "num_hidden_layers", 3);
  EXPECT_THAT(Complaint(), HasSubstr("there is no tensor `encoder.layer.2.attention.self.query.weight`"));
  Change("config.json", "num_hidden_layers", 2);
  Change("config.json", "vocab_size", 10);
  EXPECT_THAT(Complaint(), HasSubstr("the tokenizer has 320 tokens, but config.json asks for 10"));
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(Complaint(), HasSubstr("config.json"));
}

TEST_F(EncoderTest, WeightsThatAreNoNumbersAreAnError) {
  std::fstream weights(folder_ / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-4, std::ios::end);
  weights.write("\x00\x00\xC0\x7F", 4);
  weights.close();
  const auto encoder = LoadEncoder({.folder = folder_.string(), .name = "copy", .device = "cpu"}).value();
  EXPECT_THAT(encoder->Encode({{"Oslo"}}, TextKind::kQuery).error().ToString(), HasSubstr("its weights are damaged"));
}

TEST(EncoderDeviceTest, AnUnknownDeviceIsAnError) {
  const auto encoder = LoadEncoder({.folder = kFixtures + "mean", .name = "tiny", .device = "abacus"});
  EXPECT_THAT(encoder.error().ToString(), HasSubstr("there is no device `abacus`"));
}

}  // namespace
}  // namespace jade::encoder
