#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/report/bar_chart.h"
#include "runtime/report/html_check.h"
#include "runtime/report/line_chart.h"
#include "runtime/report/point_chart.h"

namespace jade::report {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Band Straight(std::vector<double> values) {
  Band band;
  for (size_t i = 0; i < values.size(); ++i) band.x.push_back(static_cast<double>(i));
  band.mean = band.low = band.high = std::move(values);
  return band;
}

TEST(ChartTest, ALineGoesThroughItsValues) {
  LineChart chart{.title = "F1"};
  chart.lines = {{"joint", "arm-0", 0, Straight({0, 0.5, 1})}, {"empty", "arm-1", 1, {}}};
  const std::string html = Draw(chart);
  // The inner rectangle is 52…406 by 192…12.
  EXPECT_THAT(html, HasSubstr("<path class=\"mean\" d=\"M52.0 192.0L229.0 102.0L406.0 12.0\"/>"));
  EXPECT_THAT(html, AllOf(HasSubstr("aria-label=\"F1 by step. joint: 0 to 1.\""), Not(HasSubstr("empty")),
                          Not(HasSubstr("class=\"band\"")), Not(HasSubstr("class=\"raw\""))));
  EXPECT_THAT(ElementsOf(html), Contains("figcaption"));
}

TEST(ChartTest, SeedsAreABandAndNoiseIsKept) {
  std::vector<double> values(60);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 2);
  Band band = Straight(values);
  band.low.assign(values.size(), -1);
  LineChart chart{.title = "x"};
  chart.lines = {{"a", "arm-0", 0, band}};
  chart.marks = {{30, "here & now"}};
  const std::string html = Draw(chart);
  EXPECT_THAT(html,
              AllOf(HasSubstr("class=\"band\""), HasSubstr("class=\"raw\""), HasSubstr("data-tip=\"here &amp; now\"")));
  EXPECT_THAT(ElementsOf(html), Contains("path"));
}

TEST(ChartTest, OddValuesDoNotBreakTheFrame) {
  for (const bool logarithmic : {false, true}) {
    for (const std::vector<double>& values :
         {std::vector<double>{5}, {0, 0, 0}, {-1, 0, 1}, {1e-300, 1e300}, {-1e308, 1e308}}) {
      LineChart chart{.title = "x", .logarithmic = logarithmic};
      chart.lines = {{"a", "k", 0, Straight(values)}};
      const std::string html = Draw(chart);
      EXPECT_THAT(html, AllOf(HasSubstr("class=\"mean\""), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
    }
  }
  EXPECT_EQ(Draw(LineChart{.title = "nothing"}), "");
}

TEST(ChartTest, BarsAreSharesOfTheirWhole) {
  BarChart chart{.title = "bridge", .as_shares = true, .bars = {"0", "10"}};
  chart.layers = {{"R,AG", "plan-0", 0, true, {3, 0}}, {"QDS", "plan-1", 1, true, {1, 0}}};
  const std::string html = Draw(chart);
  // 75 % of 180 pixels from the bottom, 25 % above; nothing for the bar without questions.
  EXPECT_THAT(html, AllOf(HasSubstr("y=\"57.0\" width=\"175.0\" height=\"135.0\" data-tip=\"R,AG: 75.0 % · step 0\""),
                          HasSubstr("y=\"12.0\" width=\"175.0\" height=\"45.0\" data-tip=\"QDS: 25.0 % · step 0\""),
                          Not(HasSubstr("step 10"))));
  EXPECT_EQ(Draw(BarChart{.title = "nothing"}), "");
}

TEST(ChartTest, TheFrontierLeavesOutWhatIsBeaten) {
  DotChart chart{.title = "t", .x_name = "turns", .y_name = "F1"};
  chart.dots = {{1, 0.4, 0.4, 0.4, "cheap"}, {2, 0.5, 0.45, 0.55, "good"}, {3, 0.45, 0.45, 0.45, "beaten"}};
  const std::string html = Draw(chart);
  const size_t begin = html.find("class=\"frontier\" d=\"");
  const std::string path = html.substr(begin, html.find("/>", begin) - begin);
  EXPECT_EQ(std::count(path.begin(), path.end(), 'L'), 1);
  EXPECT_THAT(html, AllOf(HasSubstr("beaten: F1 45.0 %, turns 3"), HasSubstr("cheap")));
  EXPECT_THAT(ElementsOf(html), Contains("circle"));
}

TEST(ChartTest, IntervalsSayWhetherTheyAreClearOfZero) {
  const std::string html = DrawIntervals("d", "", {{"a − b", 0.1, 0.05, 0.15}, {"a − <c>", 0.01, -0.02, 0.04}});
  EXPECT_THAT(html, AllOf(HasSubstr("interval clear"), HasSubstr("interval open"), HasSubstr("a − &lt;c&gt;"),
                          HasSubstr("+10.0 points [5.0, 15.0]")));
  EXPECT_EQ(DrawIntervals("d", "", {}), "");
}

}  // namespace
}  // namespace jade::report
