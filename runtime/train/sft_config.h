#pragma once
// What `jade sft` is asked to do, and its YAML form. Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/weights/model_config.h"

namespace jade::train {

// Weight of a token in the loss, by whether the model reads or writes it.
struct LossWeights {
  double prompt = 0.0;
  double reply = 1.0;
};

// A JSONL file of demonstrations; `weight` is its share of the tokens among the sources of its stage.
struct DataSource {
  std::string path;
  double weight = 1.0;
};

// One lesson of a curriculum. The learning rate rises from zero over the first `warm_up` of its tokens and falls by a
// half cosine to `final_lr` at its end.
struct SftStage {
  std::string name;
  std::vector<DataSource> data;
  int64_t tokens = 0;
  double lr = 1e-3;
  double final_lr = 0.0;
  double warm_up = 0.02;  // share of the stage's tokens
  LossWeights loss;
  int64_t batch_tokens = 0;   // of a step; 0: as the run's
  int64_t max_length = 1024;  // longer demonstrations are left out and counted
};

enum class OptimiserKind { kAdamW, kMuon };  // kMuon: on hidden matrices, AdamW on the rest

struct OptimiserOptions {
  OptimiserKind kind = OptimiserKind::kAdamW;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  // on matrices only
  double momentum = 0.95;      // Muon's
  double clip = 1.0;           // largest gradient norm; 0 is no clipping
};

enum class ComputeType { kAuto, kFp32, kBf16 };  // kAuto: fp32 on the CPU, bf16 elsewhere

struct SftConfig {
  std::string name;                          // of the file, for messages
  std::optional<weights::ModelConfig> init;  // from scratch; the vocabulary size comes from the tokenizer
  std::string start;                         // or a Hugging Face folder or GGUF
  std::string tokenizer;                     // folder of tokenizer.json; not used with `start`
  int64_t vocabulary = 4096;                 // when the tokenizer must be learnt first
  std::vector<std::string> learn_from;       // JSONL to learn it from; empty: it must be there
  std::string run;                           // folder of checkpoints and metrics
  std::string output;                        // Hugging Face folder for the result
  bool output_bf16 = true;
  uint64_t seed = 1;
  std::string device = "auto";  // auto, cpu, cuda
  ComputeType compute = ComputeType::kAuto;
  int64_t batch_tokens = 8192;  // an optimiser step
  int64_t micro_tokens = 4096;  // a forward and backward pass
  OptimiserOptions optimiser;
  double checkpoint_seconds = 300;
  std::vector<std::string> dev;  // demonstrations to evaluate on
  int64_t dev_every = 0;         // tokens between evaluations; 0: at the end of each stage only
  int64_t dev_limit = 512;       // demonstrations of each file
  bool choose_by_match = true;   // the best checkpoint has the highest exact match; else the lowest loss
  std::vector<SftStage> stages;

  int64_t total_tokens() const;
};

// Every mistake comes back in one error, each with its line. Paths are relative to the working directory.
Result<SftConfig> ParseSftConfig(std::string name, const std::string& text);
Result<SftConfig> LoadSftConfig(const std::string& path);

}  // namespace jade::train
