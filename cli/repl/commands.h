#pragma once
// The commands of the prompt: words behind a colon.

#include <span>
#include <string>
#include <string_view>

#include "cli/repl/context.h"

namespace jade::repl {

struct Command {
  std::string_view name;       // without the colon
  std::string_view arguments;  // "[NAME]"
  std::string_view summary;
  void (*run)(Context& context, std::string_view argument);
};

std::span<const Command> Commands();

// An input that begins with a colon. What is wrong with it has been said when this returns.
void RunCommand(Context& context, const std::string& text);

// show_commands.cpp: what the program is.
void TypeCommand(Context& context, std::string_view argument);
void JirCommand(Context& context, std::string_view argument);
void LlvmCommand(Context& context, std::string_view argument);
void AssemblyCommand(Context& context, std::string_view argument);
void BoundsCommand(Context& context, std::string_view argument);
void ListCommand(Context& context, std::string_view argument);
// run_commands.cpp: runs and what they left.
void TraceCommand(Context& context, std::string_view argument);
void TimeCommand(Context& context, std::string_view argument);
void TestCommand(Context& context, std::string_view argument);
// plan_command.cpp, set_command.cpp
void PlanCommand(Context& context, std::string_view argument);
void SetCommand(Context& context, std::string_view argument);
// file_commands.cpp: the program as a whole.
void LoadCommand(Context& context, std::string_view argument);
void SaveCommand(Context& context, std::string_view argument);
void ForgetCommand(Context& context, std::string_view argument);
void ResetCommand(Context& context, std::string_view argument);

// Settings of `:set`, for completion.
std::vector<std::string> SettingNames();

}  // namespace jade::repl
