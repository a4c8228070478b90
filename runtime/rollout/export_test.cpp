// A batch that is written is found again in the files, token by token.

#include "runtime/rollout/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/weights/safetensors.h"

namespace jade::rollout {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExportTest : public ::testing::Test {
 protected:
  ExportTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jade-export-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    batch_.roles = {"AG", "MakePlan"};
    batch_.questions = {{"q1", "who wrote \xff Dune?", "single"}};
    batch_.runs.resize(1);
    batch_.runs[0].id = "r1";
    batch_.runs[0].reward = 0.5;
    batch_.runs[0].answer = "Herbert";
    batch_.left_out["AG"].too_long = 3;
    Transition plan;
    plan.role = 1;
    plan.planner = true;
    plan.site = "Solve/MakePlan";
    plan.observation = {1, 2, 3};
    plan.action = {4, 5};
    plan.rollout_log_probs = {-0.5F, -0.25F};
    plan.constraint = "plan:MakePlan";
    plan.constraint_states = {0, 0xFFFF'FFFF};
    plan.consumers = {1};
    Transition answer;
    answer.call = 1;
    answer.site = "Solve/AG";
    answer.observation = {6};
    answer.action = {7, 8, 9};
    answer.rollout_log_probs = {-1, -2, -3};
    answer.penalty = 2;
    answer.validity = trace::Validity::kMalformed;
    answer.in_result = true;
    answer.alternative_rewards = {0.25};
    answer.alternative_penalties = {0};
    batch_.transitions = {plan, answer};
  }
  ~ExportTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string Path() const { return folder_ + "/new/batch"; }
  nlohmann::json Json() const { return nlohmann::json::parse(std::ifstream(Path() + ".json")); }
  weights::SafetensorsFile Tensors() const { return weights::SafetensorsFile::Open(Path() + ".safetensors").value(); }
  template <typename T>
  static std::vector<T> Values(const weights::SafetensorsFile& file, const char* name, weights::TensorType type) {
    const weights::TensorView* view = file.Find(name);
    if (view == nullptr || view->type != type) return {};
    std::vector<T> values(view->data.size() / sizeof(T));
    std::memcpy(values.data(), view->data.data(), view->data.size());
    return values;
  }

  std::string folder_;
  Batch batch_;
};

TEST_F(ExportTest, TokensArePackedEndToEnd) {
  ASSERT_TRUE(ExportBatch(batch_, Path()).ok());
  const auto file = Tensors();
  using weights::TensorType;
  EXPECT_THAT(Values<int32_t>(file, "input_ids", TensorType::kI32), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(Values<int32_t>(file, "cu_seqlens", TensorType::kI32), ElementsAre(0, 5, 9));
  EXPECT_THAT(Values<uint8_t>(file, "response_mask", TensorType::kU8), ElementsAre(0, 0, 0, 1, 1, 0, 1, 1, 1));
  EXPECT_THAT(Values<float>(file, "log_probs", TensorType::kF32), ElementsAre(0, 0, 0, -0.5F, -0.25F, 0, -1, -2, -3));
  EXPECT_THAT(Values<int64_t>(file, "constraint_states", TensorType::kI64),
              ElementsAre(-1, -1, -1, 0, 0xFFFF'FFFF, -1, -1, -1, -1));
  EXPECT_EQ(file.Find("advantages"), nullptr);
  EXPECT_EQ(file.Find("counted"), nullptr);
}

TEST_F(ExportTest, WhatATrainerKnowsStandsOnTheResponses) {
  const std::vector<uint8_t> counted{1, 0, 1, 1, 1};
  const std::vector<float> advantages{1, 2, 3, 4, 5}, returns{5, 4, 3, 2, 1};
  ASSERT_TRUE(ExportBatch(batch_, Path(), {.step = 12, .credit = {counted, advantages, returns}}).ok());
  const auto file = Tensors();
  using weights::TensorType;
  EXPECT_THAT(Values<uint8_t>(file, "counted", TensorType::kU8), ElementsAre(0, 0, 0, 1, 0, 0, 1, 1, 1));
  EXPECT_THAT(Values<float>(file, "advantages", TensorType::kF32), ElementsAre(0, 0, 0, 1, 2, 0, 3, 4, 5));
  EXPECT_THAT(Values<float>(file, "returns", TensorType::kF32), ElementsAre(0, 0, 0, 5, 4, 0, 3, 2, 1));
  EXPECT_EQ(Json().at("step"), 12);
}

TEST_F(ExportTest, TheRestIsJson) {
  ASSERT_TRUE(ExportBatch(batch_, Path()).ok());
  const nlohmann::json json = Json();
  EXPECT_EQ(json.at("format"), "jade-batch");
  EXPECT_EQ(json.at("tensors"), "batch.safetensors");
  EXPECT_EQ(json.at("roles").at(1), "MakePlan");
  EXPECT_EQ(json.at("runs").at(0).at("answer"), "Herbert");
  EXPECT_EQ(json.at("left_out").at("AG").at("too_long"), 3);
  EXPECT_FALSE(json.contains("step"));
  const nlohmann::json& plan = json.at("transitions").at(0);
  EXPECT_EQ(plan.at("kind"), "planner");
  EXPECT_EQ(plan.at("role"), 1);
  EXPECT_EQ(plan.at("reward"), 0.5);
  EXPECT_EQ(plan.at("constraint"), "plan:MakePlan");
  EXPECT_EQ(plan.at("consumers"), nlohmann::json::array({1}));
  EXPECT_FALSE(plan.contains("alternative_rewards"));
  const nlohmann::json& answer = json.at("transitions").at(1);
  EXPECT_EQ(answer.at("penalty"), 2);
  EXPECT_EQ(answer.at("validity"), "malformed");
  EXPECT_EQ(answer.at("in_result"), true);
  EXPECT_EQ(answer.at("alternative_rewards"), nlohmann::json::array({0.25}));
}

TEST_F(ExportTest, LogProbabilitiesAreLeftOutWhereOneIsMissing) {
  batch_.transitions[1].rollout_log_probs.clear();
  ASSERT_TRUE(ExportBatch(batch_, Path()).ok());
  EXPECT_EQ(Tensors().Find("log_probs"), nullptr);
}

TEST_F(ExportTest, AnEmptyBatchIsABatch) {
  ASSERT_TRUE(ExportBatch({}, Path()).ok());
  EXPECT_THAT(Values<int32_t>(Tensors(), "cu_seqlens", weights::TensorType::kI32), ElementsAre(0));
  EXPECT_TRUE(Json().at("transitions").empty());
}

TEST_F(ExportTest, ArraysOfAnotherSizeAreRefused) {
  const std::vector<float> four{1, 2, 3, 4};
  const Status status = ExportBatch(batch_, Path(), {.credit = {{}, four, {}}});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().ToString(), HasSubstr("`advantages` has 4 numbers, the batch 5 response tokens"));
  EXPECT_FALSE(std::filesystem::exists(Path() + ".json"));
}

TEST_F(ExportTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(folder_ + "/new") << "a file";
  const Status status = ExportBatch(batch_, Path());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_THAT(status.error().ToString(), HasSubstr(folder_ + "/new"));
}

}  // namespace
}  // namespace jade::rollout
