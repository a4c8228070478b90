#pragma once
// What whoever starts a training has made ready beside its configuration. Plain values; no LibTorch here.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/rollout/questions_run.h"
#include "runtime/session/session.h"
#include "runtime/weights/model_config.h"

namespace jade::train {

class Collective;

// A start of random weights, to measure with.
struct RandomStart {
  weights::ModelConfig shape;
  std::string tokenizer;  // a tokenizer.json of no more tokens than the shape has
  uint64_t seed = 1;
};

struct TrainParts {
  std::string model;                  // folder or GGUF of the start
  std::optional<RandomStart> random;  // in its place
  session::ProgramPtr program;
  session::RunRequest request;               // as the settings say: roles, budget, params, reward, normalisation, code
  std::vector<engine::ToolProvider*> tools;  // outlive the run
  std::vector<engine::ToolProvider*> training_tools;  // of roll-outs, over `train.data.corpus`; empty: the same
  Collective* collective = nullptr;                   // of several processes; null: this one alone
  std::function<void(std::vector<rollout::Answered>)> rolled_out;  // is given each roll-out's runs; may be empty
};

}  // namespace jade::train
