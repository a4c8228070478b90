#include "runtime/train/train_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "runtime/backbone/backbone.h"
#include "runtime/files/atomic_file.h"
#include "runtime/files/folder_lock.h"
#include "runtime/train/agreement.h"
#include "runtime/train/collective.h"
#include "runtime/train/run_identity.h"
#include "runtime/train/run_journal.h"
#include "runtime/train/shared_evaluation.h"
#include "runtime/train/step_runner.h"
#include "runtime/train/torch_wall.h"
#include "runtime/train/train_checkpoint.h"
#include "runtime/train/train_inputs.h"

namespace jade::train {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class TrainRun {
 public:
  TrainRun(const TrainConfig& config, TrainParts parts, progress::Sink& progress, const TrainOptions& options)
      : config_(config), parts_(std::move(parts)), progress_(progress), options_(options) {
    if (parts_.collective == nullptr) parts_.collective = &single_;
  }

  Result<TrainSummary> Run() {
    backbone::TuneAllocator();
    JADE_TRY(Agree(collective(), Prepare(), "preparing the run"));
    JADE_TRY(CompareWithOthers());
    JADE_TRY(ShareCheckpoint());
    JADE_TRY(Agree(collective(), OpenJournal(), "opening the run's files"));
    started_ = Clock::now();
    seconds_before_ = position_.seconds;
    steps_ = StepsOf(config_, sets_.train.size());
    if (position_.step == 0 && !resumed_) JADE_TRY(EvaluateDev());
    progress_.Begin({"training", "steps", static_cast<uint64_t>(steps_), static_cast<uint64_t>(position_.step)});
    const Status trained = TrainSteps();
    progress_.End();
    JADE_TRY(trained);
    summary_.steps = position_.step;
    summary_.seconds = seconds_before_ + SecondsSince(started_);
    if (!summary_.interrupted) JADE_TRY(Conclude());
    return summary_;
  }

 private:
  std::string Path(const char* name) const { return config_.run + "/" + name; }
  std::string CheckpointPath() const { return CheckpointIn(config_.run); }
  Collective& collective() { return *parts_.collective; }
  TrainingModels& models() { return runner_->models(); }
  bool leads() const { return parts_.collective->rank() == 0; }

  Status Prepare() {
    if (leads()) JADE_TRY(PrepareFolder());
    JADE_TRY(LoadData());
    JADE_ASSIGN_OR_RETURN(runner_, StepRunner::Create(config_, parts_, sets_.train, options_.cancel));
    return leads() ? Resume() : Status{};
  }

  // The folder is rank 0's: the others need not see it.
  Status PrepareFolder() {
    std::error_code code;
    std::filesystem::create_directories(config_.run, code);
    if (code) return Error(ErrorCode::kIo, fmt::format("cannot create `{}`: {}", config_.run, code.message()));
    JADE_ASSIGN_OR_RETURN(lock_, files::FolderLock::Take(config_.run));
    has_checkpoint_ = std::filesystem::exists(CheckpointPath(), code);
    return CheckFolder(config_, options_.resume);
  }

  Status LoadData() {
    JADE_ASSIGN_OR_RETURN(sets_, LoadQuestionSets(config_));
    if (config_.rollout.questions < collective().size()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("{} processes share the {} questions of a step: raise `train.rollout.questions`",
                               collective().size(), config_.rollout.questions));
    }
    return {};
  }

  Status Resume() {
    if (has_checkpoint_) {
      JADE_ASSIGN_OR_RETURN(position_, LoadTrainCheckpoint(CheckpointPath(), runner_->State()));
      if (position_.fingerprint != Fingerprint(config_)) {
        progress_.Message(
            "the configuration changed since the checkpoint: the figures to come are those of the new one");
      }
      resumed_ = true;
    }
    position_.fingerprint = Fingerprint(config_);
    return {};
  }

  Status CompareWithOthers() {
    if (collective().size() == 1) return {};
    return CompareStarts(collective(), config_, sets_,
                         leads() && resumed_ ? "" : WeightsHash(*runner_->models().policy));
  }

  Status ShareCheckpoint() {
    std::array<double, 1> resumed{resumed_ ? 1.0 : 0.0};
    JADE_TRY(collective().Max(resumed));
    if (resumed[0] == 0) return {};
    resumed_ = true;
    JADE_TRY(BroadcastTrainState(collective(), runner_->State(), &position_));
    return runner_->StateRestored();
  }

  Status OpenJournal() {
    if (!leads()) return {};
    JADE_ASSIGN_OR_RETURN(auto journal, RunJournal::Open(config_, resumed_ ? position_.step : -1, progress_));
    journal_.emplace(std::move(journal));
    return {};
  }

  // Once a step: when any process is, all are.
  Result<bool> Interrupted() {
    const bool enough = options_.stop_after_steps > 0 && steps_here_ >= options_.stop_after_steps;
    const bool own = enough || (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed));
    std::array<double, 1> any{own ? 1.0 : 0.0};
    JADE_TRY(collective().Max(any));
    return any[0] > 0;
  }

  Status TrainSteps() {
    while (position_.step < steps_ && !position_.stopped) {
      JADE_ASSIGN_OR_RETURN(const bool interrupted, Interrupted());
      if (interrupted) return Stop();
      const int64_t number = position_.step + 1;
      Status done = Step();
      if (!done.ok() && done.error().code() == ErrorCode::kCancelled) return Stop();
      if (!done.ok()) return std::move(done).error().Wrap(fmt::format("step {}", number));
      const bool last = position_.step == steps_;
      const bool evaluate = last || (config_.dev.every > 0 && position_.step % config_.dev.every == 0);
      if (evaluate) {
        JADE_TRY(runner_->ServeNewest());
        const Status evaluated = EvaluateDev();
        // The step is whole; its evaluation is made again when the run goes on.
        if (!evaluated.ok() && evaluated.error().code() == ErrorCode::kCancelled) return StopBefore();
        JADE_TRY(evaluated);
      }
      if (last || position_.step % config_.checkpoint_every == 0) JADE_TRY(Save());
    }
    return {};
  }

  // The weights of the last whole step are in memory: nothing of it is lost.
  Status Stop() {
    summary_.interrupted = true;
    return position_.step != saved_step_ && steps_here_ > 0 ? Save() : Status{};
  }
  // Goes on from the checkpoint before.
  Status StopBefore() {
    summary_.interrupted = true;
    return {};
  }

  Status Step() {
    const Clock::time_point begin = Clock::now();
    JADE_ASSIGN_OR_RETURN(const StepOutcome done, runner_->Run(position_.step, position_.step + 1 < steps_));
    const auto& [batch, report, update_seconds] = done;
    ++position_.step;
    ++steps_here_;
    JADE_ASSIGN_OR_RETURN(metrics::Scalars scalars, RolloutScalars(batch, collective()));
    scalars.insert(report.scalars.begin(), report.scalars.end());
    JADE_TRY(AddTimes({batch.seconds, update_seconds, SecondsSince(begin)},
                      {static_cast<double>(batch.transitions.size()), static_cast<double>(report.tokens)}, &scalars));
    progress_.Update(static_cast<uint64_t>(position_.step),
                     fmt::format("reward {:.3f} F1 {:.3f}", scalars["reward/mean"], scalars["reward/f1"]));
    metrics::Plans own_plans;
    for (const rollout::Run& run : batch.runs) {
      ++own_plans[batch.questions[run.question].type][run.plan.empty() ? "(refused)" : run.plan];
    }
    JADE_ASSIGN_OR_RETURN(metrics::Plans plans, SumPlans(collective(), own_plans));
    if (!leads()) return {};
    return journal_->AddStep(position_.step, Seconds(), std::move(scalars), std::move(plans));
  }

  // `seconds`: of roll-out, update and step, the slowest process's count. `work`: transitions and tokens, of all.
  Status AddTimes(std::array<double, 3> seconds, std::array<double, 2> work, metrics::Scalars* scalars) {
    JADE_TRY(collective().Max(seconds));
    JADE_TRY(collective().Sum(work));
    (*scalars)["time/rollout"] = seconds[0];
    (*scalars)["time/update"] = seconds[1];
    (*scalars)["time/step"] = seconds[2];
    (*scalars)["speed/calls_s"] = work[0] / std::max(seconds[0], 1e-9);
    (*scalars)["speed/update_tok_s"] = work[1] / std::max(seconds[1], 1e-9);
    (*scalars)["train/transitions"] = work[0];
    return {};
  }

  double Seconds() const { return seconds_before_ + SecondsSince(started_); }

  Status EvaluateDev() {
    if (sets_.dev.empty()) return {};
    JADE_ASSIGN_OR_RETURN(const SharedEvaluation found,
                          EvaluateTogether(runner_->team(), collective(), sets_.dev,
                                           {"dev", config_.dev.samples_shown, {}, options_.cancel}));
    const double f1 = found.scalars.at("dev/f1");
    if (!summary_.has_dev) summary_.first_f1 = f1;
    summary_.has_dev = true;
    summary_.last_f1 = f1;
    if (leads()) JADE_TRY(journal_->AddEvaluation(position_.step, Seconds(), found));
    // The figures are the same everywhere, and so is what follows from them.
    return KeepBest(found.scalars.at("dev/" + config_.dev.choose), f1);
  }

  Status KeepBest(double value, double f1) {
    if (position_.best_step >= 0 && value <= position_.best) {
      ++position_.since_best;
      position_.stopped = config_.dev.patience > 0 && position_.since_best >= config_.dev.patience;
      summary_.stopped_early = position_.stopped;
      return {};
    }
    position_.best = value;
    position_.best_step = position_.step;
    position_.since_best = 0;
    summary_.best_f1 = f1;
    return leads() ? SaveModel(Path("best")) : Status{};
  }

  Status Save() {
    if (!leads()) return {};
    position_.seconds = Seconds();
    saved_step_ = position_.step;
    return SaveTrainCheckpoint(CheckpointPath(), runner_->State(), position_);
  }

  Status SaveModel(const std::string& folder) { return models().Save(folder, parts_.model); }

  // The best model becomes the result, and is measured on the test questions.
  Status Conclude() {
    JADE_TRY(Agree(collective(), leads() ? WriteModels() : Status{}, "writing the models"));
    const bool has_best = position_.best_step >= 0;
    summary_.output = Path(has_best ? "best" : "last");
    summary_.best_step = position_.best_step;
    if (!config_.output.empty()) summary_.output = config_.output;
    nlohmann::ordered_json result{{"steps", position_.step},
                                  {"seconds", Seconds()},
                                  {"best_step", position_.best_step},
                                  {"best_" + config_.dev.choose, position_.best}};
    if (!sets_.test.empty()) JADE_TRY(Test(&result));
    return leads() ? files::WriteFileAtomically(Path("result.json"), result.dump(2) + "\n") : Status{};
  }

  // The policy's weights are the best ones afterwards.
  Status WriteModels() {
    JADE_TRY(SaveModel(Path("last")));
    if (position_.best_step >= 0) {
      JADE_TRY(models().Load(Path("best")));
    }
    return config_.output.empty() ? Status{} : SaveModel(config_.output);
  }

  Status Test(nlohmann::ordered_json* result) {
    std::vector<at::Tensor> weights;
    for (const backbone::Parameter& parameter : runner_->trainer().policy_parameters()) {
      weights.push_back(parameter.tensor.detach());
    }
    JADE_TRY(collective().Broadcast(weights));
    JADE_TRY(models().Publish());
    progress_.Begin({"testing", "questions", sets_.test.size()});
    const auto share = static_cast<uint64_t>(collective().size());
    auto found = EvaluateTogether(
        runner_->team(), collective(), sets_.test,
        {"test", 0, [&](uint64_t done) { progress_.Update(std::min(done * share, uint64_t{sets_.test.size()}), ""); },
         options_.cancel});
    progress_.End();
    JADE_TRY(found);
    if (leads()) JADE_TRY(files::WriteFileAtomically(Path("test.jsonl"), found->rows));
    for (const auto& [tag, value] : found->scalars) (*result)[tag] = value;
    summary_.has_test = true;
    summary_.test_f1 = found->scalars.at("test/f1");
    summary_.test_em = found->scalars.at("test/em");
    return {};
  }

  const TrainConfig& config_;
  TrainParts parts_;
  progress::Sink& progress_;
  const TrainOptions options_;
  SingleProcess single_;
  std::optional<files::FolderLock> lock_;
  bool has_checkpoint_ = false, resumed_ = false;
  QuestionSets sets_;
  std::unique_ptr<StepRunner> runner_;
  std::optional<RunJournal> journal_;  // of rank 0
  TrainPosition position_;
  TrainSummary summary_;
  int64_t steps_ = 0, steps_here_ = 0, saved_step_ = -1;
  double seconds_before_ = 0;
  Clock::time_point started_;
};

}  // namespace

Result<TrainSummary> RunTraining(const TrainConfig& config, TrainParts parts, progress::Sink& progress,
                                 const TrainOptions& options) {
  return BehindTheWall<TrainSummary>([&] { return TrainRun(config, std::move(parts), progress, options).Run(); });
}

}  // namespace jade::train
