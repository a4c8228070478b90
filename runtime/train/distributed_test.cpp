// Training in two processes of one machine: the update of one process with all questions, and what happens when one of
// them ends.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <thread>

#include "runtime/train/agreement.h"
#include "runtime/train/process_group.h"
#include "runtime/train/train_run_fixture.h"
#include "runtime/weights/safetensors.h"

namespace jade::train {
namespace {

using ::testing::HasSubstr;
using testing::RunFigures;

// One that nobody listens on now.
int FreePort() {
  const int socket_handle = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(socket_handle, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  socklen_t length = sizeof address;
  EXPECT_EQ(getsockname(socket_handle, reinterpret_cast<sockaddr*>(&address), &length), 0);
  close(socket_handle);
  return ntohs(address.sin_port);
}

using Variables = std::map<std::string, std::string>;

// The child's standard error goes to `log`.
pid_t Start(const std::vector<std::string>& arguments, const Variables& variables, const std::string& log) {
  std::vector<std::string> environment{"OMP_WAIT_POLICY=passive"};
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& entry : environment) envp.push_back(const_cast<char*>(entry.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(file, STDERR_FILENO);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

struct Ended {
  int status = -1;  // of wait
  std::string log;
  bool fine() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
  bool failed() const { return WIFEXITED(status) && WEXITSTATUS(status) == 1; }
  bool interrupted() const { return WIFEXITED(status) && WEXITSTATUS(status) == 4; }
  bool killed() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }
};

// A build without Gloo trains in one process.
#ifdef JADE_HAS_GLOO
#define SKIP_WITHOUT_GLOO() (void)0
#else
#define SKIP_WITHOUT_GLOO() GTEST_SKIP() << "built without Gloo"
#endif

class DistributedTest : public testing::TrainRunFixture {
 protected:
  DistributedTest() { folder_.Write("solve.jade", std::string(testing::kLettersProgram)); }
  void SetUp() override { SKIP_WITHOUT_GLOO(); }

  std::string Config(const std::string& run, int steps) {
    return folder_.Write(run + ".yaml",
                         "backbone: { model: tiny, dtype: fp32, threads: 1, kv_cache: 4MiB }\ntrain:\n"
                         "  file: solve.jade\n  run: " +
                             (folder_ / run) + "\n  data: { train: " + (folder_ / "questions.jsonl") +
                             ", dev: " + (folder_ / "questions.jsonl") + ", test: " + (folder_ / "questions.jsonl") +
                             " }\n  dev: { every: 1 }\n  steps: " + std::to_string(steps) +
                             "\n  actor: { lr: 1e-3 }\n  critic: { lr: 1e-3 }\n"
                             "  rollout: { questions: 12, samples: 2 }\n"
                             "  update: { mini_batches: 1, compute: fp32 }\n"
                             // A gradient of rounding errors must not become a whole step.
                             "  optimiser: { epsilon: 1e-3 }\n"
                             "  distributed: { timeout: 60s }\n");
  }

  // `more` are the last arguments, by rank.
  std::vector<Ended> Run(const std::string& config, int processes,
                         const std::vector<std::vector<std::string>>& more = {}, const std::string& start = "start") {
    const std::string port = std::to_string(FreePort());
    std::vector<pid_t> children;
    for (int rank = 0; rank < processes; ++rank) {
      const std::string model = folder_ / (rank == 0 ? "start" : start);
      std::vector<std::string> arguments{JADE_TRAIN_WORKER, folder_ / ".", config, model};
      if (static_cast<size_t>(rank) < more.size()) {
        arguments.insert(arguments.end(), more[static_cast<size_t>(rank)].begin(),
                         more[static_cast<size_t>(rank)].end());
      }
      Variables variables;
      if (processes > 1) {
        variables = {{"RANK", std::to_string(rank)},
                     {"WORLD_SIZE", std::to_string(processes)},
                     {"MASTER_ADDR", "127.0.0.1"},
                     {"MASTER_PORT", port}};
      }
      children.push_back(Start(arguments, variables, folder_ / ("log" + std::to_string(rank))));
    }
    std::vector<Ended> ended(children.size());
    for (size_t rank = 0; rank < children.size(); ++rank) {
      waitpid(children[rank], &ended[rank].status, 0);
      ended[rank].log = TextOf("log" + std::to_string(rank));
    }
    return ended;
  }
};

void ExpectClose(const RunFigures& one, const RunFigures& two) {
  ASSERT_FALSE(one.empty());
  for (const auto& [key, value] : one) {
    ASSERT_TRUE(two.contains(key)) << key.first << " " << key.second;
    if (key.second == "policy/shared_prefixes") continue;  // processes share none with each other
    EXPECT_NEAR(two.at(key), value, 1e-4 * (1 + std::abs(value))) << "step " << key.first << ", " << key.second;
  }
  EXPECT_EQ(one.size(), two.size());
}

double LargestDifference(const std::string& a, const std::string& b) {
  const auto one = weights::SafetensorsFile::Open(a + "/model.safetensors");
  const auto two = weights::SafetensorsFile::Open(b + "/model.safetensors");
  if (!one.ok() || !two.ok()) return INFINITY;
  double largest = 0;
  for (const weights::TensorView& tensor : one->tensors()) {
    const weights::TensorView* other = two->Find(tensor.name);
    if (other == nullptr || other->data.size() != tensor.data.size()) return INFINITY;
    std::vector<float> x(tensor.data.size() / 4), y(x.size());
    std::memcpy(x.data(), tensor.data.data(), tensor.data.size());
    std::memcpy(y.data(), other->data.data(), other->data.size());
    for (size_t i = 0; i < x.size(); ++i) largest = std::max<double>(largest, std::abs(x[i] - y[i]));
  }
  return largest;
}

TEST_F(DistributedTest, TwoProcessesMakeTheUpdateOfOne) {
  const std::vector<Ended> one = Run(Config("one", 2), 1);
  ASSERT_TRUE(one[0].fine()) << one[0].log;
  const std::vector<Ended> two = Run(Config("two", 2), 2);
  ASSERT_TRUE(two[0].fine()) << two[0].log;
  ASSERT_TRUE(two[1].fine()) << two[1].log;
  EXPECT_LT(LargestDifference(folder_ / "one/last", folder_ / "two/last"), 1e-5);
  EXPECT_GT(LargestDifference(folder_ / "one/last", folder_ / "start"), 1e-4);  // it did move
  ExpectClose(Figures("one"), Figures("two"));
  EXPECT_EQ(TextOf("one/dev.jsonl"), TextOf("two/dev.jsonl"));
  EXPECT_EQ(TextOf("one/test.jsonl"), TextOf("two/test.jsonl"));
  EXPECT_EQ(TextOf("one/plans.jsonl"), TextOf("two/plans.jsonl"));
}

TEST_F(DistributedTest, ALostProcessEndsTheJobWhichCanBeResumed) {
  const std::vector<Ended> whole = Run(Config("whole", 3), 2);
  ASSERT_TRUE(whole[0].fine()) << whole[0].log;
  for (const int victim : {0, 1}) {
    const std::string run = "lost" + std::to_string(victim);
    std::vector<std::vector<std::string>> more(2);
    more[static_cast<size_t>(victim)] = {"kill", "2"};
    const std::vector<Ended> lost = Run(Config(run, 3), 2, more);
    EXPECT_TRUE(lost[static_cast<size_t>(victim)].killed()) << lost[static_cast<size_t>(victim)].log;
    const Ended& other = lost[static_cast<size_t>(1 - victim)];
    EXPECT_TRUE(other.failed()) << other.status;
    EXPECT_THAT(other.log, HasSubstr("lost rank " + std::to_string(victim)));
    EXPECT_THAT(other.log, HasSubstr("step 2"));
    const std::vector<Ended> rest = Run(Config(run, 3), 2, {{"resume"}, {"resume"}});
    ASSERT_TRUE(rest[0].fine()) << rest[0].log;
    ASSERT_TRUE(rest[1].fine()) << rest[1].log;
    ExpectClose(Figures("whole"), Figures(run));
    EXPECT_LT(LargestDifference(folder_ / "whole/last", folder_ / (run + "/last")), 1e-6);
  }
}

TEST_F(DistributedTest, AnInterruptionOfOneProcessIsThatOfAll) {
  const std::vector<Ended> cut = Run(Config("cut", 3), 2, {{}, {"cancel", "2"}});
  EXPECT_TRUE(cut[0].interrupted()) << cut[0].log;
  EXPECT_TRUE(cut[1].interrupted()) << cut[1].log;
  // One process goes on with what two have begun.
  const std::vector<Ended> rest = Run(Config("cut", 3), 1, {{"resume"}});
  ASSERT_TRUE(rest[0].fine()) << rest[0].log;
  ASSERT_TRUE(Run(Config("whole", 3), 2)[0].fine());
  ExpectClose(Figures("whole"), Figures("cut"));
}

TEST_F(DistributedTest, DifferentStartsAreRefused) {
  testing::WriteSmallModel(folder_ / "other", 6);
  const std::vector<Ended> ended = Run(Config("run", 1), 2, {}, "other");
  for (const Ended& process : ended) {
    EXPECT_TRUE(process.failed());
    EXPECT_THAT(process.log, HasSubstr("rank 1 does not start like rank 0: the weights"));
  }
}

TEST_F(DistributedTest, AFolderThatHoldsARunEndsAll) {
  ASSERT_TRUE(Run(Config("run", 1), 1)[0].fine());
  const std::vector<Ended> ended = Run(Config("run", 1), 2);
  EXPECT_THAT(ended[0].log, HasSubstr("--resume"));
  EXPECT_THAT(ended[1].log, HasSubstr("rank 0 failed while preparing the run"));
}

// Two groups in one process, a thread each.
template <typename Work>
void InTwo(Work work) {
  const int port = FreePort();
  const auto of = [&](int rank) {
    auto joined = JoinProcessGroup({rank, 2, rank, 2, "127.0.0.1", port}, {.timeout = 60});
    ASSERT_TRUE(joined.ok()) << joined.error().ToString();
    work(**joined);
  };
  std::thread other([&] { of(1); });
  of(0);
  other.join();
}

TEST(ProcessGroup, SumsAndBroadcastsTensorsOfAnySizeInBuckets) {
  SKIP_WITHOUT_GLOO();
  InTwo([](Collective& group) {
    const auto own = static_cast<float>(group.rank() + 1);
    std::vector<at::Tensor> tensors;
    for (const int64_t size : {int64_t{3}, int64_t{0}, int64_t{7'000'001}, int64_t{11}}) {
      tensors.push_back(at::full({size}, own * static_cast<float>(tensors.size() + 1)));
    }
    ASSERT_TRUE(group.Sum(std::span<at::Tensor>(tensors)).ok());
    for (size_t i = 0; i < tensors.size(); ++i) {
      EXPECT_TRUE(at::all(tensors[i] == 3.0F * static_cast<float>(i + 1)).item<bool>()) << i;
    }
    tensors[2].fill_(own);
    tensors[2][6'999'999] = 7 * own;
    ASSERT_TRUE(group.Broadcast(tensors).ok());
    EXPECT_EQ(tensors[2].sum().item<double>(), 7'000'007.0);
    std::vector<double> numbers{1.5 * own, -own};
    ASSERT_TRUE(group.Max(numbers).ok());
    EXPECT_THAT(numbers, ::testing::ElementsAre(3.0, -1.0));
  });
}

TEST(ProcessGroup, TextsOfAllRanks) {
  SKIP_WITHOUT_GLOO();
  InTwo([](Collective& group) {
    const std::string own = group.rank() == 0 ? std::string("a\0\xff", 3) : "";
    const auto texts = GatherTexts(group, own);
    ASSERT_TRUE(texts.ok()) << texts.error().ToString();
    EXPECT_THAT(*texts, ::testing::ElementsAre(std::string("a\0\xff", 3), ""));
    const Status failed = Agree(group, group.rank() == 1 ? Status(Error(ErrorCode::kIo, "disk")) : Status{}, "writing");
    ASSERT_FALSE(failed.ok());
    EXPECT_THAT(failed.error().ToString(), HasSubstr(group.rank() == 1 ? "disk" : "rank 1 failed while writing"));
  });
}

TEST(ProcessGroup, WhoeverWaitsAloneIsToldSo) {
  SKIP_WITHOUT_GLOO();
  const auto joined = JoinProcessGroup({0, 2, 0, 2, "127.0.0.1", FreePort()}, {.timeout = 1});
  ASSERT_FALSE(joined.ok());
  EXPECT_THAT(joined.error().ToString(), HasSubstr("rank 0 of 2 did not meet the others at 127.0.0.1:"));
}

}  // namespace
}  // namespace jade::train
