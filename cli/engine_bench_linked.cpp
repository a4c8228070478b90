// jade bench engine, in jade-backbone.

#include <fmt/format.h>

#include "bench/engine/engine_bench.h"
#include "bench/engine/plot.h"
#include "cli/backbone.h"
#include "cli/bench_rows.h"
#include "cli/command.h"
#include "cli/model_file.h"
#include "cli/terminal.h"
#include "runtime/assets/assets.h"
#include "runtime/backbone/measured_model.h"
#include "runtime/files/atomic_file.h"

namespace jade::cli {
namespace {

Result<std::unique_ptr<backbone::MeasuredModel>> OpenModel(const EngineBenchCommand& command) {
  backbone::MeasuredModelOptions options;
  if (command.model.empty()) {
    options.shape = backbone::SmolLm2Shape();
    JADE_ASSIGN_OR_RETURN(options.tokenizer, assets::FindShipped("models/nano/tokenizer.json"));
  } else {
    JADE_ASSIGN_OR_RETURN(const std::string path, assets::FindModel(command.model));
    options.path = ModelFile(path);
  }
  options.device = command.device;
  options.dtype = command.dtype;
  options.threads = command.threads;
  return backbone::OpenMeasuredModel(options);
}

Result<std::vector<bench::EngineRow>> Measure(const EngineBenchCommand& command, const std::atomic<bool>* cancel,
                                              std::string* title) {
  JADE_ASSIGN_OR_RETURN(const auto model, OpenModel(command));
  *title = "jade bench engine: " + model->Describe();
  ProgressBar bar;
  bench::EngineBenchOptions options;
  options.repetitions = command.repetitions;
  options.batches = command.batches;
  options.contexts = command.contexts;
  options.role_calls.calls = command.calls;
  options.slots = command.slots;
  options.only = command.only;
  options.replay = command.replay;
  options.progress = &bar;
  options.cancel = cancel;
  if (!command.compare.empty()) {
    JADE_ASSIGN_OR_RETURN(const std::string script, assets::FindShipped("scripts/bench_llama_server.py"));
    options.compare = bench::LlamaOptions{.folder = command.compare,
                                          .model = command.compare_model,
                                          .server_script = script,
                                          .threads = model->threads(),
                                          .cancel = cancel};
  }
  return bench::BenchEngine(*model, options);
}

}  // namespace

int RunEngineBenchCommand(const EngineBenchCommand& command, const std::atomic<bool>* cancel) {
  std::string title;
  const auto rows = Measure(command, cancel, &title);
  if (!rows.ok()) return Fail(rows.error());
  PrintRows(*rows, title, command.json);
  if (command.svg.empty()) return kFine;
  const Status written = files::WriteFileAtomically(command.svg, bench::EngineBenchSvg(*rows, title));
  return written.ok() ? kFine : Fail(written.error());
}

}  // namespace jade::cli
