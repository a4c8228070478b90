#include "cli/line/line_editor.h"

namespace jade::line {

std::unique_ptr<LineEditor> LineEditor::Open(EditorOptions /*options*/) {
  return nullptr;
}

}  // namespace jade::line
