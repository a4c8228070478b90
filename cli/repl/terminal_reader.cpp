#include "cli/repl/terminal_reader.h"

#include <cstdlib>
#include <filesystem>

#include "cli/repl/completion.h"
#include "cli/repl/highlight.h"
#include "cli/repl/input.h"
#include "cli/repl/text_reader.h"

namespace jade::repl {

std::string HistoryFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && std::filesystem::path(state).is_absolute()) {
    folder = state;
  } else if (home != nullptr && std::filesystem::path(home).is_absolute()) {
    folder = std::filesystem::path(home) / ".local" / "state";
  }
  return folder.empty() ? "" : (folder / "jade" / "history").string();
}

InputReader::Read TerminalReader::Next(std::string* input) {
  while (inputs_.empty()) {
    std::string text;
    switch (editor_->Read(&text)) {
      case line::LineEditor::Outcome::kInterrupted:
        return Read::kInterrupted;
      case line::LineEditor::Outcome::kEnd:
        return Read::kEnd;
      case line::LineEditor::Outcome::kText:
        break;
    }
    editor_->Remember(text);
    std::string rest;
    for (std::string& one : SplitInputs(text, &rest)) inputs_.push_back(std::move(one));
    if (!rest.empty()) inputs_.push_back(std::move(rest));
  }
  *input = std::move(inputs_.front());
  inputs_.pop_front();
  return Read::kInput;
}

std::unique_ptr<InputReader> MakeTerminalReader(const Context& context) {
  line::EditorOptions options;
  options.prompt = kPrompt;
  options.history_file = HistoryFile();
  options.colour = !context.console.style().reset.empty();
  const Workspace& workspace = context.workspace;
  options.is_complete = [](std::string_view text) {
    std::string rest;
    SplitInputs(text, &rest);
    return rest.empty();
  };
  options.colours = [&workspace](std::string_view text) { return Highlight(text, workspace); };
  options.complete = [&workspace](std::string_view text, size_t cursor) { return Complete(text, cursor, workspace); };
  auto editor = line::LineEditor::Open(std::move(options));
  if (editor == nullptr) return std::make_unique<TextReader>(TextReader::Options{.person = true}, context.cancel);
  return std::make_unique<TerminalReader>(std::move(editor));
}

}  // namespace jade::repl
