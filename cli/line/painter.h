#pragma once
// Colours a text that stands on the terminal already, cell by cell in its place. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "cli/line/line_editor.h"

namespace jade::line {

struct Screen {
  size_t columns = 80;
  size_t rows = 24;
};

// The codes that write `text` again in colour and leave the cursor at the byte `cursor`, where it is now. `indent` is
// the prompt's width. Empty when there is nothing to colour, or when it is not certain where each character stands: it
// takes two cells, is a control character, or the text is higher than the screen.
std::string Paint(std::string_view text, size_t cursor, size_t indent, Screen screen,
                  const std::vector<Coloured>& colours);

}  // namespace jade::line
