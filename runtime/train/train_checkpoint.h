#pragma once
// Everything a training run needs to go on as if it had not stopped, in one safetensors file: the policy's masters, the
// critic, the moments of both optimisers, and the position as JSON in the file's metadata. Written beside its place and
// renamed, so that a crash leaves the checkpoint before it. One thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/train/policy_trainer.h"

namespace jade::train {

// What no tensor says. The order of questions and all random streams follow from seed and step.
struct TrainPosition {
  int64_t step = 0;  // updates done
  double seconds = 0;
  double best = 0;             // on dev
  int64_t best_step = -1;      // -1: no evaluation yet
  int64_t since_best = 0;      // evaluations
  bool stopped = false;        // patience has run out
  std::string fingerprint;     // of the configuration
  advantage::KlController kl;  // the trainer's when the checkpoint was written
};

struct TrainState {
  const backbone::Decoder* serving = nullptr;  // where roll-outs are served from weights of their own; else null
  PolicyTrainer* trainer = nullptr;
};

Status SaveTrainCheckpoint(const std::string& path, const TrainState& state, const TrainPosition& position);
// Restores weights and moments in place. kCorrupt when the file holds another model.
Result<TrainPosition> LoadTrainCheckpoint(const std::string& path, const TrainState& state);

// Weights, moments and position of rank 0 become everyone's.
Status BroadcastTrainState(Collective& collective, const TrainState& state, TrainPosition* position);
// Of the policy's weights, to compare what processes started from.
std::string WeightsHash(const backbone::Decoder& policy);

}  // namespace jade::train
