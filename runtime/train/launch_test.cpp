// What launchers say in the environment, whole and half.

#include "runtime/train/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace jade::train {
namespace {

using ::testing::HasSubstr;

Result<Launch> From(const std::map<std::string, std::string>& variables) {
  return ReadLaunch([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string ErrorOf(const std::map<std::string, std::string>& variables) {
  const auto launch = From(variables);
  return launch.ok() ? "no error" : launch.error().ToString();
}

TEST(Launch, NothingSaidIsOneProcess) {
  const auto launch = From({{"SLURM_NTASKS", "4"}});  // an allocation's shell
  ASSERT_TRUE(launch.ok());
  EXPECT_EQ(launch->size, 1);
}

TEST(Launch, Torchrun) {
  const auto launch = From({{"RANK", "5"},
                            {"WORLD_SIZE", "8"},
                            {"LOCAL_RANK", "1"},
                            {"LOCAL_WORLD_SIZE", "4"},
                            {"MASTER_ADDR", "one"},
                            {"MASTER_PORT", "1234"}});
  ASSERT_TRUE(launch.ok()) << launch.error().ToString();
  EXPECT_EQ(launch->rank, 5);
  EXPECT_EQ(launch->size, 8);
  EXPECT_EQ(launch->local_rank, 1);
  EXPECT_EQ(launch->local_size, 4);
  EXPECT_EQ(launch->address, "one");
  EXPECT_EQ(launch->port, 1234);
}

TEST(Launch, TorchrunsOwnStoreKeepsItsPort) {
  std::map<std::string, std::string> variables{{"RANK", "0"},
                                               {"WORLD_SIZE", "2"},
                                               {"MASTER_ADDR", "one"},
                                               {"MASTER_PORT", "1234"},
                                               {"TORCHELASTIC_USE_AGENT_STORE", "True"}};
  EXPECT_EQ(From(variables)->port, 1235);
  variables["MASTER_PORT"] = "65535";
  EXPECT_EQ(From(variables)->port, 65534);
  variables["TORCHELASTIC_USE_AGENT_STORE"] = "False";
  EXPECT_EQ(From(variables)->port, 65535);
}

TEST(Launch, ByHandOnOneMachine) {
  const auto launch = From({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "1"}});
  ASSERT_TRUE(launch.ok()) << launch.error().ToString();
  EXPECT_EQ(launch->local_rank, 1);
  EXPECT_EQ(launch->local_size, 2);
}

TEST(Launch, Mpirun) {
  const auto open = From({{"OMPI_COMM_WORLD_RANK", "1"},
                          {"OMPI_COMM_WORLD_SIZE", "2"},
                          {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                          {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  ASSERT_TRUE(open.ok()) << open.error().ToString();
  EXPECT_EQ(open->address, "127.0.0.1");
  EXPECT_EQ(open->local_size, 2);
  EXPECT_THAT(ErrorOf({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), HasSubstr("MASTER_ADDR"));
  EXPECT_TRUE(From({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MASTER_ADDR", "a"}}).ok());
}

TEST(Launch, Slurm) {
  const auto launch = From({{"SLURM_PROCID", "3"},
                            {"SLURM_NTASKS", "4"},
                            {"SLURM_LOCALID", "1"},
                            {"SLURM_TASKS_PER_NODE", "2(x2)"},
                            {"SLURM_NODELIST", "gpu[07-08]"}});
  ASSERT_TRUE(launch.ok()) << launch.error().ToString();
  EXPECT_EQ(launch->rank, 3);
  EXPECT_EQ(launch->local_size, 2);
  EXPECT_EQ(launch->address, "gpu07");
  EXPECT_EQ(launch->port, 29500);
}

TEST(Launch, FirstHosts) {
  EXPECT_EQ(FirstHost("node[03-07,9],x"), "node03");
  EXPECT_EQ(FirstHost("rack-a[1,3]"), "rack-a1");
  EXPECT_EQ(FirstHost("a,b"), "a");
  EXPECT_EQ(FirstHost("alone"), "alone");
  EXPECT_EQ(FirstHost("broken[1"), "");
  EXPECT_EQ(FirstHost(""), "");
}

TEST(Launch, HalfAnEnvironmentNamesWhatIsMissing) {
  EXPECT_THAT(ErrorOf({{"RANK", "0"}}), HasSubstr("not `WORLD_SIZE`"));
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "2"}}), HasSubstr("not `RANK`"));
  EXPECT_THAT(ErrorOf({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "1"}}), HasSubstr("not `MASTER_ADDR`"));
  EXPECT_THAT(ErrorOf({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}), HasSubstr("not `MASTER_PORT`"));
  EXPECT_THAT(ErrorOf({{"SLURM_PROCID", "0"}}), HasSubstr("not `SLURM_NTASKS`"));
  EXPECT_THAT(ErrorOf({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(ErrorOf({{"RANK", "x"}, {"WORLD_SIZE", "2"}}), HasSubstr("`RANK` is `x`"));
}

}  // namespace
}  // namespace jade::train
