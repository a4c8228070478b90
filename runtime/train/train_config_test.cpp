#include "runtime/train/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::train {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kLeast = R"(train:
  file: a.jade
  run: out
  data: { train: q.jsonl }
)";

std::string Problems(const std::string& text) {
  const auto config = ParseTrainConfig("t.yaml", text);
  return config.ok() ? "" : config.error().ToString();
}

TEST(TrainConfig, TheDefaultsAreThePublishedRun) {
  const auto config = ParseTrainConfig("t.yaml", std::string(kLeast));
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->rollout.questions, 128);
  EXPECT_EQ(config->update.mini_batch, 32);
  EXPECT_EQ(config->update.epochs, 1);
  EXPECT_FALSE(config->update.shuffle);
  EXPECT_EQ(config->update.clip_low, 0.2);
  EXPECT_EQ(config->update.clip_high, 0.2);
  EXPECT_EQ(config->update.dual_clip, 3.0);
  EXPECT_EQ(config->update.value_clip, 0.5);
  EXPECT_EQ(config->update.value_coefficient, 0.5);
  EXPECT_EQ(config->update.entropy, 0.0);
  EXPECT_EQ(config->update.aggregation, advantage::LossAggregation::kTokenMean);
  EXPECT_EQ(config->advantage.defaults.estimator, advantage::Estimator::kGae);
  EXPECT_EQ(config->advantage.defaults.gamma, 1.0);
  EXPECT_EQ(config->advantage.defaults.lambda, 1.0);
  EXPECT_EQ(config->advantage.whiten, advantage::Whitening::kBatch);
  EXPECT_EQ(config->advantage.kl.in, advantage::KlPlace::kNone);
  EXPECT_EQ(config->actor_lr, 5e-7);
  EXPECT_EQ(config->critic_lr, 1e-5);
  EXPECT_EQ(config->optimiser.weight_decay, 0.01);
  EXPECT_EQ(config->optimiser.beta2, 0.999);
  EXPECT_EQ(config->optimiser.clip, 1.0);
  EXPECT_EQ(config->critic, CriticKind::kModel);
  EXPECT_EQ(config->critic_warm_up, 0);
  EXPECT_EQ(config->rollout.temperature, 1.0);
  EXPECT_EQ(config->rollout.max_prompt, 3072);
  EXPECT_EQ(config->rollout.max_response, 1024);
  EXPECT_EQ(config->epochs, 3);
  EXPECT_EQ(config->train_roles, "all");
  EXPECT_EQ(config->algorithm, Algorithm::kPpo);
  EXPECT_EQ(config->export_batches, "");
  EXPECT_EQ(config->corpus, "");
}

TEST(TrainConfig, AScheduleOfTheRateIsReadAndChecked) {
  const std::string least(kLeast);
  const auto config = ParseTrainConfig(
      "t.yaml", least + "  actor: { schedule: { shape: cosine, warm_up: 5, steps: 40, final: 0.1 } }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->actor_schedule.shape, RateSchedule::Shape::kCosine);
  EXPECT_EQ(config->actor_schedule.warm_up, 5);
  EXPECT_EQ(config->actor_schedule.steps, 40);
  EXPECT_EQ(config->actor_schedule.final, 0.1);
  EXPECT_THAT(Problems(least + "  actor: { schedule: { warm_up: 5, final: 0.1 } }\n"),
              HasSubstr("t.yaml:5: a constant rate has no `final`"));
  EXPECT_THAT(Problems(least + "  actor: { schedule: { shape: linear, warm_up: 5, steps: 5 } }\n"),
              HasSubstr("must be more than `warm_up`"));
  EXPECT_THAT(Problems(least + "  actor: { schedule: { shape: linear } }\n"), HasSubstr("must be more than"));
}

TEST(TrainConfig, FlatGroupsAreSkippedOnlyWhereGroupsAreCompared) {
  const std::string least(kLeast);
  EXPECT_THAT(Problems(least + "  update: { skip_flat_groups: true }\n"), HasSubstr("for the group estimators alone"));
  const std::string groups = least + "  advantage: { estimator: rloo }\n  critic: { kind: none }\n";
  EXPECT_EQ(Problems(groups + "  update: { skip_flat_groups: true }\n"), "");
  EXPECT_THAT(Problems(groups + "  update: { skip_flat_groups: true }\n  kl: { in: reward }\n"),
              HasSubstr("needs the KL in the loss"));
}

TEST(TrainConfig, RejectionHasItsOwnSettingsAndNoneOfPpo) {
  const std::string least(kLeast);
  const auto config = ParseTrainConfig(
      "t.yaml", least + "  algorithm: rejection\n  rejection: { threshold: 0.8, best_of_group: false }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->algorithm, Algorithm::kRejection);
  EXPECT_EQ(config->rejection.threshold, 0.8);
  EXPECT_FALSE(config->rejection.best_of_group);
  EXPECT_FALSE(config->NeedsCritic());
  EXPECT_FALSE(config->NeedsGraph());
  EXPECT_THAT(Problems(least + "  rejection: { threshold: 1 }\n"), HasSubstr("t.yaml:5"));
  const std::string problems = Problems(least +
                                        "  algorithm: rejection\n  advantage: { gamma: 1 }\n  critic: { lr: 1 }\n"
                                        "  kl: { in: loss }\n  roles: { per_role: { AG: { estimator: rloo } } }\n");
  for (const char* line : {"t.yaml:6", "t.yaml:7", "t.yaml:8", "t.yaml:9"}) EXPECT_THAT(problems, HasSubstr(line));
}

TEST(TrainConfig, ThePresetIsTheStartAndKeysWin) {
  const auto config = ParseTrainConfig("t.yaml", std::string(kLeast) + "  preset: nano\n  critic: { warm_up: 9 }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->actor_lr, 3e-5);
  EXPECT_EQ(config->critic_lr, 3e-4);
  EXPECT_EQ(config->critic_warm_up, 9);
}

TEST(TrainConfig, MiniBatchesAreCountedOneWayOrTheOther) {
  const auto config = ParseTrainConfig("t.yaml", std::string(kLeast) + "  update: { mini_batches: 4 }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->update.mini_batch, 0);
  EXPECT_EQ(config->update.mini_batches, 4);
  EXPECT_THAT(Problems(std::string(kLeast) + "  update: { mini_batches: 4, mini_batch: 8 }\n"), HasSubstr("not both"));
}

TEST(TrainConfig, ProcessesWaitForEachOtherAsLongAsSaid) {
  const auto config = ParseTrainConfig("t.yaml", std::string(kLeast) + "  distributed: { timeout: 5m }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->distributed_timeout, 300);
  EXPECT_THAT(Problems(std::string(kLeast) + "  distributed: { timeout: 10ms }\n"), HasSubstr("t.yaml:5"));
}

TEST(TrainConfig, RolesAreAllAKindOrNamed) {
  const auto config = ParseTrainConfig(
      "t.yaml", std::string(kLeast) +
                    "  kl: { in: loss }\n  roles: { train: [AG, QR], others: filter,\n"
                    "    per_role: { AG: { estimator: rloo, weight: 2 }, QR: { entropy: 0.1, kl: 0 } } }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->train_roles, "list");
  EXPECT_THAT(config->roles, ::testing::ElementsAre("AG", "QR"));
  EXPECT_EQ(config->others, OtherRoles::kFilter);
  EXPECT_EQ(config->per_role.at("AG").estimator, advantage::Estimator::kRloo);
  EXPECT_EQ(config->per_role.at("AG").weight, 2.0);
  EXPECT_EQ(config->per_role.at("AG").kl, std::nullopt);
  EXPECT_EQ(config->per_role.at("QR").entropy, 0.1);
  EXPECT_EQ(config->per_role.at("QR").kl, 0.0);
  EXPECT_THAT(Problems(std::string(kLeast) + "  roles: { per_role: { AG: { kl: 0.1 } } }\n"),
              HasSubstr("set `train.kl.in` to loss"));
}

TEST(TrainConfig, ASettingsFileWithoutTrainIsNotOne) {
  EXPECT_THAT(Problems("backbone: { model: nano }\n"), HasSubstr("has no `train`"));
}

TEST(TrainConfig, EveryMistakeComesWithItsLine) {
  const std::string problems = Problems(std::string(kLeast) +
                                        "  advantage: { estimator: gea }\n  rollout: { question: 4 }\n"
                                        "  update: { clip_low: 2 }\nsampling: { AG: { top_p: 0.9 } }\n");
  EXPECT_THAT(problems, HasSubstr("t.yaml:5"));
  EXPECT_THAT(problems, HasSubstr("gae"));
  EXPECT_THAT(problems, HasSubstr("t.yaml:6"));
  EXPECT_THAT(problems, HasSubstr("questions"));
  EXPECT_THAT(problems, HasSubstr("t.yaml:7"));
  EXPECT_THAT(problems, HasSubstr("training samples by temperature only"));
}

TEST(TrainConfig, WhatCannotBeTrainedIsRefused) {
  const std::string least(kLeast);
  EXPECT_THAT(Problems(least + "backbone: { dtype: int8 }\n"), HasSubstr("int8 weights cannot be trained"));
  EXPECT_THAT(Problems(least + "backbone: { kind: remote, url: \"http://localhost\" }\n"),
              HasSubstr("only a backbone in this process"));
  EXPECT_THAT(Problems(least + "  critic: { kind: none }\n"), HasSubstr("needs a critic"));
  EXPECT_EQ(Problems(least + "  critic: { kind: none }\n  advantage: { estimator: grpo }\n"), "");
}

}  // namespace
}  // namespace jade::train
