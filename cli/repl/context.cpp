#include "cli/repl/context.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "cli/repl/show_value.h"
#include "cli/run_view.h"
#include "compiler/parse/parse.h"

namespace jade::repl {
namespace {

std::string_view RemedyOf(abi::TrapKind kind) {
  switch (kind) {
    case abi::TrapKind::kDepthBudget:
      return "`:set depth N` raises it";
    case abi::TrapKind::kCallBudget:
      return "`:set calls N` raises it";
    case abi::TrapKind::kTokenBudget:
      return "`:set tokens N` raises it";
    default:
      return "`:set seconds N` raises it";
  }
}

void ShowOutcome(Context& context, const Evaluator::Outcome& outcome) {
  Console& console = context.console;
  if (outcome.run.run.status == trace::RunStatus::kCancelled) return;  // said by who has cancelled it
  if (outcome.run.trap) {
    abi::Trap trap = *outcome.run.trap;
    context.workspace.Translate(&trap.file, &trap.span);
    console.Failed("trap", cli::TrapText(trap, RemedyOf(trap.kind)));
    return;
  }
  const types::TypeTable& types = context.workspace.types();
  const std::string value = ShowValue(*outcome.run.value, outcome.type, types);
  const cli::Style& style = console.style();
  const std::string type = types.Name(outcome.type);
  if (outcome.name.empty()) {
    console.Result(fmt::format("{} {}: {}{}", value, style.dim, type, style.reset));
  } else {
    console.Result(fmt::format("{}{}: {} ={} {}", outcome.name, style.dim, type, style.reset, value));
  }
}

// "12 ms", and what calls cost.
std::string TimeText(const trace::RunRecord& run, double seconds) {
  std::string text = cli::HumanDuration(seconds);
  if (run.calls == 0) return text;
  return text + fmt::format(", {} call{}, {} tokens generated, {} read", run.calls, run.calls == 1 ? "" : "s",
                            cli::HumanCount(static_cast<uint64_t>(run.tokens)),
                            cli::HumanCount(static_cast<uint64_t>(run.prompt_tokens)));
}

}  // namespace

source::SourceFilePtr InputFile(const Context& context, std::string text) {
  return std::make_shared<const source::SourceFile>(fmt::format("<repl:{}>", context.inputs), std::move(text));
}

void ShowChange(Context& context, const Change& change) {
  context.console.Diagnostics(change.diagnostics);
  for (const std::string& one : change.forgotten) context.console.Note(one);
  if (change.ok) context.equipment.ForgetPrograms();
}

bool Define(Context& context, const source::SourceFilePtr& file) {
  const Change change = context.workspace.Define(file);
  ShowChange(context, change);
  for (const std::string& one : change.what) context.console.Result(one);
  if (!change.ok) {
    context.console.Note("nothing was changed");
    return false;
  }
  return true;
}

bool LoadFile(Context& context, const std::string& path) {
  auto text = source::ReadFile(path, parse::kMaxSourceBytes);
  if (!text.ok()) {
    context.console.Failed(text.error());
    return false;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (context.workspace.definitions().empty()) context.workspace.SetFolder(folder.empty() ? "" : folder + "/");
  const Change change = context.workspace.Define(std::make_shared<const source::SourceFile>(path, std::move(*text)));
  ShowChange(context, change);
  if (!change.ok) return false;
  const size_t count = change.what.size();
  context.console.Result(fmt::format("loaded {}: {} definition{}", path, count, count == 1 ? "" : "s"));
  if (context.saved_as.empty()) context.saved_as = path;
  return true;
}

void Evaluate(Context& context, const source::SourceFilePtr& file, bool timed) {
  diag::Diagnostics sink;
  const auto tree = context.workspace.Check(file, sink);
  context.console.Diagnostics(sink.all());
  if (tree == nullptr) return;
  cli::Narrator narrator;
  auto started = std::chrono::steady_clock::now();
  const auto done = [&](const Evaluator::Outcome& outcome) {
    ShowOutcome(context, outcome);
    const auto now = std::chrono::steady_clock::now();
    if (timed) {
      context.console.Result(TimeText(outcome.run.run, std::chrono::duration<double>(now - started).count()));
    }
    started = std::chrono::steady_clock::now();
    return !context.cancel.load();
  };
  const Status ran = context.evaluator.Run(*tree, context.setup, context.setup.show_calls ? &narrator : nullptr, done);
  if (!ran.ok() && ran.error().code() != ErrorCode::kCancelled) context.console.Failed(ran.error());
  if (context.cancel.load()) context.console.Note("interrupted");
}

}  // namespace jade::repl
