// JIR text from anywhere: reading ends in a verified module or an error; what was read prints to text that reads back
// to the same, its bounds are found, and every pass keeps it valid.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "compiler/bounds/report.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/pipeline.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto module = jade::ir::Read(text);
  if (!module.ok()) return 0;
  jade::ir::PrintOptions options;
  options.spans = true;
  std::string printed = jade::ir::Print(**module, options);
  auto again = jade::ir::Read(printed);
  if (!again.ok() || jade::ir::Print(**again, options) != printed) std::abort();
  (void)jade::bounds::ToText(**module, jade::bounds::Bounds(**module), "");
  jade::passes::RunPasses(**module, jade::passes::ProgramPasses(), /*verify=*/true);
  return 0;
}
