// The command line: parses, runs one command, maps failures to exit statuses.

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>

#include "cli/command.h"
#include "cli/terminal.h"
#include "compiler/source/suggest.h"

namespace jade::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

// The first Ctrl-C asks for an orderly end, the second one ends at once.
extern "C" void OnInterrupt(int signal) {
  if (interrupted.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

void AddCommands(CLI::App& app, Invocation& invocation) {
  AddRunCommand(app, invocation);
  AddCheckCommand(app, invocation);
  AddFmtCommand(app, invocation);
  AddCompileCommand(app, invocation);
  AddTestCommand(app, invocation);
  AddReplCommand(app, invocation);
  AddEvalCommand(app, invocation);
  AddSftCommand(app, invocation);
  AddTrainCommand(app, invocation);
  AddReportCommand(app, invocation);
  AddTraceCommand(app, invocation);
  AddIndexCommand(app, invocation);
  AddDataCommand(app, invocation);
  AddPullCommand(app, invocation);
  AddBenchCommand(app, invocation);
  AddDoctorCommand(app, invocation);
}

// The command names below `app` that could have been meant.
std::vector<std::string> Names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// CLI11 says what is wrong; this adds what was probably meant.
int UsageError(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  std::string path = "jade";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  const std::vector<std::string> commands = Names(*command);
  const std::vector<std::string> options = OptionNames(*command);
  std::string message = error.what();
  for (const std::string& word : words) {
    const std::string bare = word.substr(0, word.find('='));
    const bool is_option = word.rfind("--", 0) == 0;
    const std::string hint = source::DidYouMean(bare, is_option ? options : commands);
    const auto& names = is_option ? options : commands;
    if (hint.empty() || std::find(names.begin(), names.end(), bare) != names.end()) continue;
    message = fmt::format("unknown {} `{}`{}", is_option ? "option" : "command", bare, hint);
    break;
  }
  fmt::print(stderr, "jade: {}\ntry `{} --help`\n", message, path);
  return kUsage;
}

int Main(int argc, char** argv) {
  CLI::App app{"JADE: compile, run and train teams of language-model roles", "jade"};
  app.set_version_flag("--version", "jade " JADE_VERSION);
  app.require_subcommand(1);
  app.footer("`jade COMMAND --help` shows a command's options and examples.");
  Invocation invocation;
  invocation.cancel = &interrupted;
  invocation.arguments = argv;
  AddCommands(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return UsageError(app, error, {argv + 1, argv + argc});
  }
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then an error with a message
  const int status = invocation.action();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return Fail(Error(ErrorCode::kIo, "cannot write the results to standard output"));
}

}  // namespace

int Fail(const Error& error) {
  const Style style = Style::For(stderr);
  if (error.code() == ErrorCode::kCancelled) {
    fmt::print(stderr, "jade: {}interrupted{}\n", style.yellow, style.reset);
    return kInterrupted;
  }
  fmt::print(stderr, "jade: {}error:{} {}\n", style.red, style.reset, error.ToString());
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kVersion:
      return kInputErrors;
    default:
      return kRunFailed;
  }
}

}  // namespace jade::cli

int main(int argc, char** argv) {
  try {
    return jade::cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("jade: error: out of memory\n", stderr);
    return jade::cli::kRunFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "jade: bug: %s\n", error.what());
    return 70;
  }
}
