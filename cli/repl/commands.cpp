#include "cli/repl/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/source/suggest.h"

namespace jade::repl {
namespace {

void HelpCommand(Context& context, std::string_view argument);
void QuitCommand(Context& context, std::string_view /*argument*/) {
  context.quit = true;
}

constexpr std::array kCommands = {
    Command{"help", "[COMMAND]", "what can be typed here", HelpCommand},
    Command{"type", "EXPR", "the type of an expression, without running it; the declaration of a name", TypeCommand},
    Command{"time", "EXPR", "run it and say how long that took", TimeCommand},
    Command{"plan", "[PLANNER] QUESTION", "ask a planner: its plan, how many calls that may make, or why it is refused",
            PlanCommand},
    Command{"trace", "[full]", "the calls of the last run as a tree; with prompts and replies", TraceCommand},
    Command{"bounds", "[NAME]", "the most that workflows and plans can spend", BoundsCommand},
    Command{"test", "[FILTER]", "run the tests", TestCommand},
    Command{"list", "", "what is defined", ListCommand},
    Command{"forget", "NAME", "drop a declaration or a value", ForgetCommand},
    Command{"reset", "", "drop everything", ResetCommand},
    Command{"set", "[NAME [VALUE]]", "show or change how things are run", SetCommand},
    Command{"load", "FILE", "read the declarations of a file", LoadCommand},
    Command{"save", "FILE", "write the declarations to a file", SaveCommand},
    Command{"jir", "[NAME]", "the intermediate representation", JirCommand},
    Command{"llvm", "NAME", "LLVM's form of a workflow", LlvmCommand},
    Command{"asm", "NAME", "the machine code of a workflow", AssemblyCommand},
    Command{"quit", "", "leave; Ctrl-D does too", QuitCommand},
};

std::string Usage(const Command& command) {
  return fmt::format(":{}{}{}", command.name, command.arguments.empty() ? "" : " ", command.arguments);
}

// The command of that name, or the only one that begins so.
const Command* Find(std::string_view name) {
  const Command* found = nullptr;
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
    if (name.empty() || !command.name.starts_with(name)) continue;
    if (found != nullptr) return nullptr;
    found = &command;
  }
  return found;
}

const Command* FindOrSay(Context& context, std::string_view name) {
  const Command* command = Find(name);
  if (command != nullptr) return command;
  std::vector<std::string> meant;
  std::vector<std::string> names;
  for (const Command& one : kCommands) {
    names.push_back(":" + std::string(one.name));
    if (!name.empty() && one.name.starts_with(name)) meant.push_back("`" + names.back() + "`");
  }
  if (!meant.empty()) {
    context.console.Wrong(fmt::format("`:{}` can be {}", name, fmt::join(meant, ", ")));
  } else {
    const std::string word = ":" + std::string(name);
    const std::string hint = source::DidYouMean(word, names);
    context.console.Wrong(fmt::format("unknown command `{}`{}", word, hint.empty() ? "; `:help` lists them" : hint));
  }
  return nullptr;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

void HelpCommand(Context& context, std::string_view argument) {
  if (argument.starts_with(':')) argument.remove_prefix(1);
  if (!argument.empty()) {
    const Command* command = FindOrSay(context, argument);
    if (command != nullptr) context.console.Result(fmt::format("{}: {}", Usage(*command), command->summary));
    return;
  }
  std::string text =
      "Type declarations (`workflow`, `executor`, `type`, `use std.rag`, …), `let name = …`, or an expression to run.\n"
      "`it` is the value of the last one. Open brackets continue on the next line; Ctrl-C drops the input or the "
      "run.\n\n";
  for (const Command& command : kCommands) text += fmt::format("  {:<27} {}\n", Usage(command), command.summary);
  text += "\nA command may be cut short as long as it is the only one that begins so.";
  context.console.Result(text);
}

}  // namespace

std::span<const Command> Commands() {
  return kCommands;
}

void RunCommand(Context& context, const std::string& text) {
  const size_t colon = text.find(':');
  const size_t end = std::min(text.find_first_of(" \t\r\n", colon), text.size());
  const Command* command = FindOrSay(context, std::string_view(text).substr(colon + 1, end - colon - 1));
  if (command == nullptr) return;
  const std::string_view argument = Trim(std::string_view(text).substr(end));
  if (argument.empty() && !command->arguments.empty() && !command->arguments.starts_with('[')) {
    const std::string_view missing = command->arguments == "EXPR"   ? "expression"
                                     : command->arguments == "FILE" ? "file"
                                                                    : "name";
    context.console.Wrong(fmt::format("`{}`: the {} is missing", Usage(*command), missing));
    return;
  }
  if (!argument.empty() && command->arguments.empty()) {
    context.console.Wrong(fmt::format("`:{}` takes nothing", command->name));
    return;
  }
  command->run(context, argument);
}

}  // namespace jade::repl
