#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/report/arms.h"
#include "runtime/report/axis.h"
#include "runtime/report/bins.h"
#include "runtime/report/html.h"
#include "runtime/report/tags.h"

namespace jade::report {
namespace {

using testing::ElementsAre;

std::vector<std::string> Labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const Tick& tick : axis.ticks()) labels.push_back(tick.label);
  return labels;
}

TEST(SeriesTest, SeedsBecomeMeanAndRange) {
  const Curve one = {{0, 1}, {1, 2}, {2, 4}};
  const Curve two = {{0, 3}, {2, 6}};
  const Band band = Combine({&one, &two});
  EXPECT_THAT(band.x, ElementsAre(0, 1, 2));
  EXPECT_THAT(band.mean, ElementsAre(2, 2, 5));
  EXPECT_THAT(band.low, ElementsAre(1, 2, 4));
  EXPECT_THAT(band.high, ElementsAre(3, 2, 6));
}

TEST(SeriesTest, SmoothingIsAMovingMean) {
  Curve line;
  for (int i = 0; i < 100; ++i) line.push_back({static_cast<double>(i), 2.0 * i});
  const Band band = Combine({&line});
  const Band smooth = Smoothed(band);
  EXPECT_DOUBLE_EQ(smooth.mean[50], 100);
  EXPECT_DOUBLE_EQ(smooth.mean[0], 3);  // of 0, 2, 4 and 6
  EXPECT_DOUBLE_EQ(smooth.mean[99], 195);
  Curve spike = line;
  for (Point& point : spike) point.value = 0;
  spike[50].value = 7;
  // Three points to each side.
  EXPECT_DOUBLE_EQ(Smoothed(Combine({&spike})).mean[50], 1);
  EXPECT_DOUBLE_EQ(Smoothed(Combine({&spike})).mean[47], 1);
  EXPECT_DOUBLE_EQ(Smoothed(Combine({&spike})).mean[46], 0);
  const Curve few = {{0, 1}, {1, 9}};
  EXPECT_EQ(Smoothed(Combine({&few})).mean, Combine({&few}).mean);
}

TEST(SeriesTest, ThinningKeepsMeansAndExtremes) {
  Curve curve;
  for (int i = 0; i < 1000; ++i) curve.push_back({static_cast<double>(i), i == 500 ? 100.0 : 1.0});
  const Band thin = Thinned(Combine({&curve}), 100);
  EXPECT_EQ(thin.x.size(), 100U);
  EXPECT_EQ(thin.x[0], 4.5);
  EXPECT_DOUBLE_EQ(thin.mean[50], 10.9);
  EXPECT_EQ(thin.high[50], 100);
  EXPECT_EQ(thin.low[50], 1);
}

TEST(SeriesTest, RunsOfOneArmAndSeedStandAlone) {
  const auto run = [](const char* name, const char* arm, uint64_t seed) {
    RunData data;
    data.about.name = name;
    data.about.arm = arm;
    data.about.seed = seed;
    return data;
  };
  const std::vector<RunData> runs = {run("a", "joint", 1), run("b", "joint", 2), run("c", "", 1),
                                     run("d", "twice", 1), run("e", "twice", 1), run("e", "twice", 2)};
  const std::vector<Arm> arms = GroupByArm(runs);
  std::vector<std::string> names;
  for (const Arm& arm : arms) names.push_back(arm.name);
  EXPECT_THAT(names, ElementsAre("joint", "c", "d", "e", "e ()"));
  EXPECT_EQ(arms[0].runs.size(), 2U);
}

TEST(SeriesTest, AxesEndOnRoundValues) {
  const Axis axis({.low = 0.31, .high = 0.58, .begin = 200, .end = 10, .unit = Unit::kShare});
  EXPECT_THAT(Labels(axis), ElementsAre("30%", "40%", "50%", "60%"));
  EXPECT_DOUBLE_EQ(axis.At(0.3), 200);
  EXPECT_NEAR(axis.At(0.6), 10, 1e-9);
  EXPECT_DOUBLE_EQ(axis.At(7), 10);
  EXPECT_THAT(Labels(Axis({.low = 0, .high = 200, .ticks = 6, .exact = true})),
              ElementsAre("0", "50", "100", "150", "200"));
  EXPECT_THAT(Labels(Axis({.low = 3e-6, .high = 2e-2, .logarithmic = true})),
              ElementsAre("1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1"));
  EXPECT_THAT(Labels(Axis({.low = 0, .high = 40'000})), ElementsAre("0", "10k", "20k", "30k", "40k"));
}

TEST(SeriesTest, AxesOfNothingAreAxes) {
  for (const double value : {0.0, 5.0, -3.0, 1e-300, 1e300, std::nan(""), HUGE_VAL}) {
    const Axis axis({.low = value, .high = value, .begin = 0, .end = 100});
    EXPECT_LT(axis.low(), axis.high()) << value;
    EXPECT_TRUE(std::isfinite(axis.At(value == value ? value : 0))) << value;
    EXPECT_LE(axis.ticks().size(), 50U);
  }
  EXPECT_TRUE(std::isfinite(Axis({.low = 0, .high = 0, .logarithmic = true}).At(0)));
}

TEST(SeriesTest, BinsHoldConsecutiveSteps) {
  const Bins bins = BinsOf({0, 10, 20, 30, 40, 50, 60}, 3);
  EXPECT_THAT(bins.names, ElementsAre("0–10", "20–30", "40–60"));
  EXPECT_EQ(bins.Of(0), 0U);
  EXPECT_EQ(bins.Of(30), 1U);
  EXPECT_EQ(bins.Of(60), 2U);
  EXPECT_THAT(BinsOf({5}, 16).names, ElementsAre("5"));
  EXPECT_TRUE(BinsOf({}, 16).names.empty());
}

TEST(SeriesTest, FiguresAreShort) {
  EXPECT_EQ(Figure(0.4312), "0.431");
  EXPECT_EQ(Figure(12'345), "12.3k");
  EXPECT_EQ(Figure(0.00003), "3.00e-05");
  EXPECT_EQ(Figure(0.4312, Unit::kShare), "43.1 %");
  EXPECT_EQ(Figure(125, Unit::kSeconds), "2 min 05 s");
  EXPECT_EQ(Figure(7384, Unit::kSeconds), "2 h 03 min");
  EXPECT_EQ(Figure(std::nan("")), "–");
  EXPECT_EQ(Change(-0.121, Unit::kShare), "−12.1 points");
  EXPECT_EQ(Change(0.5), "+0.5");
}

TEST(SeriesTest, TextIsEscapedAndCutBetweenCharacters) {
  EXPECT_EQ(Escape("<a href=\"x\" id='y'>&\x02\n\x7f"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp; \n ");
  EXPECT_EQ(Escape("a\u202eb\u00e9 \u2013"), "a[RLO]b\u00e9 \u2013");
  EXPECT_EQ(Shortened("gr\u00fc\u00df", 3), "gr…");
  EXPECT_EQ(Shortened("abc", 3), "abc");
}

TEST(SeriesTest, RoleTags) {
  const auto tag = AsRoleTag("dev/role/QR/valid");
  ASSERT_TRUE(tag);
  EXPECT_TRUE(tag->is_dev);
  EXPECT_EQ(tag->role, "QR");
  EXPECT_EQ(tag->figure, "valid");
  EXPECT_EQ(RoleTagText(*tag), "dev/role/QR/valid");
  for (const char* other : {"role/QR", "role//valid", "role/QR/", "dev/f1", "x/role/QR/valid"}) {
    EXPECT_FALSE(AsRoleTag(other)) << other;
  }
  EXPECT_EQ(LookOf("my/own").title, "my/own");
  EXPECT_EQ(LookOf("dev/f1").unit, Unit::kShare);
}

}  // namespace
}  // namespace jade::report
