// jade fmt: .jade files in the one layout.

#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "compiler/format/format.h"
#include "compiler/parse/parse.h"
#include "runtime/files/atomic_file.h"

namespace jade::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  bool check = false;
};

int FormatFile(const std::string& path, bool check_only) {
  auto text = source::ReadFile(path, parse::kMaxSourceBytes);
  if (!text.ok()) return Fail(text.error());
  const auto file = std::make_shared<const source::SourceFile>(path, *text);
  diag::Diagnostics sink;
  const auto formatted = format::Format(file, sink);
  if (!formatted) {
    ShowDiagnostics(sink.Sorted());
    return kInputErrors;
  }
  if (*formatted == *text) return kFine;
  fmt::print("{}\n", path);
  if (check_only) return kInputErrors;
  const Status written = files::WriteFileAtomically(path, *formatted);
  return written.ok() ? kFine : Fail(written.error());
}

int Format(const Options& options) {
  int status = kFine;
  for (const std::string& path : options.files) status = std::max(status, FormatFile(path, options.check));
  return status;
}

}  // namespace

void AddFmtCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("fmt", "Lay out .jade files; prints the names of those it changes");
  command->footer("Examples:\n  jade fmt solve.jade\n  jade fmt --check workflows/*.jade");
  command->add_option("FILE", options->files, ".jade files")->required();
  command->add_flag("--check", options->check, "change nothing; exit with 1 when a file would change");
  command->callback([options, &invocation] { invocation.action = [options] { return Format(*options); }; });
}

}  // namespace jade::cli
