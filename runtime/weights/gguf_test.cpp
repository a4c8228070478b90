#include "runtime/weights/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "runtime/weights/model_files.h"

namespace jade::weights {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFixtures = JADE_SOURCE_DIR "/tests/fixtures/weights/";

std::string Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<GgufFile> Parse(const std::string& bytes) {
  return GgufFile::Parse(std::as_bytes(std::span(bytes)), "test");
}

// A GGUF written by hand, a field at a time.
class Writer {
 public:
  template <typename T>
  Writer& Put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& Text(std::string_view text) {
    Put<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  Writer& Header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    bytes_ += "GGUF";
    return Put(version).Put(tensors).Put(keys);
  }
  Writer& TextKey(std::string_view key, std::string_view value) { return Text(key).Put<uint32_t>(8).Text(value); }
  Writer& IntKey(std::string_view key, uint32_t value) { return Text(key).Put<uint32_t>(4).Put(value); }
  Writer& Tensor(std::string_view name, std::vector<uint64_t> sizes, uint32_t type, uint64_t offset) {
    Text(name).Put(static_cast<uint32_t>(sizes.size()));
    for (uint64_t size : sizes) Put(size);
    return Put(type).Put(offset);
  }
  Writer& Data(size_t bytes) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32 + bytes);
    return *this;
  }
  Result<GgufFile> Parse() const { return weights::Parse(bytes_); }
  std::string Problem() const {
    auto file = Parse();
    return file.ok() ? "no error" : file.error().ToString();
  }

 private:
  std::string bytes_;
};

TEST(GgufTest, EveryTypeDequantisesAsTheReferenceDoes) {
  auto file = GgufFile::Open(kFixtures + "quants.gguf");
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  const std::string expected = Contents(kFixtures + "quants.f32");
  ASSERT_EQ(file->tensors().size(), 8u);
  size_t offset = 0;
  for (const TensorView& tensor : file->tensors()) {
    EXPECT_EQ(tensor.name, TensorTypeName(tensor.type));
    EXPECT_THAT(tensor.shape, ElementsAre(3, 512));
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    ASSERT_TRUE(Dequantise(tensor.type, tensor.data, values).ok());
    ASSERT_LE(offset + values.size() * 4, expected.size());
    for (size_t i = 0; i < values.size(); ++i) {
      float wanted = 0;
      std::memcpy(&wanted, expected.data() + offset + 4 * i, 4);
      ASSERT_EQ(values[i], wanted) << tensor.name << " " << i;
    }
    offset += values.size() * 4;
  }
  EXPECT_EQ(offset, expected.size());
}

TEST(GgufTest, MetadataKeepsItsTypes) {
  auto file = GgufFile::Open(kFixtures + "quants.gguf");
  ASSERT_TRUE(file.ok());
  EXPECT_THAT(*file->Get<std::vector<int64_t>>("test.numbers"), ElementsAre(1, 2, 3));
  EXPECT_THAT(*file->Get<std::vector<std::string>>("test.texts"), ElementsAre("a", "", "ü"));
  EXPECT_EQ(*file->Get<double>("test.float"), 0.25);
  EXPECT_EQ(*file->Get<bool>("test.flag"), true);
  EXPECT_EQ(*file->Get<int64_t>("test.negative"), -7);
  EXPECT_EQ(file->Get<int64_t>("test.flag"), nullptr);
  EXPECT_EQ(file->Get<int64_t>("absent"), nullptr);
}

TEST(GgufTest, EveryTruncationIsAnError) {
  const std::string whole = Contents(kFixtures + "quants.gguf");
  ASSERT_TRUE(Parse(whole).ok());
  for (size_t length = 0; length < whole.size(); length += length < 2000 ? 1 : 997) {
    auto file = Parse(whole.substr(0, length));
    ASSERT_FALSE(file.ok()) << length;
    ASSERT_EQ(file.error().code(), ErrorCode::kCorrupt) << length;
  }
  EXPECT_THAT(Parse(whole.substr(0, whole.size() - 400)).error().ToString(), HasSubstr("truncated"));
}

TEST(GgufTest, HostileHeadersAreRefusedBeforeAnythingIsAllocated) {
  EXPECT_THAT(Writer().Header(uint64_t{1} << 60, 0).Problem(), HasSubstr("claims 1152921504606846976 tensors"));
  EXPECT_THAT(Writer().Header(0, uint64_t{1} << 60).Problem(), HasSubstr("claims 1152921504606846976 metadata keys"));
  EXPECT_THAT(Writer().Header(0, 1).Put<uint64_t>(UINT64_MAX).Problem(), HasSubstr("a text claims"));
  EXPECT_THAT(Writer().Header(0, 1).Text("k").Put<uint32_t>(9).Put<uint32_t>(8).Put<uint64_t>(1ULL << 61).Problem(),
              HasSubstr("metadata `k`: byte 49: a list claims 2305843009213693952 elements"));
  EXPECT_THAT(Writer().Header(1, 0).Tensor("t", {1ULL << 40, 1ULL << 40}, 0, 0).Problem(),
              HasSubstr("tensor `t` has an impossible shape"));
  EXPECT_THAT(Writer().Header(1, 0).Tensor("t", {4}, 0, 1ULL << 50).Data(16).Problem(),
              HasSubstr("truncated or damaged"));
  EXPECT_THAT(Writer().Header(1, 0).Tensor("t", {4}, 0, UINT64_MAX - 31).Data(16).Problem(), HasSubstr("damaged"));
}

TEST(GgufTest, SaysWhatIsWrong) {
  EXPECT_THAT(Parse("").error().ToString(), HasSubstr("not a GGUF file"));
  EXPECT_THAT(Parse("PK\x03\x04 something else").error().ToString(), HasSubstr("not a GGUF file"));
  EXPECT_THAT(Writer().Header(0, 0, 1).Problem(), HasSubstr("GGUF version 1 is not read"));
  EXPECT_THAT(Writer().Header(1, 0).Tensor("t", {4}, 16, 0).Data(64).Problem(),
              HasSubstr("tensor `t` has ggml type 16"));
  EXPECT_THAT(Writer().Header(1, 0).Tensor("t", {33}, 8, 0).Data(64).Problem(), HasSubstr("not whole blocks of Q8_0"));
  EXPECT_THAT(Writer().Header(2, 0).Tensor("t", {1}, 0, 0).Tensor("t", {1}, 0, 0).Data(64).Problem(),
              HasSubstr("tensor `t` occurs twice"));
  EXPECT_THAT(Writer().Header(0, 1).Text("k").Put<uint32_t>(77).Problem(), HasSubstr("unknown type 77"));
  EXPECT_EQ(GgufFile::Open("no/such/file.gguf").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(GgufFile::Open(kFixtures).error().code(), ErrorCode::kIo);
}

TEST(GgufTest, ConfigurationErrorsNameTheKey) {
  const auto problem = [](const Writer& writer) {
    auto file = writer.Parse();
    EXPECT_TRUE(file.ok()) << file.error().ToString();
    return ModelConfigFromGguf(*file).error().ToString();
  };
  EXPECT_THAT(problem(Writer().Header(0, 0)), HasSubstr("`general.architecture` is missing"));
  EXPECT_THAT(problem(Writer().Header(0, 1).TextKey("general.architecture", "mamba")), HasSubstr("`mamba`"));
  EXPECT_THAT(problem(Writer().Header(0, 1).TextKey("general.architecture", "llama")),
              HasSubstr("`llama.embedding_length` is missing"));
}

TEST(GgufTest, TokenizerErrorsNameTheKey) {
  const auto problem = [](const Writer& writer) { return TokenizerSpecFromGguf(*writer.Parse()).error().ToString(); };
  EXPECT_THAT(problem(Writer().Header(0, 0)), HasSubstr("`tokenizer.ggml.model` is missing"));
  EXPECT_THAT(problem(Writer().Header(0, 1).TextKey("tokenizer.ggml.model", "llama")), HasSubstr("kind `llama`"));
  EXPECT_THAT(problem(Writer().Header(0, 2).TextKey("tokenizer.ggml.model", "gpt2").TextKey("tokenizer.ggml.pre", "x")),
              HasSubstr("pre-tokenizer `x` is not known"));
}

TEST(GgufTest, RotaryRowsReturnToHalves) {
  // One head of four rows: pairs (0,2) and (1,3) of Hugging Face's rows were made neighbours: 0 2 1 3.
  std::vector<float> rows = {0, 0, 2, 2, 1, 1, 3, 3, 10, 10, 12, 12, 11, 11, 13, 13};
  UnpermuteRotaryRows(rows, 2, 2);
  EXPECT_THAT(rows, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 10, 10, 11, 11, 12, 12, 13, 13));
}

TEST(GgufTest, TensorNames) {
  EXPECT_EQ(GgufTensorName("model.layers.12.self_attn.q_proj.weight"), "blk.12.attn_q.weight");
  EXPECT_EQ(GgufTensorName("model.layers.0.mlp.down_proj.bias"), "blk.0.ffn_down.bias");
  EXPECT_EQ(GgufTensorName("lm_head.weight"), "output.weight");
  EXPECT_EQ(GgufTensorName("model.layers.0"), "");
  EXPECT_EQ(GgufTensorName("something.else"), "");
}

}  // namespace
}  // namespace jade::weights
