#include "runtime/weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

namespace jade::weights {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string File(std::string_view header, size_t data_bytes) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((header.size() >> (8 * i)) & 0xFF));
  return bytes + std::string(header) + std::string(data_bytes, '\0');
}

std::string Problem(const std::string& bytes) {
  auto file = SafetensorsFile::Parse(std::as_bytes(std::span(bytes)), "test");
  return file.ok() ? "no error" : file.error().ToString();
}

std::string Problem(std::string_view header, size_t data_bytes) {
  return Problem(File(header, data_bytes));
}

TensorToWrite Floats(std::string name, std::vector<float> values) {
  return {std::move(name), TensorType::kF32, {static_cast<int64_t>(values.size())}, [values](std::span<std::byte> out) {
            if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
          }};
}

class SafetensorsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string Path(const char* name) const { return (folder_ / name).string(); }
  void Write(const char* name, std::string_view text) const { std::ofstream(Path(name), std::ios::binary) << text; }
  fs::path folder_;
};

TEST_F(SafetensorsTest, WhatIsWrittenReadsBack) {
  const std::vector<TensorToWrite> tensors = {Floats("b", {1, 2, 3}), Floats("a", {4}), Floats("empty", {})};
  ASSERT_TRUE(WriteSafetensors(Path("m.safetensors"), tensors, {{"format", "pt"}}).ok());
  auto file = SafetensorsFile::Open(Path("m.safetensors"));
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  EXPECT_EQ(file->metadata().at("format"), "pt");
  ASSERT_EQ(file->tensors().size(), 3u);
  const TensorView* tensor = file->Find("b");
  ASSERT_NE(tensor, nullptr);
  std::vector<float> values(3);
  ASSERT_TRUE(Dequantise(tensor->type, tensor->data, values).ok());
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
  EXPECT_EQ(file->Find("absent"), nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file->tensors()[0].data.data()) % 8, 0u);
}

TEST_F(SafetensorsTest, ShardsAreOneModel) {
  ASSERT_TRUE(WriteSafetensors(Path("one.safetensors"), std::vector{Floats("x", {1})}).ok());
  ASSERT_TRUE(WriteSafetensors(Path("two.safetensors"), std::vector{Floats("y", {2})}).ok());
  Write("model.safetensors.index.json", R"({"weight_map": {"x": "one.safetensors", "y": "two.safetensors"}})");
  auto set = SafetensorsSet::OpenFolder(folder_.string());
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  EXPECT_NE(set->Find("x"), nullptr);
  EXPECT_NE(set->Find("y"), nullptr);
  EXPECT_EQ(set->tensors().size(), 2u);

  fs::remove(Path("two.safetensors"));
  const auto missing = SafetensorsSet::OpenFolder(folder_.string());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().ToString(), HasSubstr("two.safetensors"));
  Write("model.safetensors.index.json", R"({"weight_map": {"x": "../../etc/passwd"}})");
  EXPECT_THAT(SafetensorsSet::OpenFolder(folder_.string()).error().ToString(), HasSubstr("outside the folder"));
  fs::remove(Path("model.safetensors.index.json"));
  EXPECT_THAT(SafetensorsSet::OpenFolder(folder_.string()).error().ToString(),
              HasSubstr("model.safetensors`: No such"));
}

TEST_F(SafetensorsTest, EveryTruncationIsAnError) {
  ASSERT_TRUE(WriteSafetensors(Path("m"), std::vector{Floats("a", {1, 2, 3}), Floats("b", {4})}).ok());
  std::ifstream in(Path("m"), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(Problem(whole), "no error");
  for (size_t length = 0; length < whole.size(); ++length) {
    ASSERT_NE(Problem(whole.substr(0, length)), "no error") << length;
  }
  EXPECT_THAT(Problem(whole.substr(0, whole.size() - 2)), HasSubstr("tensor `b`"));
  EXPECT_THAT(Problem(whole.substr(0, whole.size() - 2)), HasSubstr("truncated"));
  EXPECT_THAT(Problem(whole.substr(0, 20)), HasSubstr("the file ends after 12: it is truncated"));
}

TEST_F(SafetensorsTest, SaysWhatIsWrong) {
  EXPECT_THAT(Problem(std::string(16, '\xFF')), HasSubstr("not a safetensors file"));
  EXPECT_THAT(Problem("[]", 0), HasSubstr("not a JSON object"));
  EXPECT_THAT(Problem("{\"a\":", 0), HasSubstr("not a JSON object"));
  EXPECT_THAT(Problem(R"({"a": 1})", 0), HasSubstr("tensor `a` lacks"));
  EXPECT_THAT(Problem(R"({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}})", 1),
              HasSubstr("`F8_E4M3`, which is not read"));
  EXPECT_THAT(Problem(R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", 8),
              HasSubstr("shape [3] and type F32 needs 12 bytes, but has 8"));
  EXPECT_THAT(Problem(R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4),
              HasSubstr("impossible shape"));
  EXPECT_THAT(
      Problem(R"({"a": {"dtype": "F32", "shape": [281474976710656, 281474976710656], "data_offsets": [0, 4]}})", 4),
      HasSubstr("impossible shape"));
  EXPECT_THAT(Problem(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})", 3), HasSubstr("leaves a gap"));
  EXPECT_THAT(Problem(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},)"
                      R"( "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})",
                      3),
              HasSubstr("overlaps"));
  EXPECT_THAT(Problem(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}})", 3),
              HasSubstr("belong to no tensor"));
  EXPECT_THAT(Problem(R"({"__metadata__": {"k": 1}})", 0), HasSubstr("`__metadata__`"));
}

TEST(HalfTest, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = F16ToFloat(half);
    if (std::isnan(value)) continue;
    ASSERT_EQ(FloatToF16(value), half) << bits;
    const float brain = Bf16ToFloat(half);
    if (!std::isnan(brain)) {
      ASSERT_EQ(FloatToBf16(brain), half) << bits;
    }
  }
}

TEST(HalfTest, RoundsToNearestEven) {
  EXPECT_EQ(FloatToBf16(1.0F + 0x1p-8F), 0x3F80);            // halfway: to even, down
  EXPECT_EQ(FloatToBf16(1.0F + 0x1p-7F + 0x1p-8F), 0x3F82);  // halfway: to even, up
  EXPECT_EQ(FloatToF16(1.0F + 0x1p-11F), 0x3C00);
  EXPECT_EQ(FloatToF16(1.0F + 3 * 0x1p-11F), 0x3C02);
  EXPECT_EQ(FloatToF16(65520.0F), 0x7C00);
  EXPECT_EQ(FloatToF16(65519.0F), 0x7BFF);
  EXPECT_TRUE(std::isnan(Bf16ToFloat(FloatToBf16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(-std::numeric_limits<float>::quiet_NaN()))));
}

TEST(DequantiseTest, SizesMustAgree) {
  std::vector<std::byte> bytes(34);
  std::vector<float> out(32);
  EXPECT_TRUE(Dequantise(TensorType::kQ8_0, bytes, out).ok());
  EXPECT_EQ(Dequantise(TensorType::kQ4_0, bytes, out).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(Dequantise(TensorType::kQ8_0, bytes, std::span(out).first(16)).ok());
  EXPECT_EQ(Dequantise(TensorType::kI32, bytes, out).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace jade::weights
