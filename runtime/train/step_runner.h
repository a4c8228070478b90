#pragma once
// The steps of joint training: questions are rolled out into transitions, one update moves the weights, and roll-outs
// are served from them. What `jade train`, its dry run and `jade bench train` all go through. One thread calls; with
// `rollout.overlap` a roll-out runs on one more.

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/eval/questions.h"
#include "runtime/rollout/transition.h"
#include "runtime/train/policy_trainer.h"
#include "runtime/train/team.h"
#include "runtime/train/train_checkpoint.h"
#include "runtime/train/train_parts.h"
#include "runtime/train/training_models.h"

namespace jade::train {

struct StepOutcome {
  rollout::Batch batch;  // of this process's share of the questions
  UpdateReport report;
  double update_seconds = 0;  // the roll-out's are the batch's
};

class StepRunner {
 public:
  // Loads the weights. All but `parts` outlive the runner; `parts.collective` is not null.
  static Result<std::unique_ptr<StepRunner>> Create(const TrainConfig& config, const TrainParts& parts,
                                                    const std::vector<eval::Question>& questions,
                                                    const std::atomic<bool>* cancel);

  // Step `step`, counted from 0, with the export of its batch. With `overlap` it was rolled out from the weights before
  // the last update, and where there is `another` step that one is rolled out beside this one's update.
  Result<StepOutcome> Run(int64_t step, bool another);

  // The halves of a step. A roll-out is not agreed upon among processes, nor served from what was updated.
  Result<rollout::Batch> RollOut(int64_t step);
  Result<UpdateReport> Update(const rollout::Batch& batch, int64_t step) { return trainer_->Update(batch, step); }

  // From now on calls are answered by the newest weights, for an evaluation. With `overlap` the next roll-out still has
  // those that State() keeps.
  Status ServeNewest();

  // What a checkpoint holds; it may be written in place, followed by StateRestored.
  TrainState State();
  Status StateRestored();

  Team& team() { return *team_; }
  TrainingModels& models() { return *models_; }
  PolicyTrainer& trainer() { return *trainer_; }

 private:
  StepRunner(const TrainConfig& config, const std::vector<eval::Question>& questions, Collective& collective,
             const std::atomic<bool>* cancel)
      : config_(config), questions_(questions), collective_(collective), cancel_(cancel) {}
  Result<rollout::Batch> TakeBatch(int64_t step, bool another);
  Status Export(const rollout::Batch& batch, const BatchCredit& credit, int64_t step) const;

  const TrainConfig& config_;
  const std::vector<eval::Question>& questions_;
  Collective& collective_;
  const std::atomic<bool>* cancel_;
  std::unique_ptr<TrainingModels> models_;
  std::unique_ptr<PolicyTrainer> trainer_;
  std::unique_ptr<Team> team_;
  std::shared_ptr<backbone::Decoder> served_;    // with `overlap`, from an evaluation to the next roll-out
  std::optional<Result<rollout::Batch>> ahead_;  // of the next step
  std::future<Result<rollout::Batch>> rolling_;
};

}  // namespace jade::train
