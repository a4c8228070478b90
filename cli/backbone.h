#pragma once
// The border between the command line and LibTorch. `jade` is linked without it, so that it starts at once;
// `jade-backbone`, the same program linked with it, lies in the same folder and takes over a command that runs a model.
// backbone_exec.cpp is in the one, backbone_linked.cpp in the other.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/tier.h"
#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/eval/summary.h"
#include "runtime/progress/progress.h"
#include "runtime/retrieve/searcher.h"
#include "runtime/settings/settings.h"

namespace jade::cli {

// Must be called before any of the others and before anything is printed. In `jade`: `jade-backbone` begins anew with
// these arguments in the place of this process; returns only when it cannot. In `jade-backbone`: nothing to do.
Status EnterBackbone(char** arguments);

Result<std::unique_ptr<engine::Engine>> LoadEngine(const settings::Backbone& backbone);
// What the engine has done since it was made; nothing of one that does not run models in this process.
std::optional<eval::EngineUse> UseOf(const engine::Engine& engine);

// The vectors beside an index: built with an encoder, and searched with it.
struct VectorsSummary {
  std::string path;
  int64_t vectors = 0;
  uint64_t bytes = 0;
  double texts_per_second = 0.0;
};
struct VectorsRequest {
  std::string index;          // a BM25 index
  std::string model;          // a path, or one that was pulled
  std::string kind = "flat";  // flat, ivf, hnsw
};
Result<VectorsSummary> BuildVectors(const VectorsRequest& request, progress::Sink& progress,
                                    const std::atomic<bool>& cancel);
// The model that the vectors beside an index were built with; empty when there are none that can be read.
std::string ModelOfVectors(const std::string& index);
struct SearcherRequest {
  std::string index;
  std::string model;  // empty: the one that the vectors were built with
  bool hybrid = false;
};
Result<std::unique_ptr<retrieve::Searcher>> OpenSearcher(const SearcherRequest& request);

// One line of `jade doctor`; `remedy` is empty when all is well.
struct Finding {
  std::string name;
  std::string value;
  std::string remedy;
};
std::vector<Finding> BackboneFindings();

struct SftCommand {
  std::string config;
  bool resume = false;
  bool json = false;
};
int RunSftCommand(const SftCommand& command, const std::atomic<bool>* cancel);  // an exit status

struct TrainCommand {
  std::string config;
  TierChoice tier;
  bool resume = false;
  bool dry_run = false;
  bool json = false;
  int64_t stop_after = 0;  // steps; 0: no
};
int RunTrainCommand(const TrainCommand& command, const Invocation& invocation);  // an exit status

struct EngineBenchCommand {
  std::string model;  // empty: random weights of SmolLM2-135M's shape
  std::string dtype = "bf16";
  std::string device = "auto";
  int threads = 0;
  int repetitions = 5;
  std::vector<int64_t> batches{1, 8, 32};
  std::vector<int64_t> contexts{512};
  int64_t calls = 500;
  int slots = 32;
  std::string only;
  std::string replay;         // an experience store, whose calls are made again; empty: none
  std::string svg;            // a file to draw into; empty: none
  std::string compare;        // a folder with llama.cpp's tools; empty: none
  std::string compare_model;  // a GGUF
  bool json = false;
};
int RunEngineBenchCommand(const EngineBenchCommand& command, const std::atomic<bool>* cancel);  // an exit status

struct TrainBenchCommand {
  std::string model;  // of the larger shape's steps; empty: random weights of SmolLM2-135M's shape
  std::string dtype = "bf16";
  int threads = 0;
  int repetitions = 5;
  int steps = 1;
  int64_t questions = 128;
  std::string work;  // a folder for the steps as work for others; empty: none
  bool recompute_layers = false;
  std::string only;
  bool json = false;
};
int RunTrainBenchCommand(const TrainBenchCommand& command, const std::atomic<bool>* cancel);  // an exit status

}  // namespace jade::cli
