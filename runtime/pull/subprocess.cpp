#include "runtime/pull/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace jade::pull {
namespace {

constexpr size_t kKeptOutput = 16 * 1024;
constexpr int kTickMilliseconds = 100;

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }
  void Close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

// Standard input empty, standard output and error into the pipe.
int Spawn(const std::vector<std::string>& arguments, int output, pid_t* child) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  const int error = posix_spawnp(child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

int WaitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Collects output until the program closes it; false when `tick` asked to stop.
bool ReadOutput(int descriptor, const std::function<bool()>& tick, std::string* output) {
  std::array<char, 4096> buffer;
  while (true) {
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kTickMilliseconds);
    if (tick && !tick()) return false;
    if (ready <= 0) continue;  // nothing yet, or interrupted
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    output->append(buffer.data(), static_cast<size_t>(count));
    if (output->size() > 2 * kKeptOutput) output->erase(0, output->size() - kKeptOutput);
  }
}

}  // namespace

Result<ProcessResult> RunProcess(const std::vector<std::string>& arguments, const std::function<bool()>& tick) {
  JADE_CHECK(!arguments.empty());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(ErrorCode::kIo, std::strerror(errno));
  Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  pid_t child = 0;
  if (const int error = Spawn(arguments, write_end.get(), &child); error != 0) {
    return Error(error == ENOENT ? ErrorCode::kUnavailable : ErrorCode::kIo, std::strerror(error))
        .Wrap(fmt::format("starting `{}`", arguments[0]));
  }
  write_end.Close();
  ProcessResult result;
  const bool finished = ReadOutput(read_end.get(), tick, &result.output);
  if (!finished) ::kill(child, SIGTERM);
  read_end.Close();
  result.exit_status = WaitFor(child);
  if (!finished) return Error(ErrorCode::kCancelled, fmt::format("`{}` was interrupted", arguments[0]));
  return result;
}

}  // namespace jade::pull
