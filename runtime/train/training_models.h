#pragma once
// The weights of a training run and the engine that serves them. The policy's fp32 masters are what the optimiser
// writes and what the engine's layouts are made from: there is no transfer. One thread.

#include <memory>
#include <optional>
#include <string>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/backbone/serving.h"
#include "runtime/tokenizer/spec.h"
#include "runtime/train/lora.h"
#include "runtime/train/train_config.h"
#include "runtime/train/train_parts.h"

namespace jade::train {

struct TrainingModels {
  std::shared_ptr<backbone::Decoder> policy;   // θ
  std::shared_ptr<backbone::Decoder> serving;  // what roll-outs are served from: θ itself; with `overlap` a copy; with
                                               // adapters a copy they are merged into
  std::shared_ptr<backbone::Decoder> start;    // θ₀, served as kStartPolicy; null when nothing asks for it
  std::optional<LoraAdapters> lora;            // what is trained in the place of θ's masters, which are then θ₀
  std::shared_ptr<const engine::Vocabulary> vocabulary;
  tokenizer::TokenizerSpec tokenizer;
  int64_t max_positions = 0;
  std::unique_ptr<backbone::ServingEngine> engine;  // ends before the weights do

  // θ has been written: roll-outs from now on are served from it. No call may be under way.
  Status Publish();
  // A Hugging Face folder, adapters merged; with adapters also `folder`/adapter, a folder of PEFT.
  Status Save(const std::string& folder, const std::string& base_model);
  // Reads back what Save wrote. Publish afterwards.
  Status Load(const std::string& folder);
};

// Of `parts` the start is read. `frozen_roles`: some role is not trained.
Result<std::unique_ptr<TrainingModels>> LoadTrainingModels(const TrainConfig& config, const TrainParts& parts,
                                                           bool frozen_roles);

}  // namespace jade::train
