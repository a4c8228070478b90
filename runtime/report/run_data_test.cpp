#include "runtime/report/run_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/report/ablation.h"
#include "runtime/report/report.h"

namespace jade::report {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string Folder(const std::string& name, const std::map<std::string, std::string>& files) {
  const std::string folder = testing::TempDir() + name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [file, text] : files) std::ofstream(folder + "/" + file, std::ios::binary) << text;
  return folder;
}

TEST(RunDataTest, ALaterLineOfAStepWinsAndStepsAreSorted) {
  const auto run = ReadRun(Folder("run_data_steps", {{"metrics.jsonl",
                                                      "{\"step\":2,\"seconds\":9,\"scalars\":{\"a\":3,\"b\":1}}\n"
                                                      "{\"step\":1,\"seconds\":4,\"scalars\":{\"a\":2}}\n"
                                                      "{\"step\":2,\"scalars\":{\"a\":5,\"nan\":null}}\n"}}));
  ASSERT_TRUE(run.ok());
  const Curve& a = run->curves.at("a");
  ASSERT_EQ(a.size(), 2U);
  EXPECT_EQ(a[0].value, 2);
  EXPECT_EQ(a[1].value, 5);
  EXPECT_EQ(run->curves.at("b").at(0).step, 2);
  EXPECT_EQ(run->curves.count("nan"), 0U);
  EXPECT_EQ(run->seconds, 9);
  EXPECT_EQ(run->last_step, 2);
  EXPECT_EQ(run->about.name, "run_data_steps");
  EXPECT_THAT(run->problems, ElementsAre(HasSubstr("run.json: cannot be read")));
}

TEST(RunDataTest, NamesWhatIsDamagedAndKeepsTheRest) {
  const auto run = ReadRun(Folder("run_data_damaged", {{"run.json", "{\"name\":\n\"x\",\n]}"},
                                                       {"metrics.jsonl",
                                                        "{\"step\":0,\"scalars\":{\"a\":1}}\n{\"step\":1,\"sca\n"
                                                        "{\"step\":\"2\",\"scalars\":{}}\n{\"step\":3,\"scalars\":[]}\n"
                                                        "{\"step\":4,\"scalars\":{\"a\":\"x\",\"b\":2}}\n"},
                                                       {"plans.jsonl", "{\"step\":1,\"plans\":{\"t\":{\"p\":-1}}}\n"},
                                                       {"samples.jsonl", "{\"step\":1}\n"},
                                                       {"alarms.jsonl", "[]\n{\"step\":1,\"kind\":\"kl\"}\n"}}));
  ASSERT_TRUE(run.ok());
  EXPECT_THAT(
      run->problems,
      ElementsAre(HasSubstr("run.json:3: not JSON"), HasSubstr("metrics.jsonl:2: not JSON"),
                  HasSubstr("metrics.jsonl:3: `step` must be a whole number"),
                  HasSubstr("metrics.jsonl:4: `scalars` must be an object"),
                  HasSubstr("metrics.jsonl:5: `a` must be a number"), HasSubstr("plans.jsonl:1: the count of a plan"),
                  HasSubstr("samples.jsonl:1: expected `step`"), HasSubstr("alarms.jsonl:1: expected a JSON object")));
  EXPECT_THAT(run->curves.at("a"), SizeIs(1));
  EXPECT_THAT(run->curves.at("b"), SizeIs(1));
  EXPECT_THAT(run->alarms, SizeIs(1));
}

TEST(RunDataTest, ManyProblemsAreCounted) {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += "x\n";
  const auto run = ReadRun(Folder("run_data_many", {{"run.json", "{}"}, {"metrics.jsonl", lines}}));
  ASSERT_TRUE(run.ok());
  ASSERT_EQ(run->problems.size(), 22U);
  EXPECT_EQ(run->problems[20], "… and 30 more in the same file");
}

TEST(RunDataTest, ConfigurationMayBeNestedButNotWithoutEnd) {
  std::string deep = "1";
  for (int i = 0; i < 10'000; ++i) deep = "{\"k\":" + deep + "}";
  std::string list(20'000, '[');
  list += std::string(20'000, ']');
  const auto run = ReadRun(Folder(
      "run_data_deep", {{"run.json", "{\"config\":{\"reward\":{\"alpha\":0.5},\"roles\":[\"QR\",1],\"deep\":" + deep +
                                         ",\"list\":" + list + "}}"},
                        {"metrics.jsonl", "{\"step\":0,\"scalars\":{\"a\":1}}\n"}}));
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(std::get<double>(run->about.config.at("reward.alpha")), 0.5);
  EXPECT_EQ(std::get<std::string>(run->about.config.at("roles")), "[\"QR\",1]");
  EXPECT_EQ(std::get<std::string>(run->about.config.at("list")), "[…]");
  EXPECT_THAT(run->problems, IsEmpty());
}

TEST(RunDataTest, FindsRunsInAFolderOfRuns) {
  const std::string folder = Folder("run_data_queue", {});
  for (const char* name : {"b", "a"}) {
    fs::create_directories(folder + "/" + name);
    std::ofstream(folder + "/" + name + "/metrics.jsonl") << "";
  }
  fs::create_directories(folder + "/other");
  EXPECT_THAT(FindRuns(folder).value(), ElementsAre(EndsWith("/a"), EndsWith("/b")));
  EXPECT_THAT(FindRuns(folder + "/a").value(), ElementsAre(folder + "/a"));
  EXPECT_EQ(FindRuns(folder + "/none").error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(FindRuns(folder + "/other").error().message(), HasSubstr("holds metrics.jsonl"));
  EXPECT_EQ(FindRuns(folder + "/a/metrics.jsonl").error().code(), ErrorCode::kInvalidArgument);
  // Named twice, read once; the ablation lies above the run.
  std::ofstream(folder + "/ablation.json") << "{\"rows\":[{\"arm\":\"x\",\"seed\":1}]}";
  const auto report = ReadReport({folder + "/a", folder + "/a"});
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->runs, SizeIs(1));
  ASSERT_TRUE(report->ablation);
  EXPECT_THAT(report->ablation->rows, SizeIs(1));
}

TEST(RunDataTest, AnAblationNamesItsIncompleteRows) {
  const std::string folder =
      Folder("run_data_ablation", {{"ablation.json",
                                    "{\"rows\":[{\"arm\":\"x\",\"test_f1\":0.5},{\"seed\":1},7],"
                                    "\"comparisons\":[{\"a\":\"x\",\"b\":\"y\",\"difference\":0.1,\"low\":0}]}"}});
  std::vector<std::string> problems;
  const auto ablation = ReadAblation(folder + "/ablation.json", &problems);
  ASSERT_TRUE(ablation.ok());
  EXPECT_THAT(ablation->rows, SizeIs(1));
  EXPECT_THAT(ablation->comparisons, IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("`rows`: number 2"), HasSubstr("`rows`: number 3"),
                                    HasSubstr("`comparisons`: number 1")));
}

}  // namespace
}  // namespace jade::report
