#include "cli/line/line_editor.h"

namespace jade::line {

// NOLINTNEXTLINE(performance-unnecessary-value-param): the signature of the editor that there is
std::unique_ptr<LineEditor> LineEditor::Open(EditorOptions /*options*/) {
  return nullptr;
}

}  // namespace jade::line
