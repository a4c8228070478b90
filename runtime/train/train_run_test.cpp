// Whole training runs of a small model: what is rewarded becomes likelier, an interrupted run goes on exactly, frozen
// roles stay as they were.

#include "runtime/train/train_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/engine/scripted.h"
#include "runtime/train/team.h"
#include "runtime/train/train_run_fixture.h"

namespace jade::train {
namespace {

using ::testing::HasSubstr;

class TrainRunTest : public testing::TrainRunFixture {};

TEST_F(TrainRunTest, WhatIsRewardedBecomesLikelier) {
  TrainConfig config = Config("run");
  config.steps = 30;
  const Result<TrainSummary> summary = Train(config);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  EXPECT_EQ(summary->steps, 30);
  const auto figures = Figures("run");
  const double first = figures.at({1, "reward/mean"}), last = figures.at({30, "reward/mean"});
  EXPECT_LT(first, 0.3);
  EXPECT_GT(last, first + 0.3);
  EXPECT_GT(figures.at({30, "dev/reward"}), 0.5);
  EXPECT_EQ(figures.at({1, "role/Think/valid"}), 0.0);
  EXPECT_NEAR(figures.at({1, "role/Think/penalty"}), 0.5, 1e-9);
}

TEST_F(TrainRunTest, RollOutsSearchTheTrainingCorpusAndEvaluationsTheOther) {
  const session::Loaded loaded = session::Program::LoadText("search.jade", R"(use std.types
executor Say(question: Query, documents: [Doc]) -> Answer {
  user """{documents[0].text}"""
  emits <answer> Answer
  malformed Answer(raw)
  penalty 0.0
  sample max_tokens 4
}
reward Letters(answer: Answer, gold: [Text], run: Run) -> Float { 1.0 }
main workflow Solve(question: Query) -> Answer { Say(question, R(question, 1)) }
)");
  ASSERT_NE(loaded.program, nullptr) << loaded.diagnostics.front().message;
  parts_.program = parts_.request.program = loaded.program;
  const auto searching = [](const std::string& text, engine::ScriptedTools* tools) {
    tools->Set("R", [text](const engine::ToolRequest&) {
      return engine::ScriptedTools::Result{R"([{"id":"0","title":"T","text":")" + text + R"(","score":1.0}])"};
    });
  };
  engine::ScriptedTools training, evaluation;
  searching("t", &training);
  searching("e", &evaluation);
  parts_.tools = {&evaluation};
  parts_.training_tools = {&training};
  TrainConfig config = Config("run");
  config.steps = 3;  // evaluated before the first and after the last
  ASSERT_TRUE(Train(config).ok());
  EXPECT_EQ(training.requests().size(), 3u * 24u * 2u);
  EXPECT_EQ(evaluation.requests().size(), 2u * 24u);
  parts_.training_tools.clear();
  config.run = folder_ / "one corpus";
  ASSERT_TRUE(Train(config).ok());
  EXPECT_EQ(evaluation.requests().size(), 2u * (2u * 24u) + 3u * 24u * 2u);
}

TEST_F(TrainRunTest, AnInterruptedRunGoesOnExactly) {
  ASSERT_TRUE(Train(Config("whole")).ok());
  const auto whole = Figures("whole");
  for (const int64_t stop : {1, 2, 3, 5}) {
    const std::string run = "cut" + std::to_string(stop);
    const Result<TrainSummary> cut = Train(Config(run), {.stop_after_steps = stop});
    ASSERT_TRUE(cut.ok()) << cut.error().ToString();
    EXPECT_TRUE(cut->interrupted);
    const Result<TrainSummary> rest = Train(Config(run), {.resume = true});
    ASSERT_TRUE(rest.ok()) << rest.error().ToString();
    EXPECT_EQ(Figures(run), whole) << "stopped after " << stop;
  }
}

TEST_F(TrainRunTest, TheLearningRateFollowsItsScheduleThroughAResumption) {
  const auto falling = [&](const std::string& run) {
    TrainConfig config = Config(run);
    config.actor_schedule = {.shape = RateSchedule::Shape::kLinear, .warm_up = 1, .steps = 4, .final = 0};
    return config;
  };
  ASSERT_TRUE(Train(falling("whole")).ok());
  const auto whole = Figures("whole");
  const double rates[] = {3e-3, 3e-3, 2e-3, 1e-3, 0, 0};
  for (int64_t step = 1; step <= 6; ++step) EXPECT_NEAR(whole.at({step, "policy/lr"}), rates[step - 1], 1e-12) << step;
  ASSERT_TRUE(Train(falling("cut"), {.stop_after_steps = 3}).ok());
  ASSERT_TRUE(Train(falling("cut"), {.resume = true}).ok());
  EXPECT_EQ(Figures("cut"), whole);
}

TEST_F(TrainRunTest, AlarmsAfterAResumptionAreThoseOfAnUninterruptedRun) {
  const auto with = [&](const std::string& run) {
    TrainConfig config = Config(run, "  kl: { report_every: 1 }\n");
    config.steps = 14;
    config.actor_lr = 1e-2;
    return config;
  };
  ASSERT_TRUE(Train(with("whole")).ok());
  const std::string alarms = TextOf("whole/alarms.jsonl");
  EXPECT_THAT(alarms, HasSubstr("KL from the reference"));
  for (const int64_t stop : {7, 13}) {
    const std::string run = "cut" + std::to_string(stop);
    ASSERT_TRUE(Train(with(run), {.stop_after_steps = stop}).ok());
    ASSERT_TRUE(Train(with(run), {.resume = true}).ok());
    EXPECT_EQ(TextOf(run + "/alarms.jsonl"), alarms);
  }
}

TEST_F(TrainRunTest, EachStepsBatchIsExportedWithWhatTheTrainerMadeOfIt) {
  TrainConfig config = Config("run");
  config.steps = 2;
  config.export_batches = folder_ / "batches";
  ASSERT_TRUE(Train(config).ok());
  for (const int step : {1, 2}) {
    const testing::ExportedBatch batch(folder_ / ("batches/step-00000" + std::to_string(step)));
    EXPECT_EQ(batch.json.at("step"), step);
    EXPECT_EQ(batch.json.at("transitions").size(), 96U);
    double sum = 0;
    for (size_t t = 0; t < 96; ++t) {
      const nlohmann::json& about = batch.json.at("transitions")[t];
      // With gamma and lambda 1 every token's return is the whole reward.
      const double reward = about.at("reward").get<double>() - about.at("penalty").get<double>();
      for (int32_t i = batch.bounds[t]; i < batch.bounds[t + 1]; ++i) {
        const auto place = static_cast<size_t>(i);
        sum += static_cast<double>(batch.advantages[place]);
        if (batch.counted[place] != 0) {
          EXPECT_NEAR(batch.returns[place], reward, 1e-5);
        }
      }
    }
    EXPECT_NEAR(sum, 0.0, 1e-2);  // whitened
  }
}

TEST_F(TrainRunTest, TheFirstMiniBatchHasARatioOfOne) {
  TrainConfig config = Config("run");
  config.steps = 1;
  config.update.mini_batches = 1;
  ASSERT_TRUE(Train(config).ok());
  const auto figures = Figures("run");
  EXPECT_EQ(figures.at({1, "policy/kl_step"}), 0.0);
  EXPECT_EQ(figures.at({1, "policy/clip_fraction"}), 0.0);
  EXPECT_LT(figures.at({1, "train/mismatch_max"}), 1e-4);  // the engine's log-probabilities
}

TEST_F(TrainRunTest, CuttingAMiniBatchIntoMicroBatchesChangesRoundingOnly) {
  TrainConfig config = Config("one");
  config.steps = 2;
  ASSERT_TRUE(Train(config).ok());
  TrainConfig pieces = Config("pieces");
  pieces.steps = 2;
  pieces.update.micro_tokens = 40;
  ASSERT_TRUE(Train(pieces).ok());
  const auto one = Figures("one"), cut = Figures("pieces");
  for (const char* tag : {"policy/loss", "policy/grad_norm", "value/loss", "value/grad_norm"}) {
    EXPECT_NEAR(one.at({1, tag}), cut.at({1, tag}), 1e-4 * (1 + std::abs(one.at({1, tag})))) << tag;
  }
}

TEST_F(TrainRunTest, SharedPrefixesChangeRoundingOnly) {
  for (const bool share : {true, false}) {
    TrainConfig config = Config(share ? "shared" : "apart");
    config.steps = 2;
    config.update.share_prefixes = share;
    ASSERT_TRUE(Train(config).ok());
  }
  const auto shared = Figures("shared"), apart = Figures("apart");
  EXPECT_EQ(apart.at({1, "policy/shared_prefixes"}), 0.0);
  EXPECT_GT(shared.at({1, "policy/shared_prefixes"}), 0.2);  // two samples of every question
  for (const char* tag : {"policy/loss", "policy/grad_norm", "value/loss", "value/grad_norm", "policy/kl_step"}) {
    EXPECT_NEAR(shared.at({1, tag}), apart.at({1, tag}), 1e-4 * (1 + std::abs(apart.at({1, tag})))) << tag;
  }
}

TEST_F(TrainRunTest, SkippingFlatGroupsLeavesTheGradientAsItWas) {
  const auto with = [&](const std::string& run, bool skip) {
    TrainConfig config = Config(run, "  advantage: { estimator: rloo, whiten: none }\n");
    config.critic = CriticKind::kNone;
    config.steps = 2;
    config.update.mini_batches = 1;
    config.update.aggregation = advantage::LossAggregation::kCallMean;
    config.update.skip_flat_groups = skip;
    config.optimiser.clip = 0;
    return config;
  };
  ASSERT_TRUE(Train(with("all", false)).ok());
  ASSERT_TRUE(Train(with("some", true)).ok());
  const auto all = Figures("all"), some = Figures("some");
  const double skipped = some.at({1, "policy/skipped_calls"});
  EXPECT_GT(skipped, 0.1);
  EXPECT_LT(skipped, 1.0);
  // The same sum of gradients, as a mean over fewer calls.
  EXPECT_NEAR(some.at({1, "policy/grad_norm"}) * (1 - skipped) / all.at({1, "policy/grad_norm"}), 1, 1e-3);
  EXPECT_EQ(some.at({1, "policy/kl_step"}), 0.0);  // the ratio is one
  for (const char* tag : {"role/Say/advantage_mean", "role/Say/advantage_variance", "role/Think/reward"}) {
    EXPECT_NEAR(some.at({1, tag}), all.at({1, tag}), 1e-12) << tag;
  }
}

TEST_F(TrainRunTest, WhereAllGroupsAreFlatNothingIsTrained) {
  TrainConfig config = Config("run", "  advantage: { estimator: rloo }\n");
  const session::Loaded loaded = session::Program::LoadText("solve.jade", R"(use std.types
executor Say(question: Query) -> Answer {
  user """{question}"""
  emits <answer> Answer
  malformed Answer(raw)
  penalty 0.0
  sample max_tokens 4
}
reward Letters(answer: Answer, gold: [Text], run: Run) -> Float { 1.0 }
main workflow Solve(question: Query) -> Answer { Say(question) }
)");
  ASSERT_NE(loaded.program, nullptr) << loaded.diagnostics.front().message;
  parts_.program = parts_.request.program = loaded.program;
  config.critic = CriticKind::kNone;
  config.steps = 2;
  config.update.skip_flat_groups = true;
  const auto summary = Train(config);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  EXPECT_EQ(Figures("run").at({2, "policy/skipped_calls"}), 1.0);
}

TEST_F(TrainRunTest, RolesThatAreNotTrainedAreServedByTheStart) {
  const TrainConfig config = Config("run", "  roles: { train: [Say] }\n");
  const auto roles = RolesOf(config, *parts_.program);
  ASSERT_TRUE(roles.ok());
  EXPECT_THAT(roles->trained, ::testing::ElementsAre("Say"));
  ASSERT_TRUE(Train(config).ok());
  const auto figures = Figures("run");
  EXPECT_TRUE(figures.contains({1, "role/Say/advantage_mean"}));
  EXPECT_FALSE(figures.contains({1, "role/Think/advantage_mean"}));
  EXPECT_TRUE(figures.contains({1, "role/Think/valid"}));
}

TEST_F(TrainRunTest, ARoleIsHeldAtTheStartByItsOwnCoefficient) {
  const auto kl_of_say = [&](const std::string& run, const std::string& more) {
    TrainConfig config = Config(run, "  kl: { in: loss, estimator: k2, coefficient: 0 }\n" + more);
    config.steps = 20;
    EXPECT_TRUE(Train(config).ok());
    return Figures(run).at({20, "role/Say/kl"});
  };
  const double free = kl_of_say("free", ""), held = kl_of_say("held", "  roles: { per_role: { Say: { kl: 2 } } }\n");
  EXPECT_LT(held, 0.5 * free);
}

TEST_F(TrainRunTest, ARolesEntropyIsWorthWhatItSays) {
  const auto entropy_of_say = [&](const std::string& run, const std::string& more) {
    TrainConfig config = Config(run, more);
    config.steps = 20;
    EXPECT_TRUE(Train(config).ok());
    return Figures(run).at({20, "role/Say/entropy"});
  };
  const double plain = entropy_of_say("plain", "");
  const double kept = entropy_of_say("kept", "  roles: { per_role: { Say: { entropy: 2 } } }\n");
  const double most = std::log(259.0);  // of the vocabulary
  EXPECT_LT(most - kept, 0.5 * (most - plain));
}

TEST_F(TrainRunTest, OneStepOffThePolicyIsCorrectedAndResumedExactly) {
  const auto with = [&](const std::string& run) {
    TrainConfig config = Config(run);
    config.rollout.overlap = true;
    return config;
  };
  ASSERT_TRUE(Train(with("whole")).ok());
  ASSERT_TRUE(Train(with("cut"), {.stop_after_steps = 3}).ok());
  ASSERT_TRUE(Train(with("cut"), {.resume = true}).ok());
  EXPECT_EQ(Figures("cut"), Figures("whole"));
  EXPECT_GT(Figures("whole").at({3, "train/mismatch_mean"}), 1e-4);  // another policy's samples
}

TEST_F(TrainRunTest, EveryEstimatorLearns) {
  for (const char* estimator : {"grpo", "rloo", "reinforce++", "reinforce++-baseline"}) {
    TrainConfig config = Config(estimator, std::string("  advantage: { estimator: ") + estimator + " }\n");
    config.steps = 20;
    const Result<TrainSummary> summary = Train(config);
    ASSERT_TRUE(summary.ok()) << estimator << ": " << summary.error().ToString();
    const auto figures = Figures(estimator);
    EXPECT_GT(figures.at({20, "reward/mean"}), figures.at({1, "reward/mean"}) + 0.1) << estimator;
    EXPECT_FALSE(figures.contains({1, "value/loss"})) << estimator;
  }
}

TEST_F(TrainRunTest, CreditAlongTheGraphLearns) {
  TrainConfig config = Config("run", "  advantage: { estimator: graph-gae, lambda_graph: 0.9 }\n");
  config.steps = 20;
  ASSERT_TRUE(Train(config).ok());
  const auto figures = Figures("run");
  EXPECT_GT(figures.at({20, "reward/mean"}), figures.at({1, "reward/mean"}) + 0.1);
  EXPECT_FALSE(figures.contains({1, "credit/unreached_calls"}));
}

TEST_F(TrainRunTest, CallsThatAreSampledAnewGiveTheirOwnBaseline) {
  TrainConfig config = Config("run", "  advantage: { counterfactual: { alternatives: 3, share: 0.5 } }\n");
  config.steps = 25;
  ASSERT_TRUE(Train(config).ok());
  const auto figures = Figures("run");
  EXPECT_GT(figures.at({1, "credit/counterfactual_calls"}), 20);
  EXPECT_LT(figures.at({1, "credit/counterfactual_calls"}), 76);
  EXPECT_GT(figures.at({25, "reward/mean"}), figures.at({1, "reward/mean"}) + 0.1);
}

TEST_F(TrainRunTest, AHeadOnThePolicyIsACriticToo) {
  TrainConfig config = Config("run");
  config.critic = CriticKind::kHead;
  config.critic_warm_up = 2;
  config.steps = 20;
  ASSERT_TRUE(Train(config).ok());
  const auto figures = Figures("run");
  EXPECT_FALSE(figures.contains({2, "policy/loss"}));
  EXPECT_TRUE(figures.contains({2, "value/loss"}));
  EXPECT_GT(figures.at({20, "reward/mean"}), figures.at({1, "reward/mean"}) + 0.1);
}

TEST_F(TrainRunTest, ADivergingRunStopsAndSaysWhere) {
  TrainConfig config = Config("run");
  config.actor_lr = 1.0;
  config.update.mini_batches = 6;
  config.update.epochs = 3;
  config.update.kl_limit = 0.5;
  const Result<TrainSummary> summary = Train(config);
  ASSERT_FALSE(summary.ok());
  EXPECT_THAT(summary.error().ToString(), HasSubstr("nats a token"));
  EXPECT_THAT(summary.error().ToString(), HasSubstr("Say"));
}

TEST_F(TrainRunTest, TheAdaptiveKlCoefficientGoesOnExactly) {
  const auto with = [&](const std::string& run) {
    return Config(run, "  kl: { in: loss, coefficient: 0.05, adaptive: { target: 1e-4, horizon: 400 } }\n");
  };
  ASSERT_TRUE(Train(with("whole")).ok());
  const auto whole = Figures("whole");
  for (const int64_t step : {2, 3, 4, 5}) {  // it moves, so that one that began anew would be another
    EXPECT_GT(std::abs(whole.at({step, "kl/coefficient"}) - whole.at({step + 1, "kl/coefficient"})), 1e-4) << step;
    EXPECT_GT(std::abs(whole.at({step, "kl/coefficient"}) - 0.05), 1e-4) << step;
  }
  for (const int64_t stop : {1, 4}) {
    const std::string run = "cut" + std::to_string(stop);
    ASSERT_TRUE(Train(with(run), {.stop_after_steps = stop}).ok());
    ASSERT_TRUE(Train(with(run), {.resume = true}).ok());
    EXPECT_EQ(Figures(run), whole) << "stopped after " << stop;
  }
}

TEST_F(TrainRunTest, LayersThatAreComputedAgainChangeNothing) {
  for (const CriticKind critic : {CriticKind::kModel, CriticKind::kHead}) {
    const std::string name = critic == CriticKind::kModel ? "model" : "head";
    for (const bool again : {false, true}) {
      TrainConfig config = Config(name + (again ? "-again" : "-kept"));
      config.critic = critic;
      config.update.checkpointing = again;
      ASSERT_TRUE(Train(config).ok());
    }
    EXPECT_EQ(Figures(name + "-again"), Figures(name + "-kept"));
    EXPECT_EQ(TextOf(name + "-again/last/model.safetensors"), TextOf(name + "-kept/last/model.safetensors"));
  }
}

TEST_F(TrainRunTest, AFallOnDevRaisesAnAlarmAfterAResumptionToo) {
  TrainConfig good = Config("good");
  good.dev.choose = "reward";
  good.steps = 30;
  ASSERT_TRUE(Train(good).ok());
  parts_.model = folder_ / "good/best";
  const auto with = [&](const std::string& run) {
    TrainConfig config = Config(run);
    config.dev.choose = "reward";
    config.actor_lr = -1e-2;  // what is rewarded becomes less likely
    config.dev.every = 2;
    return config;
  };
  ASSERT_TRUE(Train(with("whole")).ok());
  const std::string alarms = TextOf("whole/alarms.jsonl");
  EXPECT_THAT(alarms, HasSubstr("dev_fall"));
  EXPECT_THAT(alarms, HasSubstr("dev/reward is "));
  for (const int64_t stop : {1, 3, 5}) {
    const std::string run = "cut" + std::to_string(stop);
    ASSERT_TRUE(Train(with(run), {.stop_after_steps = stop}).ok());
    ASSERT_TRUE(Train(with(run), {.resume = true}).ok());
    EXPECT_EQ(TextOf(run + "/alarms.jsonl"), alarms);
  }
}

TEST_F(TrainRunTest, AFolderThatHoldsARunIsNotWrittenOver) {
  TrainConfig config = Config("run");
  config.steps = 1;
  ASSERT_TRUE(Train(config).ok());
  const Result<TrainSummary> again = Train(config);
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().ToString(), HasSubstr("--resume"));
}

}  // namespace
}  // namespace jade::train
