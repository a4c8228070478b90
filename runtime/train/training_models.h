#pragma once
// The weights of a training run and the engine that serves them. The policy's fp32 masters are what the optimiser writes
// and what the engine's layouts are made from: there is no transfer. One thread.

#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/backbone/serving.h"
#include "runtime/tokenizer/spec.h"
#include "runtime/train/train_config.h"

namespace jade::train {

struct TrainingModels {
  std::shared_ptr<backbone::Decoder> policy;   // θ
  std::shared_ptr<backbone::Decoder> serving;  // what roll-outs are served from: θ itself, or with `overlap` a copy
  std::shared_ptr<backbone::Decoder> start;    // θ₀, served as kStartPolicy; null when nothing asks for it
  std::shared_ptr<const engine::Vocabulary> vocabulary;
  tokenizer::TokenizerSpec tokenizer;
  int64_t max_positions = 0;
  std::unique_ptr<backbone::ServingEngine> engine;  // ends before the weights do

  // θ has been written: roll-outs from now on are served from it. No call may be under way.
  Status Publish();
};

// `frozen_roles`: some role is not trained.
Result<std::unique_ptr<TrainingModels>> LoadTrainingModels(const TrainConfig& config, const std::string& model,
                                                           bool frozen_roles);

}  // namespace jade::train
