// What parses can be formatted, keeps its tree, and formatting it again changes nothing.
#include "compiler/ast/print.h"
#include "compiler/format/format.h"
#include "compiler/parse/parse.h"

namespace {
jade::source::SourceFilePtr File(std::string text) {
  return std::make_shared<jade::source::SourceFile>("fuzz.jade", std::move(text));
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = File(std::string(reinterpret_cast<const char*>(data), size));
  jade::diag::Diagnostics sink;
  const auto once = jade::format::Format(file, sink);
  if (!once) return 0;
  const auto twice = jade::format::Format(File(*once), sink);
  JADE_CHECK(twice.has_value(), "the formatted text does not parse");
  JADE_CHECK(*twice == *once, "formatting twice changes the text");
  const std::string before = jade::ast::Print(*jade::parse::ParseModule(file, sink));
  JADE_CHECK(before == jade::ast::Print(*jade::parse::ParseModule(File(*once), sink)), "formatting changes the tree");
  return 0;
}
