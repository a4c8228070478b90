// Any bytes as a module: a tree always comes back, its node ids are dense, it prints, and every diagnostic renders.
#include "compiler/ast/print.h"
#include "compiler/diag/render.h"
#include "compiler/parse/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file =
      std::make_shared<jade::source::SourceFile>("fuzz.jade", std::string(reinterpret_cast<const char*>(data), size));
  jade::diag::Diagnostics sink;
  const auto module = jade::parse::ParseModule(file, sink);
  JADE_CHECK(module != nullptr && module->file == file);
  jade::ast::Print(*module, {.spans = true});
  jade::diag::RenderText(sink.Sorted());
  jade::diag::RenderJson(sink.Sorted());
  for (const auto& diagnostic : sink.all()) {
    JADE_CHECK(diagnostic.primary.span.end <= size, "span of {} ends behind the text", diagnostic.code);
  }
  jade::diag::Diagnostics again;
  jade::parse::ParseExpression(file, again);
  return 0;
}
