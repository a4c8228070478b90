#pragma once
// What whoever starts a training has made ready beside its configuration. Plain values; no LibTorch here.

#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/session/session.h"

namespace jade::train {

class Collective;

struct TrainParts {
  std::string model;  // folder or GGUF of the start
  session::ProgramPtr program;
  session::RunRequest request;               // as the settings say: roles, budget, params, reward, normalisation, code
  std::vector<engine::ToolProvider*> tools;  // outlive the run
  Collective* collective = nullptr;          // of several processes; null: this one alone
};

}  // namespace jade::train
