#pragma once
// What can stand where the cursor is: commands and their arguments, modules, fields and cases, names. One thread: the
// workspace's.

#include <string_view>

#include "cli/line/line_editor.h"
#include "cli/repl/workspace.h"

namespace jade::repl {

line::Completion Complete(std::string_view text, size_t cursor, const Workspace& workspace);

}  // namespace jade::repl
