#include "cli/line/painter.h"

#include <fmt/format.h>

#include <cwchar>

namespace jade::line {
namespace {

struct Cell {
  size_t row = 0;
  size_t column = 0;
};

// Decodes the character at `at`, whose bytes are valid UTF-8.
wchar_t CharacterAt(std::string_view text, size_t at, size_t* length) {
  const auto first = static_cast<unsigned char>(text[at]);
  *length = first < 0x80U ? 1 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
  if (*length == 1) return static_cast<wchar_t>(first);
  uint32_t code = first & (0xFFU >> (*length + 1));
  for (size_t i = 1; i < *length && at + i < text.size(); ++i) {
    code = code << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return static_cast<wchar_t>(code);
}

class Brush {
 public:
  Brush(size_t indent, Screen screen) : screen_(screen), at_{0, indent} {}

  // False when the character's place is not certain.
  bool Advance(wchar_t character) {
    if (character == L'\n') {
      at_ = {at_.row + 1, 0};
    } else if (wcwidth(character) != 1) {
      return false;
    } else if (++at_.column == screen_.columns) {
      at_ = {at_.row + 1, 0};
    }
    return at_.row < screen_.rows;
  }
  Cell at() const { return at_; }

 private:
  Screen screen_;
  Cell at_;
};

std::string Move(size_t rows, char direction) {
  return rows == 0 ? "" : fmt::format("\033[{}{}", rows, direction);
}

std::string MoveToColumn(size_t column) {
  return "\r" + Move(column, 'C');
}

}  // namespace

std::string Paint(std::string_view text, size_t cursor, size_t indent, Screen screen,
                  const std::vector<Coloured>& colours) {
  if (colours.empty() || screen.columns < 2) return "";
  Brush brush(indent, screen);
  Cell cursor_cell = brush.at();
  std::string painted = MoveToColumn(indent);
  size_t colour = 0;
  std::string_view code;
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    const wchar_t character = CharacterAt(text, at, &length);
    while (colour < colours.size() && colours[colour].end <= at) ++colour;
    const bool inside = colour < colours.size() && colours[colour].begin <= at;
    const std::string_view wanted = inside ? colours[colour].code : std::string_view();
    if (wanted != code) {
      painted += "\033[0m";
      painted += wanted;
      code = wanted;
    }
    if (character != L'\n') painted += text.substr(at, length);
    const size_t row = brush.at().row;
    if (!brush.Advance(character)) return "";
    if (brush.at().row != row) painted += Move(1, 'B') + MoveToColumn(0);
    at += length;
    if (at == cursor) cursor_cell = brush.at();
  }
  painted += "\033[0m" + Move(brush.at().row - cursor_cell.row, 'A') + MoveToColumn(cursor_cell.column);
  return Move(cursor_cell.row, 'A') + painted;
}

}  // namespace jade::line
