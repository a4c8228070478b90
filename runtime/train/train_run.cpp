#include "runtime/train/train_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <xxhash.h>

#include <array>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>

#include "runtime/backbone/backbone.h"
#include "runtime/backbone/model_io.h"
#include "runtime/eval/questions.h"
#include "runtime/files/atomic_file.h"
#include "runtime/files/folder_lock.h"
#include "runtime/metrics/alarms.h"
#include "runtime/metrics/history.h"
#include "runtime/metrics/metrics_writer.h"
#include "runtime/rollout/export.h"
#include "runtime/train/agreement.h"
#include "runtime/train/collective.h"
#include "runtime/train/critic.h"
#include "runtime/train/policy_trainer.h"
#include "runtime/train/shared_evaluation.h"
#include "runtime/train/team.h"
#include "runtime/train/train_checkpoint.h"
#include "runtime/train/train_inputs.h"
#include "runtime/train/training_models.h"

namespace jade::train {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What must agree for a resumed run to have the same figures: all that the file says, but where results are put.
std::string Fingerprint(const TrainConfig& config) {
  std::string text;
  for (const auto& [key, value] : config.given) {
    const bool place = key == "train.run" || key == "train.output" || key == "train.arm" || key == "train.steps" ||
                       key == "train.epochs" || key == "train.checkpoint_every" || key == "train.export_batches";
    if (!place) text += key + "=" + value + "\n";
  }
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

int64_t StepsOf(const TrainConfig& config, size_t questions) {
  if (config.steps > 0) return config.steps;
  const double steps = config.epochs * static_cast<double>(questions) / static_cast<double>(config.rollout.questions);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(steps)));
}

// The most memory this process has held.
int64_t PeakBytes() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? int64_t{usage.ru_maxrss} * 1024 : 0;
}

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

template <typename T, typename Work>
Result<T> Guarded(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "training ran out of memory: lower `train.update.micro_tokens`");
  } catch (const std::exception& error) {  // LibTorch's errors stop at this room's wall
    return Error(ErrorCode::kUnavailable, fmt::format("LibTorch failed: {}", error.what()));
  }
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
    JADE_TRY(CompareStarts());
    JADE_TRY(ShareCheckpoint());
    JADE_TRY(Agree(collective(), OpenMetrics(), "opening the run's files"));
    started_ = Clock::now();
    seconds_before_ = position_.seconds;
    steps_ = StepsOf(config_, questions_.size());
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

  Result<DryRun> Try() {
    backbone::TuneAllocator();
    JADE_TRY(LoadData());
    JADE_TRY(PrepareTeam());
    TrainConfig& pilot = pilot_config_.emplace(config_);
    pilot.rollout.questions =
        std::min<int64_t>({config_.rollout.questions, 16, static_cast<int64_t>(questions_.size())});
    JADE_ASSIGN_OR_RETURN(auto team, Team::Create(pilot, Parts(), models_->engine.get(), models_->max_positions));
    JADE_ASSIGN_OR_RETURN(const rollout::Batch batch, team->RollOut(questions_, 0, {}, options_.cancel));
    const Clock::time_point begin = Clock::now();
    JADE_TRY(trainer_->Update(batch, config_.critic_warm_up));
    const double scale = static_cast<double>(config_.rollout.questions) / static_cast<double>(pilot.rollout.questions);
    DryRun found;
    found.steps = StepsOf(config_, questions_.size());
    found.parameters = models_->policy->parameter_count();
    found.pilot_questions = pilot.rollout.questions;
    found.calls = scale * static_cast<double>(batch.transitions.size());
    found.prompt_tokens = scale * static_cast<double>(batch.observation_tokens());
    found.response_tokens = scale * static_cast<double>(batch.action_tokens());
    found.rollout_seconds = scale * batch.seconds;
    found.update_seconds = scale * SecondsSince(begin);
    found.total_seconds = static_cast<double>(found.steps) * (found.rollout_seconds + found.update_seconds);
    found.peak_bytes = PeakBytes();
    return found;
  }

 private:
  std::string Path(const char* name) const { return config_.run + "/" + name; }
  std::string CheckpointPath() const { return CheckpointIn(config_.run); }
  Collective& collective() { return *parts_.collective; }
  bool leads() const { return parts_.collective->rank() == 0; }
  TeamParts Parts() const { return {parts_.program, parts_.request, parts_.tools}; }
  TrainState State() {
    TrainState state{nullptr, trainer_.get()};
    if (config_.rollout.overlap) state.serving = served_ != nullptr ? served_.get() : models_->serving.get();
    return state;
  }

  Status Prepare() {
    JADE_TRY(LoadData());
    if (leads()) JADE_TRY(PrepareFolder());
    JADE_TRY(PrepareTeam());
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
    JADE_ASSIGN_OR_RETURN(QuestionSets sets, LoadQuestionSets(config_));
    questions_ = std::move(sets.train);
    dev_ = std::move(sets.dev);
    test_ = std::move(sets.test);
    if (config_.rollout.questions < collective().size()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("{} processes share the {} questions of a step: raise `train.rollout.questions`",
                               collective().size(), config_.rollout.questions));
    }
    return {};
  }

  Status PrepareTeam() {
    JADE_ASSIGN_OR_RETURN(const TeamRoles roles, RolesOf(config_, *parts_.program));
    JADE_ASSIGN_OR_RETURN(models_, LoadTrainingModels(config_, parts_.model, !roles.others.empty()));
    trainer_ = std::make_unique<PolicyTrainer>(
        config_, TrainerParts{models_->policy, models_->start, models_->lora ? &*models_->lora : nullptr,
                              models_->vocabulary, parts_.collective});
    JADE_ASSIGN_OR_RETURN(team_, Team::Create(config_, Parts(), models_->engine.get(), models_->max_positions));
    return {};
  }

  Status Resume() {
    if (has_checkpoint_) {
      JADE_ASSIGN_OR_RETURN(position_, LoadTrainCheckpoint(CheckpointPath(), State()));
      if (position_.fingerprint != Fingerprint(config_)) {
        progress_.Message(
            "the configuration changed since the checkpoint: the figures to come are those of the new one");
      }
      resumed_ = true;
    }
    position_.fingerprint = Fingerprint(config_);
    return {};
  }

  // What all processes must have alike, or the sums of their gradients mean nothing.
  Status CompareStarts() {
    if (collective().size() == 1) return {};
    const nlohmann::ordered_json own{{"configuration", Fingerprint(config_)},
                                     {"number of steps", StepsOf(config_, questions_.size())},
                                     {"number of training questions", questions_.size()},
                                     {"number of dev questions", dev_.size()},
                                     {"number of test questions", test_.size()},
                                     {"LibTorch", backbone::GetBackboneFacts().libtorch},
                                     {"weights", leads() && resumed_ ? "" : WeightsHash(*models_->policy)}};
    JADE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, GatherTexts(collective(), own.dump()));
    const auto first = nlohmann::json::parse(texts[0]);
    for (size_t rank = 1; rank < texts.size(); ++rank) {
      const auto other = nlohmann::json::parse(texts[rank]);
      for (const auto& [what, value] : first.items()) {
        if (value == "" || other.at(what) == value) continue;  // weights of a checkpoint are sent to all
        return Error(ErrorCode::kInvalidArgument,
                     fmt::format("rank {} does not start like rank 0: the {} is {} there and {} at rank 0", rank, what,
                                 other.at(what).dump(), value.dump()));
      }
    }
    return {};
  }

  Status ShareCheckpoint() {
    std::array<double, 1> resumed{resumed_ ? 1.0 : 0.0};
    JADE_TRY(collective().Max(resumed));
    if (resumed[0] == 0) return {};
    resumed_ = true;
    JADE_TRY(BroadcastTrainState(collective(), State(), &position_));
    return config_.rollout.overlap ? models_->engine->Refresh("", {}) : models_->Publish();
  }

  Status OpenMetrics() {
    if (!leads()) return {};
    metrics::WriterOptions options;
    options.folder = config_.run;
    options.last_step = resumed_ ? position_.step : -1;
    JADE_ASSIGN_OR_RETURN(auto writer, metrics::MetricsWriter::Open(options));
    writer_.emplace(std::move(writer));
    if (resumed_) {
      JADE_ASSIGN_OR_RETURN(history_, metrics::ReadHistory(config_.run, position_.step));
      return {};
    }
    metrics::RunDescription run;
    run.name = std::filesystem::path(config_.run).filename().string();
    run.started = UtcNow();
    for (const auto& [key, value] : config_.given) run.config[key] = value;
    run.arm = config_.arm;
    run.seed = config_.seed;
    run.model = config_.settings.backbone.model;
    run.workflow = config_.file;
    run.data = config_.data;
    const backbone::BackboneFacts facts = backbone::GetBackboneFacts();
    run.machine = {{"threads", int64_t{facts.threads}}, {"kernels", facts.kernels}, {"libtorch", facts.libtorch}};
    return writer_->WriteRun(run);
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
        if (config_.rollout.overlap) {  // the checkpoint holds what the next roll-out was served from
          served_ = CopyOf(*models_->serving);
          JADE_TRY(models_->Publish());
        }
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

  // Of this process's share. Not agreed upon: with `overlap` it runs beside the update's own operations.
  Result<rollout::Batch> RollOut(int64_t step) {
    const Team::Share share{parts_.collective->rank(), parts_.collective->size()};
    return team_->RollOut(questions_, step, share, options_.cancel);
  }

  // The transitions of this step. With `overlap` those of the next one are on their way when it returns, from the
  // weights as they are now; this step's came from the weights before the last update.
  Result<rollout::Batch> TakeBatch() {
    if (!config_.rollout.overlap) return RollOut(position_.step);
    Result<rollout::Batch> batch = ahead_ ? std::move(*ahead_) : RollOut(position_.step);
    ahead_.reset();
    JADE_TRY(batch);
    JADE_TRY(models_->Publish());
    served_.reset();
    const int64_t next = position_.step + 1;
    if (next < steps_) {
      rolling_ = std::async(std::launch::async,
                            [this, next] { return Guarded<rollout::Batch>([&] { return RollOut(next); }); });
    }
    return batch;
  }

  Status Step() {
    const Clock::time_point begin = Clock::now();
    auto taken = TakeBatch();
    JADE_TRY(Agree(collective(), taken.ok() ? Status{} : Status(taken.error()), "rolling out"));
    const rollout::Batch& batch = *taken;
    const Clock::time_point update_begin = Clock::now();
    auto updated = trainer_->Update(batch, position_.step);
    const double update_seconds = SecondsSince(update_begin);
    if (rolling_.valid()) ahead_ = rolling_.get();
    JADE_ASSIGN_OR_RETURN(const UpdateReport report, std::move(updated));
    if (!config_.rollout.overlap) JADE_TRY(models_->Publish());
    JADE_TRY(Export(batch, report.credit));
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
    JADE_TRY(writer_->Add(position_.step, Seconds(), scalars));
    JADE_TRY(writer_->AddPlans(position_.step, "train", plans));
    return RaiseAlarms(std::move(scalars), std::move(plans));
  }

  Status Export(const rollout::Batch& batch, const BatchCredit& credit) const {
    if (config_.export_batches.empty()) return {};
    std::string name = fmt::format("step-{:06}", position_.step + 1);
    if (parts_.collective->size() > 1) name += fmt::format("-rank-{}", parts_.collective->rank());
    rollout::ExportOptions options;
    options.step = position_.step + 1;
    options.credit = {credit.counted, credit.advantages, credit.returns};
    return rollout::ExportBatch(batch, config_.export_batches + "/" + name, options);
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

  Status RaiseAlarms(metrics::Scalars scalars, metrics::Plans plans) {
    history_.push_back({position_.step, std::move(scalars), std::move(plans)});
    for (const metrics::Alarm& alarm : metrics::NewAlarms(history_)) {
      progress_.Message(fmt::format("step {}: {}", alarm.step, alarm.text));
      JADE_TRY(writer_->AddAlarm(alarm));
    }
    return {};
  }

  double Seconds() const { return seconds_before_ + SecondsSince(started_); }

  Status EvaluateDev() {
    if (dev_.empty()) return {};
    JADE_ASSIGN_OR_RETURN(
        const SharedEvaluation found,
        EvaluateTogether(*team_, collective(), dev_, {"dev", config_.dev.samples_shown, {}, options_.cancel}));
    const double f1 = found.scalars.at("dev/f1");
    if (!summary_.has_dev) summary_.first_f1 = f1;
    summary_.has_dev = true;
    summary_.last_f1 = f1;
    if (leads()) JADE_TRY(WriteEvaluation(found));
    // The figures are the same everywhere, and so is what follows from them.
    return KeepBest(found.scalars.at("dev/" + config_.dev.choose), f1);
  }

  Status WriteEvaluation(const SharedEvaluation& found) {
    const metrics::Scalars& scalars = found.scalars;
    JADE_TRY(writer_->Add(position_.step, Seconds(), scalars));
    JADE_TRY(writer_->AddPlans(position_.step, "dev", found.plans));
    for (const metrics::Sample& sample : found.samples) JADE_TRY(writer_->AddSample(position_.step, sample));
    JADE_TRY(files::WriteFileAtomically(Path("dev.jsonl"), found.rows));
    progress_.Message(fmt::format("step {}: dev F1 {:.4f}, EM {:.4f}, reward {:.4f}, turns {:.2f}, retrievals {:.2f}",
                                  position_.step, scalars.at("dev/f1"), scalars.at("dev/em"), scalars.at("dev/reward"),
                                  scalars.at("dev/turns"), scalars.at("dev/retrievals")));
    return {};
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
    return SaveTrainCheckpoint(CheckpointPath(), State(), position_);
  }

  Status SaveModel(const std::string& folder) const { return models_->Save(folder, parts_.model); }

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
    if (!test_.empty()) JADE_TRY(Test(&result));
    return leads() ? files::WriteFileAtomically(Path("result.json"), result.dump(2) + "\n") : Status{};
  }

  // The policy's weights are the best ones afterwards.
  Status WriteModels() {
    JADE_TRY(SaveModel(Path("last")));
    if (position_.best_step >= 0) {
      JADE_TRY(models_->Load(Path("best")));
    }
    return config_.output.empty() ? Status{} : SaveModel(config_.output);
  }

  Status Test(nlohmann::ordered_json* result) {
    std::vector<at::Tensor> weights;
    for (const backbone::Parameter& parameter : trainer_->policy_parameters()) weights.push_back(parameter.tensor);
    JADE_TRY(collective().Broadcast(weights));
    JADE_TRY(models_->Publish());
    progress_.Begin({"testing", "questions", test_.size()});
    const auto share = static_cast<uint64_t>(collective().size());
    auto found = EvaluateTogether(
        *team_, collective(), test_,
        {"test", 0, [&](uint64_t done) { progress_.Update(std::min(done * share, uint64_t{test_.size()}), ""); },
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
  std::vector<eval::Question> questions_, dev_, test_;
  std::unique_ptr<TrainingModels> models_;
  std::unique_ptr<PolicyTrainer> trainer_;
  std::unique_ptr<Team> team_;
  std::optional<TrainConfig> pilot_config_;
  std::shared_ptr<backbone::Decoder> served_;    // with `overlap`, from an evaluation to the next roll-out
  std::optional<Result<rollout::Batch>> ahead_;  // of the next step
  std::future<Result<rollout::Batch>> rolling_;
  std::optional<metrics::MetricsWriter> writer_;
  std::vector<metrics::StepRecord> history_;
  TrainPosition position_;
  TrainSummary summary_;
  int64_t steps_ = 0, steps_here_ = 0, saved_step_ = -1;
  double seconds_before_ = 0;
  Clock::time_point started_;
};

}  // namespace

Result<TrainSummary> RunTraining(const TrainConfig& config, TrainParts parts, progress::Sink& progress,
                                 const TrainOptions& options) {
  return Guarded<TrainSummary>([&] { return TrainRun(config, std::move(parts), progress, options).Run(); });
}

Result<DryRun> TryTraining(const TrainConfig& config, TrainParts parts, progress::Sink& progress,
                           const TrainOptions& options) {
  return Guarded<DryRun>([&] { return TrainRun(config, std::move(parts), progress, options).Try(); });
}

}  // namespace jade::train
