#include "runtime/backbone/model_io.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace jade::backbone {
namespace {

const std::string kFixtures = std::string(JADE_SOURCE_DIR) + "/tests/fixtures/models/";
const char* const kModels[] = {"llama", "llama3-rope", "llama-bias", "qwen2", "qwen3"};

struct Reference {
  std::vector<std::vector<int32_t>> input_ids;
  at::Tensor logits_NV;
};

Reference ReadReference(const std::string& folder) {
  std::ifstream text(folder + "/reference.json");
  const nlohmann::json json = nlohmann::json::parse(text);
  Reference reference;
  reference.input_ids = json["input_ids"].get<std::vector<std::vector<int32_t>>>();
  const auto shape = json["logits_shape"].get<std::vector<int64_t>>();
  reference.logits_NV = at::empty({shape[0] * shape[1], shape[2]}, at::kFloat);
  std::ifstream data(folder + "/logits.f32", std::ios::binary);
  data.read(reinterpret_cast<char*>(reference.logits_NV.data_ptr<float>()), reference.logits_NV.numel() * 4);
  EXPECT_EQ(data.gcount(), reference.logits_NV.numel() * 4);
  return reference;
}

std::shared_ptr<Decoder> Load(const std::string& folder) {
  const auto files = weights::ModelFiles::Open(folder);
  EXPECT_TRUE(files.ok()) << files.error().ToString();
  auto decoder = LoadDecoder(*files);
  EXPECT_TRUE(decoder.ok()) << decoder.error().ToString();
  return *decoder;
}

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("jade_model_io_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(ModelIo, LogitsAgreeWithTransformers) {
  at::NoGradGuard no_grad;
  for (const char* name : kModels) {
    const auto decoder = Load(kFixtures + name);
    const Reference reference = ReadReference(kFixtures + name);
    const at::Tensor logits = decoder->Logits(decoder->ForwardPacked(PackSequences(reference.input_ids)));
    EXPECT_LT((logits - reference.logits_NV).abs().max().item<float>(), 1e-4) << name;
  }
}

TEST(ModelIo, SavedModelsLoadTheSame) {
  at::NoGradGuard no_grad;
  for (const char* name : kModels) {
    const TemporaryFolder folder;
    const auto decoder = Load(kFixtures + name);
    const Status saved = SaveDecoder(*decoder, folder.path());
    ASSERT_TRUE(saved.ok()) << saved.error().ToString();
    const auto again = Load(folder.path());
    EXPECT_EQ(again->config(), decoder->config()) << name;
    for (size_t i = 0; i < decoder->parameters().size(); ++i) {
      EXPECT_TRUE(at::equal(again->parameters()[i].tensor, decoder->parameters()[i].tensor));
    }
    const Status half = SaveDecoder(*decoder, folder.path(), {at::kBFloat16});
    ASSERT_TRUE(half.ok()) << half.error().ToString();
    const auto rounded = Load(folder.path());
    EXPECT_TRUE(
        at::equal(rounded->parameters()[0].tensor, decoder->parameters()[0].tensor.to(at::kBFloat16).to(at::kFloat)));
  }
}

TEST(ModelIo, ShapesThatDisagreeNameTheTensor) {
  const TemporaryFolder folder;
  const auto decoder = Load(kFixtures + "qwen2");
  ASSERT_TRUE(SaveDecoder(*decoder, folder.path()).ok());
  nlohmann::json config = nlohmann::json::parse(std::ifstream(folder.path() + "/config.json"));
  config["intermediate_size"] = 100;
  std::ofstream(folder.path() + "/config.json") << config.dump();
  const auto files = weights::ModelFiles::Open(folder.path());
  const auto result =
      files.ok() ? LoadDecoder(*files).ok() ? Status() : Status(LoadDecoder(*files).error()) : Status(files.error());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kCorrupt);
  const std::string message = result.error().ToString();
  EXPECT_NE(message.find("mlp"), std::string::npos) << message;
  EXPECT_NE(message.find("112"), std::string::npos) << message;
  EXPECT_NE(message.find("100"), std::string::npos) << message;
}

// bf16 rounds to 8 bits of mantissa; through two or three layers the logits (of size 10) stay within a few tenths.
TEST(ModelIo, Bf16StaysNearFp32) {
  at::NoGradGuard no_grad;
  for (const char* name : kModels) {
    const auto decoder = Load(kFixtures + name);
    const Reference reference = ReadReference(kFixtures + name);
    const DecoderWeights weights = decoder->Weights(at::kBFloat16);
    const at::Tensor logits =
        Decoder::Logits(decoder->ForwardPacked(PackSequences(reference.input_ids), weights), weights);
    const at::Tensor difference = logits - reference.logits_NV;
    EXPECT_LT((difference.norm() / reference.logits_NV.norm()).item<float>(), 0.03) << name;
  }
}

}  // namespace
}  // namespace jade::backbone
