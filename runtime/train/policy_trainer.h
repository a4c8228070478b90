#pragma once
// One update of planner and executors together from a batch of transitions: old log-probabilities, values, advantages,
// mini-batches of PPO (or a group estimator) on the policy and of value regression on the critic; or, by rejection
// sampling, the likelihood of what earned enough. Formulas:
// runtime/advantage; what the published method does is the default. The policy's masters are written in place: whoever
// serves from them must be idle. One thread.

#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/advantage/kl.h"
#include "runtime/engine/constraint.h"
#include "runtime/rollout/transition.h"
#include "runtime/train/collective.h"
#include "runtime/train/critic.h"
#include "runtime/train/lora.h"
#include "runtime/train/optimiser.h"
#include "runtime/train/policy_batch.h"
#include "runtime/train/train_config.h"
#include "runtime/train/update_metrics.h"
#include "runtime/train/working_weights.h"

namespace jade::train {

struct TrainerParts {
  std::shared_ptr<backbone::Decoder> policy;  // θ
  std::shared_ptr<backbone::Decoder> start;   // θ₀, frozen; null when nothing asks for it
  LoraAdapters* lora = nullptr;               // what is trained in the place of θ's masters; outlives the trainer
  std::shared_ptr<const engine::Vocabulary> vocabulary;
  Collective* collective = nullptr;  // outlives the trainer
};

class PolicyTrainer {
 public:
  PolicyTrainer(const TrainConfig& config, TrainerParts parts);

  // `step` counts from 0: the first steps may train the critic alone. Fails with kCorrupt, and names step, role and
  // transitions, when a loss or gradient is not finite or the policy moved by more than `kl_limit`: weights and moments
  // are then those of no step, and the last checkpoint is to be taken.
  Result<UpdateReport> Update(const rollout::Batch& batch, int64_t step);

  // The masters, or the adapters, were written by somebody else.
  void WeightsChanged();

  // What a checkpoint holds: what is trained, …
  std::vector<backbone::Parameter> policy_parameters() const;
  Critic* critic() { return critic_.get(); }  // null without one
  Optimiser& actor_optimiser() { return *actor_; }
  Optimiser* critic_optimiser() { return critic_optimiser_.get(); }
  advantage::KlController& kl_controller() { return kl_; }
  at::ScalarType compute_type() const { return dtype_; }

 private:
  // A step's arrays, by response token.
  struct Step;
  Status Score(Step& step);
  Status ScoreReference(Step& step);
  Status ScoreValues(Step& step);
  void KeepValues(Step& step, const MicroBatch& micro, const at::Tensor& hidden_MD) const;
  Status Estimate(Step& step);
  Status RunMiniBatch(Step& step, const MiniBatch& mini, bool train_policy);
  Status WeighTokens(Step& step, const MiniBatch& mini);
  Status UpdatePolicy(Step& step, const MiniBatch& mini);
  Status UpdateCritic(Step& step, const MiniBatch& mini);
  double PolicyBackward(Step& step, const MicroBatch& micro);
  double CriticBackward(Step& step, const MicroBatch& micro);
  double ValueBackward(Step& step, const MicroBatch& micro, const at::Tensor& values);
  Result<double> StepOptimiser(Optimiser& optimiser, std::vector<at::Tensor>& parameters, double lr, Step& step,
                               const MiniBatch& mini);
  Status SynchroniseMiniBatches(Step& step);
  Status Flatten(Step& step);
  void SetOptions(Step& step) const;
  // What happened to the token is noted in its figures.
  TokenGradient PolicyToken(Step& step, size_t place, const TokenScore& score) const;
  Error NotFinite(const Step& step, const MiniBatch& mini, const std::string& what) const;
  backbone::DecoderWeights PolicyWeights();
  backbone::ForwardOptions Forward() const { return {.recompute_layers = config_.update.checkpointing}; }

  const TrainConfig& config_;
  TrainerParts parts_;
  SingleProcess single_;
  at::ScalarType dtype_ = at::kFloat;
  std::unique_ptr<Critic> critic_;
  std::optional<WorkingWeights> policy_weights_, critic_weights_;
  std::unique_ptr<Optimiser> actor_;
  std::unique_ptr<Optimiser> critic_optimiser_;
  std::vector<at::Tensor> actor_parameters_, critic_parameters_;
  advantage::KlController kl_;
};

}  // namespace jade::train
