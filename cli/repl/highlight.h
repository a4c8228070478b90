#pragma once
// Colours of what is typed. One thread: the workspace's.

#include <string_view>
#include <vector>

#include "cli/line/line_editor.h"
#include "cli/repl/workspace.h"

namespace jade::repl {

std::vector<line::Coloured> Highlight(std::string_view text, const Workspace& workspace);

}  // namespace jade::repl
