// One process of a training job, as distributed_test.cpp starts several:
//   jade_train_worker FOLDER CONFIG MODEL [resume] [kill N | cancel N]
// The job's place is read from the environment. `kill` ends this process without a word in step N, `cancel` is its
// Ctrl-C. Exit status: 0, 1 failed (the error on standard error), 4 interrupted.

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "runtime/train/process_group.h"
#include "runtime/train/train_run.h"

namespace jade::train {
namespace {

class AtStep final : public progress::Sink {
 public:
  uint64_t kill = 0, cancel = 0;
  std::atomic<bool> cancelled{false};

  void Begin(const progress::Task&) override {}
  void Update(uint64_t done, std::string_view) override {
    if (kill > 0 && done == kill) std::raise(SIGKILL);
    if (cancel > 0 && done == cancel) cancelled = true;
  }
  void End() override {}
  void Message(std::string_view) override {}
};

Result<TrainSummary> Work(const std::string& folder, const std::string& config_path, const std::string& model,
                          AtStep& steps, bool resume) {
  JADE_ASSIGN_OR_RETURN(const TrainConfig config, LoadTrainConfig(config_path));
  JADE_ASSIGN_OR_RETURN(const Launch launch, ReadLaunch([](const char* name) { return std::getenv(name); }));
  JADE_ASSIGN_OR_RETURN(const auto collective, JoinProcessGroup(launch, {.timeout = config.distributed_timeout}));
  JADE_ASSIGN_OR_RETURN(const session::Loaded loaded, session::Program::LoadFile(folder + "/solve.jade"));
  if (loaded.program == nullptr) return Error(ErrorCode::kInvalidArgument, "the program does not compile");
  TrainParts parts;
  parts.model = model;
  parts.program = loaded.program;
  parts.request.program = loaded.program;
  parts.request.reward = "Letters";
  parts.collective = collective.get();
  return RunTraining(config, std::move(parts), steps, {.resume = resume, .cancel = &steps.cancelled});
}

int Main(int argc, char** argv) {
  if (argc < 4) return 2;
  AtStep steps;
  bool resume = false;
  for (int i = 4; i < argc; ++i) {
    resume |= std::strcmp(argv[i], "resume") == 0;
    if (i + 1 == argc) continue;
    if (std::strcmp(argv[i], "kill") == 0) steps.kill = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "cancel") == 0) steps.cancel = std::strtoull(argv[i + 1], nullptr, 10);
  }
  const auto summary = Work(argv[1], argv[2], argv[3], steps, resume);
  if (!summary.ok()) {
    fmt::print(stderr, "{}\n", summary.error().ToString());
    return 1;
  }
  return summary->interrupted ? 4 : 0;
}

}  // namespace
}  // namespace jade::train

int main(int argc, char** argv) {
  return jade::train::Main(argc, argv);
}
