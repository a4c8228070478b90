#include "runtime/metrics/alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace jade::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Every alarm of a run of `steps` steps in which one tag has the values of a function.
std::vector<Alarm> AlarmsOf(const std::string& tag, int64_t steps, const std::function<double(int64_t)>& value) {
  std::vector<StepRecord> history;
  std::vector<Alarm> alarms;
  for (int64_t step = 0; step < steps; ++step) {
    history.push_back({step, {{tag, value(step)}}, {}});
    for (Alarm& alarm : NewAlarms(history)) alarms.push_back(std::move(alarm));
  }
  return alarms;
}

TEST(AlarmsTest, EntropyThatFallsByNineTenthsIsReportedOnce) {
  const auto alarms = AlarmsOf("role/QR/entropy", 60,
                               [](int64_t step) { return std::max(0.05, 1.0 - 0.05 * static_cast<double>(step)); });
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].kind, kEntropyCollapse);
  EXPECT_EQ(alarms[0].role, "QR");
  // The mean of five steps is below a tenth of 0.9, that of the first five, from step 21 on.
  EXPECT_EQ(alarms[0].step, 21);
  EXPECT_THAT(alarms[0].text, HasSubstr("fell from 0.900 to 0.0"));
}

TEST(AlarmsTest, EntropyBelowTheFloorIsReportedHoweverItBegan) {
  const auto alarms = AlarmsOf("role/P/entropy", 30, [](int64_t) { return 0.005; });
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].step, 9);
  EXPECT_THAT(alarms[0].text, HasSubstr("below 0.0100"));
  EXPECT_THAT(AlarmsOf("role/P/entropy", 60, [](int64_t step) { return step < 30 ? 0.5 : 0.2; }), IsEmpty());
}

TEST(AlarmsTest, ValidityIsComparedWithItsBestMeanAndReportedAgainWhenItComesBack) {
  const auto value = [](int64_t step) {
    if (step >= 20 && step < 30) return 0.80;
    return step >= 50 ? 0.70 : 0.95;
  };
  const auto alarms = AlarmsOf("role/DS/valid", 80, value);
  ASSERT_EQ(alarms.size(), 2U);
  EXPECT_EQ(alarms[0].kind, kValidityDrop);
  EXPECT_EQ(alarms[0].step, 23);  // four of five steps at 0.80: 12 points
  EXPECT_EQ(alarms[1].step, 52);  // two of five at 0.70 are exactly 10 points, three are more
  EXPECT_THAT(AlarmsOf("role/DS/valid", 30, [](int64_t step) { return step == 20 ? 0.6 : 0.95; }), IsEmpty());
}

TEST(AlarmsTest, OnTheDevelopmentSetOneStepCounts) {
  const auto alarms = AlarmsOf("dev/role/DS/valid", 3, [](int64_t step) { return step == 2 ? 0.8 : 0.95; });
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_THAT(alarms[0].text, HasSubstr("on the development set: validity is 80.0 %, 15.0 points below its best"));
}

TEST(AlarmsTest, LengthExplodesAtThreeTimesTheStartUnlessItIsShort) {
  const auto grow = [](double start) {
    return [start](int64_t step) { return start * (1 + 0.1 * static_cast<double>(step)); };
  };
  const auto alarms = AlarmsOf("role/AG/length", 60, grow(20));
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].kind, kLengthExplosion);
  // Means of five: 20 * 1.2 at the start, so above 72: 20 * (1 + 0.1 * (step - 2)) > 72.
  EXPECT_EQ(alarms[0].step, 29);
  EXPECT_THAT(AlarmsOf("role/AG/length", 60, grow(4)), IsEmpty());
}

TEST(AlarmsTest, KlAboveItsLimit) {
  const auto alarms = AlarmsOf("role/AG/kl", 40, [](int64_t step) { return 0.02 * static_cast<double>(step); });
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].kind, kKl);
  EXPECT_EQ(alarms[0].step, 28);  // mean of steps 24 to 28 is 0.52, of the five before exactly 0.5
}

TEST(AlarmsTest, OnePlanForEverything) {
  std::vector<StepRecord> history;
  std::vector<int64_t> steps;
  for (int64_t step = 0; step < 5; ++step) {
    StepRecord record{step, {}, {}};
    if (step != 3) {
      record.plans["bridge"] = {{"QDS", 60}, {"R,AG", step < 2 ? 40 : 0}};
      record.plans["single"] = {{"QDS", 40}};
    }
    history.push_back(record);
    for (const Alarm& alarm : NewAlarms(history)) {
      EXPECT_EQ(alarm.kind, kPlanCollapse);
      EXPECT_THAT(alarm.text, HasSubstr("100.0 % of 100 questions get the plan `QDS`"));
      steps.push_back(alarm.step);
    }
  }
  EXPECT_THAT(steps, ElementsAre(2));  // step 3 has no plans, step 4 is as step 2 was
  const std::vector<StepRecord> one_type = {{0, {}, {{"bridge", {{"QDS", 100}}}}}};
  EXPECT_THAT(NewAlarms(one_type), IsEmpty());
  const std::vector<StepRecord> few = {{0, {}, {{"bridge", {{"QDS", 5}}}, {"single", {{"QDS", 5}}}}}};
  EXPECT_THAT(NewAlarms(few), IsEmpty());
}

TEST(AlarmsTest, ValuesThatAreNotFinite) {
  const auto alarms = AlarmsOf("policy/loss", 6, [](int64_t step) { return step >= 3 ? std::nan("") : 0.5; });
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].kind, kNotFinite);
  EXPECT_EQ(alarms[0].step, 3);
  EXPECT_EQ(alarms[0].text, "`policy/loss` is not finite");
}

TEST(AlarmsTest, TheDevFigureFallsBelowItsStart) {
  const auto value = [](int64_t step) {
    return std::vector<double>{0.40, 0.50, 0.36, 0.34, 0.30, 0.37, 0.34}.at(step);
  };
  const auto alarms = AlarmsOf("dev/f1", 7, value);
  ASSERT_EQ(alarms.size(), 2U);  // 0.36 is within the 0.05; after 0.37 it sets in again
  EXPECT_EQ(alarms[0].kind, kDevFall);
  EXPECT_EQ(alarms[0].role, "");
  EXPECT_EQ(alarms[0].step, 3);
  EXPECT_EQ(alarms[0].text, "dev/f1 is 0.3400, 0.0600 below the start (0.4000)");
  EXPECT_EQ(alarms[1].step, 6);
  EXPECT_THAT(AlarmsOf("dev/em", 7, value), IsEmpty());  // another figure chooses
}

TEST(AlarmsTest, TheDevFigureOfALargeScaleFallsByItsShare) {
  const auto alarms_from = [](double start, double then) {
    std::vector<StepRecord> history{{0, {{"dev/reward", start}}, {}}, {10, {{"dev/reward", then}}, {}}};
    AlarmLimits limits;
    limits.dev_figure = "dev/reward";
    return NewAlarms(history, limits).size();
  };
  EXPECT_EQ(alarms_from(50, 46), 0U);
  EXPECT_EQ(alarms_from(50, 44), 1U);
  EXPECT_EQ(alarms_from(-50, -54), 0U);
  EXPECT_EQ(alarms_from(-50, -56), 1U);
  EXPECT_EQ(alarms_from(0, -0.04), 0U);
  EXPECT_EQ(alarms_from(0, -0.06), 1U);
}

TEST(AlarmsTest, NothingToSayAboutNothing) {
  EXPECT_THAT(NewAlarms({}), IsEmpty());
  // A tag without a role, and one whose last step lacks it.
  EXPECT_THAT(AlarmsOf("role//kl", 10, [](int64_t) { return 9.0; }), IsEmpty());
  EXPECT_THAT(AlarmsOf("other/kl", 10, [](int64_t) { return 9.0; }), IsEmpty());
  const std::vector<StepRecord> history = {{0, {{"role/AG/kl", 9}}, {}}, {1, {}, {}}};
  EXPECT_THAT(NewAlarms(history), IsEmpty());
}

}  // namespace
}  // namespace jade::metrics
