// jade bench engine, in jade-backbone.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bench/engine/engine_bench.h"
#include "bench/engine/plot.h"
#include "cli/backbone.h"
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

void PrintJson(const std::vector<bench::EngineRow>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const bench::EngineRow& row : rows) {
    nlohmann::ordered_json object{{"name", row.name}, {"value", row.value}, {"unit", row.unit}};
    object["best"] = row.Best();
    object["samples"] = row.samples;
    if (row.limit > 0) {
      object["limit"] = row.limit;
      object["limit_by"] = row.limit_by;
      object["of_limit"] = row.ShareOfLimit();
    }
    if (!row.note.empty()) object["note"] = row.note;
    list.push_back(std::move(object));
  }
  fmt::print("{}\n", list.dump());
}

void PrintTable(const std::vector<bench::EngineRow>& rows) {
  for (const bench::EngineRow& row : rows) {
    std::string line = fmt::format("{:<34} {:>14.2f} {:<9}", row.name, row.value, row.unit);
    if (row.samples.size() > 1) line += fmt::format(" best {:.2f}", row.Best());
    if (row.limit > 0) {
      line += fmt::format("  {:.0f} % of {:.0f}, by {}", 100 * row.ShareOfLimit(), row.limit, row.limit_by);
    }
    if (!row.note.empty()) line += fmt::format("  [{}]", row.note);
    fmt::print("{}\n", line);
  }
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
  if (command.json) {
    PrintJson(*rows);
  } else {
    fmt::print("{}\n", title);
    PrintTable(*rows);
  }
  if (command.svg.empty()) return kFine;
  const Status written = files::WriteFileAtomically(command.svg, bench::EngineBenchSvg(*rows, title));
  return written.ok() ? kFine : Fail(written.error());
}

}  // namespace jade::cli
