// Commands about the program as a whole.

#include <fmt/format.h>

#include <filesystem>

#include "cli/repl/commands.h"
#include "runtime/files/atomic_file.h"

namespace jade::repl {

void LoadCommand(Context& context, std::string_view argument) {
  LoadFile(context, std::string(argument));
}

void SaveCommand(Context& context, std::string_view argument) {
  const std::string path(argument);
  std::error_code ec;
  if (path != context.saved_as && std::filesystem::exists(path, ec)) {
    context.console.Wrong(fmt::format("`{}` exists, and is not where this program is from", path));
    return;
  }
  const Status written = files::WriteFileAtomically(path, context.workspace.definitions().text());
  if (!written.ok()) {
    context.console.Failed(written.error());
    return;
  }
  context.saved_as = path;
  context.console.Result(fmt::format("saved {}", path));
  const KeptValues& values = context.workspace.values();
  if (values.all().size() > (values.Find(kLast) != nullptr ? 1U : 0U)) context.console.Note("values are not saved");
}

void ForgetCommand(Context& context, std::string_view argument) {
  const auto change = context.workspace.Remove(std::string(argument));
  if (!change.ok()) {
    context.console.Failed(change.error());
    return;
  }
  ShowChange(context, *change);
  if (change->ok) {
    context.console.Result(fmt::format("forgot `{}`", argument));
  } else {
    context.console.Note("nothing was changed");
  }
}

void ResetCommand(Context& context, std::string_view /*argument*/) {
  context.workspace.Clear();
  context.evaluator.ForgetLast();
  context.saved_as.clear();
}

}  // namespace jade::repl
