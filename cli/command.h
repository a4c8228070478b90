#pragma once
// One file a command: each adds its CLI11 subcommand, whose callback stores what to do in Invocation::action; main runs
// it after parsing. Exit statuses are those of docs/cli.md.

#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>

#include "compiler/result/result.h"

namespace jade::cli {

enum ExitStatus : int {
  kFine = 0,
  kInputErrors = 1,  // diagnostics, failing tests, `fmt --check` differences
  kUsage = 2,
  kRunFailed = 3,  // backbone, retriever, budget
  kInterrupted = 130,
};

struct Invocation {
  std::function<int()> action;
  std::atomic<bool>* cancel = nullptr;  // becomes true on Ctrl-C; who goes on after that sets it back
  char** arguments = nullptr;           // of main
};

// Prints the error to standard error as `jade: …` and gives the exit status that fits its code.
int Fail(const Error& error);

void AddBenchCommand(CLI::App& app, Invocation& invocation);
void AddCheckCommand(CLI::App& app, Invocation& invocation);
void AddCompileCommand(CLI::App& app, Invocation& invocation);
void AddDataCommand(CLI::App& app, Invocation& invocation);
// `jade data import`, below `jade data`.
void AddDataImportCommand(CLI::App& data, Invocation& invocation);
void AddDoctorCommand(CLI::App& app, Invocation& invocation);
void AddEvalCommand(CLI::App& app, Invocation& invocation);
void AddFmtCommand(CLI::App& app, Invocation& invocation);
void AddIndexCommand(CLI::App& app, Invocation& invocation);
void AddPullCommand(CLI::App& app, Invocation& invocation);
void AddReplCommand(CLI::App& app, Invocation& invocation);
void AddReportCommand(CLI::App& app, Invocation& invocation);
void AddRunCommand(CLI::App& app, Invocation& invocation);
void AddSftCommand(CLI::App& app, Invocation& invocation);
void AddTrainCommand(CLI::App& app, Invocation& invocation);
void AddTestCommand(CLI::App& app, Invocation& invocation);
void AddTraceCommand(CLI::App& app, Invocation& invocation);

}  // namespace jade::cli
