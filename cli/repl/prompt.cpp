#include "cli/repl/prompt.h"

#include "cli/repl/commands.h"
#include "cli/repl/input.h"

namespace jade::repl {

void HandleInput(Context& context, const std::string& input) {
  const InputKind kind = KindOf(input);
  if (kind == InputKind::kEmpty) return;
  ++context.inputs;
  switch (kind) {
    case InputKind::kEmpty:
      return;
    case InputKind::kCommand:
      return RunCommand(context, input);
    case InputKind::kDeclaration:
      Define(context, InputFile(context, input));
      return;
    case InputKind::kStatement:
      return Evaluate(context, InputFile(context, input));
  }
}

int RunPrompt(Context& context, InputReader& reader) {
  constexpr int kInterrupted = 130;
  std::string input;
  while (!context.quit) {
    const InputReader::Read read = reader.Next(&input);
    if (read == InputReader::Read::kEnd) break;
    if (read == InputReader::Read::kInput) HandleInput(context, input);
    const bool interrupted = context.cancel.exchange(false) || read == InputReader::Read::kInterrupted;
    if (interrupted && !reader.interactive()) return kInterrupted;
  }
  return reader.interactive() ? 0 : static_cast<int>(context.console.verdict());
}

}  // namespace jade::repl
