// Any bytes as plan text: something comes back with at least one item, and it can be classified.
#include "compiler/ast/print.h"
#include "compiler/parse/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file =
      std::make_shared<jade::source::SourceFile>("<plan>", std::string(reinterpret_cast<const char*>(data), size));
  jade::diag::Diagnostics sink;
  const auto plan = jade::parse::ParsePlan(file, sink);
  JADE_CHECK(plan != nullptr && !plan->items.empty());
  jade::ast::Print(*plan);
  const auto shape = jade::ast::Classify(*plan, [](std::string_view name) { return name.size() == 2; });
  JADE_CHECK((shape.form == jade::ast::PlanForm::kInvalid) == (shape.offender != nullptr));
  return 0;
}
