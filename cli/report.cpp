// jade report

#include "runtime/report/report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/terminal.h"
#include "runtime/files/atomic_file.h"

extern "C" char** environ;

namespace jade::cli {
namespace {

constexpr size_t kShownProblems = 10;

struct ReportOptions {
  std::vector<std::string> runs;
  std::string output;
  std::string open = "auto";
};

// Beside the run when there is one, else in the working directory.
std::string OutputOf(const ReportOptions& options) {
  if (!options.output.empty()) return options.output;
  if (options.runs.size() > 1) return "report.html";
  return (std::filesystem::path(options.runs.front()) / "report.html").lexically_normal().string();
}

bool HasScreen() {
  const auto is_set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  return isatty(STDOUT_FILENO) == 1 && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"));
}

// Hands the page to the desktop's browser.
Status Open(const std::string& path) {
  std::string program = "xdg-open";
  std::string file = std::filesystem::absolute(path).string();
  const std::array<char*, 3> arguments = {program.data(), file.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int error = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error == 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error(ErrorCode::kUnavailable,
               fmt::format("no browser could be started with xdg-open: open `{}` yourself", path));
}

void ShowProblems(const std::vector<std::string>& problems) {
  const Style style = Style::For(stderr);
  for (size_t i = 0; i < problems.size() && i < kShownProblems; ++i) {
    fmt::print(stderr, "jade: {}warning:{} {}\n", style.yellow, style.reset, problems[i]);
  }
  if (problems.size() > kShownProblems) {
    fmt::print(stderr, "jade: … and {} more, listed in the page\n", problems.size() - kShownProblems);
  }
}

int WriteReport(const ReportOptions& options) {
  auto report = report::ReadReport(options.runs);
  if (!report.ok()) return Fail(report.error());
  ShowProblems(report->problems);
  const std::string path = OutputOf(options);
  if (Status written = files::WriteFileAtomically(path, report::Page(*report)); !written.ok()) {
    return Fail(written.error());
  }
  fmt::print("{}\n", path);
  if (options.open == "no" || (options.open == "auto" && !HasScreen())) return kFine;
  if (Status opened = Open(path); !opened.ok()) return Fail(opened.error());
  return kFine;
}

}  // namespace

void AddReportCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("report", "Show training runs as one HTML page");
  command->footer(
      "Examples:\n  jade report runs/joint-1\n  jade report runs/joint-1 runs/planner-1 -o compare.html --open no\n"
      "  jade report runs\n"
      "What it shows and reads: docs/training-report.md");
  auto options = std::make_shared<ReportOptions>();
  command->add_option("RUN", options->runs, "folders of runs, or of folders of runs")->required();
  command->add_option("-o,--output", options->output,
                      "HTML file (default: report.html, in the folder named when it is one)");
  command->add_option("--open", options->open, "in the browser; auto: from a terminal on a desktop")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  command->callback([options, &invocation] { invocation.action = [options] { return WriteReport(*options); }; });
}

}  // namespace jade::cli
