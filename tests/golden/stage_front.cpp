#include "compiler/ast/print.h"
#include "compiler/diag/render.h"
#include "compiler/format/format.h"
#include "compiler/parse/parse.h"
#include "tests/golden/stages.h"

namespace jade::golden {

void AppendDiagnostics(std::string& text, const diag::Diagnostics& sink) {
  if (sink.empty()) return;
  if (!text.empty()) text += '\n';
  text += diag::RenderText(sink.Sorted());
}

std::string RunParse(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  std::string text = ast::Print(*parse::ParseModule(file, sink));
  AppendDiagnostics(text, sink);
  return text;
}

std::string RunPlan(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  std::string text = ast::Print(*parse::ParsePlan(file, sink));
  AppendDiagnostics(text, sink);
  return text;
}

std::string RunFmt(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  std::string text = format::Format(file, sink).value_or("");
  AppendDiagnostics(text, sink);
  return text;
}

}  // namespace jade::golden
