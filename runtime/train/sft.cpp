#include "runtime/train/sft.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>

#include "runtime/backbone/backbone.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/make_engine.h"
#include "runtime/backbone/model_io.h"
#include "runtime/files/folder_lock.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/evaluation.h"
#include "runtime/train/learning_rate.h"
#include "runtime/train/linear_cross_entropy.h"
#include "runtime/train/optimiser.h"
#include "runtime/train/sft_metrics.h"
#include "runtime/train/supervised_batch.h"
#include "runtime/train/tokenizer_learning.h"

namespace jade::train {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What must agree for a resumed run to have the same losses.
std::string Fingerprint(const SftConfig& config) {
  std::string text = fmt::format("{} {} {} {} {} {} {}", config.seed, config.batch_tokens, config.optimiser.beta1,
                                 config.optimiser.beta2, config.optimiser.epsilon, config.optimiser.weight_decay,
                                 config.optimiser.clip);
  if (config.optimiser.kind == OptimiserKind::kMuon) text += fmt::format(" muon {}", config.optimiser.momentum);
  for (const SftStage& stage : config.stages) {
    text += fmt::format("|{} {} {} {} {} {} {} {}", stage.name, stage.tokens, stage.lr, stage.final_lr, stage.warm_up,
                        stage.loss.prompt, stage.loss.reply, stage.max_length);
    if (stage.batch_tokens > 0) text += fmt::format(" {}", stage.batch_tokens);
    for (const DataSource& source : stage.data) text += fmt::format(" {} {}", source.path, source.weight);
  }
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

// Numbers too small to be normal are zero while this lives, on this thread and on those that it starts. Only training
// computes so: the language's own Floats are IEEE numbers.
class FlushedDenormals {
 public:
  FlushedDenormals() { at::globalContext().setFlushDenormal(true); }
  ~FlushedDenormals() { at::globalContext().setFlushDenormal(false); }
  FlushedDenormals(const FlushedDenormals&) = delete;
  FlushedDenormals& operator=(const FlushedDenormals&) = delete;
};

class SftRun {
 public:
  SftRun(const SftConfig& config, progress::Sink& progress, const SftOptions& options)
      : config_(config), progress_(progress), options_(options) {}

  Result<SftSummary> Run() {
    backbone::TuneAllocator();
    const FlushedDenormals flushed;
    JADE_TRY(PrepareFolder());
    JADE_TRY(PrepareModel());
    JADE_TRY(Resume());
    JADE_TRY(LoadDev());
    progress::Task task{"training", "tokens", static_cast<uint64_t>(config_.total_tokens()),
                        static_cast<uint64_t>(position_.tokens)};
    started_ = last_checkpoint_ = Clock::now();
    seconds_before_ = position_.seconds;
    progress_.Begin(task);
    const Status trained = TrainStages();
    progress_.End();
    JADE_TRY(trained);
    if (!summary_.interrupted) JADE_TRY(Export());
    summary_.steps = position_.step;
    summary_.tokens = position_.tokens;
    summary_.best = position_.best;
    summary_.parameters = model_->parameter_count();
    summary_.seconds = seconds_before_ + SecondsSince(started_);
    return summary_;
  }

 private:
  std::string CheckpointPath() const { return config_.run + "/checkpoint.safetensors"; }
  std::string BestPath() const { return config_.run + "/best"; }

  Status PrepareFolder() {
    std::error_code code;
    std::filesystem::create_directories(config_.run, code);
    if (code) return Error(ErrorCode::kIo, fmt::format("cannot create `{}`: {}", config_.run, code.message()));
    JADE_ASSIGN_OR_RETURN(lock_, files::FolderLock::Take(config_.run));
    has_checkpoint_ = std::filesystem::exists(CheckpointPath(), code);
    if (has_checkpoint_ && !options_.resume) {
      return Error(
          ErrorCode::kInvalidArgument,
          fmt::format("`{}` holds a run already: go on with `--resume`, or choose another `run` folder", config_.run));
    }
    return {};
  }

  Status PrepareModel() {
    std::optional<tokenizer::Tokenizer> tokenizer;
    std::optional<weights::ModelFiles> files;
    weights::ModelConfig model;
    if (config_.start.empty()) {
      JADE_TRY(PrepareTokenizer());
      JADE_ASSIGN_OR_RETURN(tokenizer, tokenizer::Tokenizer::LoadTokenizerJson(config_.tokenizer + "/tokenizer.json"));
      model = *config_.init;
      model.vocab_size = tokenizer->vocab_size();
      model.bos_id = tokenizer->bos().value_or(-1);
      if (tokenizer->eos()) model.eos_ids = {*tokenizer->eos()};
    } else {
      JADE_ASSIGN_OR_RETURN(files, weights::ModelFiles::Open(config_.start));
      JADE_ASSIGN_OR_RETURN(tokenizer, files->LoadTokenizer());
      model = files->config();
    }
    JADE_ASSIGN_OR_RETURN(chat_, tokenizer::ChatFormat::Detect(*tokenizer));
    JADE_ASSIGN_OR_RETURN(const at::Device device, backbone::ChooseDevice(config_.device));
    model_ = std::make_unique<backbone::Decoder>(model, device);
    if (files) {
      JADE_TRY(backbone::LoadWeights(*files, model_.get()));
    } else {
      model_->InitialiseRandom(config_.seed);
    }
    model_->SetRequiresGrad(true);
    const bool fast = !model_->device().is_cpu() || backbone::ProcessorMultipliesBf16();
    const bool bf16 = config_.compute == ComputeType::kBf16 || (config_.compute == ComputeType::kAuto && fast);
    dtype_ = bf16 ? at::kBFloat16 : at::kFloat;
    std::vector<TrainedParameter> parameters;
    for (const backbone::Parameter& parameter : model_->parameters()) {
      const bool in_layer = parameter.name.starts_with("model.layers.");  // the others: embedding, head, last norm
      parameters.push_back({parameter.tensor, in_layer && parameter.tensor.dim() == 2});
    }
    optimiser_ = std::make_unique<Optimiser>(std::move(parameters), config_.optimiser, dtype_);
    return {};
  }

  Status PrepareTokenizer() {
    const std::string path = config_.tokenizer + "/tokenizer.json";
    std::error_code code;
    if (std::filesystem::exists(path, code)) return {};
    if (config_.learn_from.empty()) {
      return Error(ErrorCode::kNotFound, fmt::format("there is no `{}`, and no `learn_from` to make it", path));
    }
    progress_.Message("learning the tokenizer");
    JADE_ASSIGN_OR_RETURN(const tokenizer::TokenizerSpec spec, LearnTokenizer(config_.learn_from, config_.vocabulary));
    std::filesystem::create_directories(config_.tokenizer, code);
    return tokenizer::WriteTokenizerFiles(spec, config_.tokenizer);
  }

  Status Resume() {
    if (has_checkpoint_) {
      JADE_ASSIGN_OR_RETURN(position_, LoadCheckpoint(CheckpointPath(), *model_, *optimiser_));
      if (position_.fingerprint != Fingerprint(config_)) {
        progress_.Message(
            "the configuration changed since the checkpoint: the losses to come are those of the new one");
      }
    }
    position_.fingerprint = Fingerprint(config_);
    JADE_ASSIGN_OR_RETURN(metrics_, SftMetrics::Open(config_.run + "/metrics.jsonl", position_.step));
    return {};
  }

  Status LoadDev() {
    for (const std::string& path : config_.dev) {
      JADE_ASSIGN_OR_RETURN(DemonstrationSet set,
                            DemonstrationSet::Load(path, *chat_, model_->config().max_positions, config_.dev_limit));
      dev_.push_back(std::make_unique<DemonstrationSet>(std::move(set)));
    }
    return {};
  }

  Status TrainStages() {
    while (position_.stage < static_cast<int64_t>(config_.stages.size())) {
      JADE_TRY(TrainStage(config_.stages[static_cast<size_t>(position_.stage)]));
      if (summary_.interrupted) return Save();
      ++position_.stage;
      position_.stage_tokens = 0;
      position_.cursors.clear();
      JADE_TRY(EvaluateDev());
      JADE_TRY(Save());
    }
    return {};
  }

  Status LoadStage(const SftStage& stage) {
    sets_.clear();
    std::vector<const DemonstrationSet*> sets;
    std::vector<double> shares;
    for (const DataSource& source : stage.data) {
      const int64_t longest = std::min(stage.max_length, model_->config().max_positions);
      JADE_ASSIGN_OR_RETURN(DemonstrationSet set, DemonstrationSet::Load(source.path, *chat_, longest));
      if (set.too_long() > 0) {
        progress_.Message(fmt::format("{}: {} demonstrations of {} are longer than {} tokens and left out", source.path,
                                      set.too_long(), set.too_long() + static_cast<int64_t>(set.size()), longest));
      }
      sets_.push_back(std::make_unique<DemonstrationSet>(std::move(set)));
      sets.push_back(sets_.back().get());
      shares.push_back(source.weight);
    }
    const uint64_t seed = config_.seed * 1000003U + static_cast<uint64_t>(position_.stage);
    sampler_ = std::make_unique<BatchSampler>(std::move(sets), std::move(shares), seed);
    if (position_.cursors.size() == stage.data.size()) sampler_->Seek(position_.cursors);
    return {};
  }

  Status TrainStage(const SftStage& stage) {
    JADE_TRY(LoadStage(stage));
    while (position_.stage_tokens < stage.tokens) {
      const bool enough = options_.stop_after_steps > 0 && steps_here_ >= options_.stop_after_steps;
      if (enough || (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed))) {
        summary_.interrupted = true;
        return {};
      }
      JADE_TRY(Step(stage));
      if (config_.dev_every > 0 && position_.since_dev >= config_.dev_every) JADE_TRY(EvaluateDev());
      if (SecondsSince(last_checkpoint_) >= config_.checkpoint_seconds) JADE_TRY(Save());
    }
    return {};
  }

  Status Step(const SftStage& stage) {
    const Clock::time_point begin = Clock::now();
    const std::vector<Demonstration> demonstrations =
        sampler_->Next(stage.batch_tokens > 0 ? stage.batch_tokens : config_.batch_tokens);
    std::vector<SupervisedBatch> pieces;
    double weight_sum = 0;
    int64_t tokens = 0;
    for (const auto& piece : SplitByTokens(demonstrations, config_.micro_tokens)) {
      pieces.push_back(PackDemonstrations(piece, stage.loss, model_->device()));
      weight_sum += pieces.back().weight_sum;
      tokens += pieces.back().packed.token_count();
    }
    double loss = 0;
    if (model_->device().is_cpu()) RefreshWeights();
    for (const SupervisedBatch& piece : pieces) {
      if (piece.rows_M.numel() > 0) loss += Backward(piece, weight_sum);
    }
    const double norm = optimiser_->GradientNorm();
    if (!std::isfinite(loss) || !std::isfinite(norm)) return NotFinite(stage, demonstrations, loss, norm);
    const double lr = LearningRate(stage, position_.stage_tokens + tokens);
    const double clip = config_.optimiser.clip;
    optimiser_->Step(lr, clip > 0 && norm > clip ? clip / norm : 1.0);

    ++steps_here_;
    ++position_.step;
    position_.tokens += tokens;
    position_.stage_tokens += tokens;
    position_.since_dev += tokens;
    position_.cursors = sampler_->cursors();
    summary_.loss = loss;
    const double rate = static_cast<double>(tokens) / SecondsSince(begin);
    progress_.Update(static_cast<uint64_t>(position_.tokens), fmt::format("{} loss {:.4f}", stage.name, loss));
    return metrics_->Add({position_.step, position_.tokens, stage.name, loss, lr, norm, rate});
  }

  // The masters in the type they are multiplied in: on the CPU in place, and once a step.
  void RefreshWeights() {
    if (weights_ && model_->device().is_cpu()) {
      model_->Refresh(*weights_);
    } else {
      weights_ = model_->Weights(dtype_);
    }
  }

  double Backward(const SupervisedBatch& piece, double weight_sum) {
    if (!model_->device().is_cpu()) RefreshWeights();  // its casts are part of the graph
    const at::Tensor hidden = model_->ForwardPacked(piece.packed, *weights_).index_select(0, piece.rows_M);
    const at::Tensor shares = piece.weights_M / weight_sum;
    const at::Tensor loss = LinearCrossEntropy(hidden, weights_->head_VD, piece.targets_M, shares);
    loss.backward();
    return loss.item<double>();
  }

  Error NotFinite(const SftStage& stage, const std::vector<Demonstration>& demonstrations, double loss, double norm) {
    std::string places;
    for (size_t i = 0; i < demonstrations.size() && i < 5; ++i) {
      places += fmt::format("{}{}:{}", i == 0 ? "" : ", ", *demonstrations[i].path, demonstrations[i].line);
    }
    return Error(ErrorCode::kCorrupt,
                 fmt::format("training stopped at step {} of stage `{}`: loss {}, gradient norm {}; the batch of {} "
                             "demonstrations begins with {}; the last checkpoint is whole: lower the learning rate and "
                             "resume",
                             position_.step + 1, stage.name, loss, norm, demonstrations.size(), places));
  }

  Status EvaluateDev() {
    position_.since_dev = 0;
    if (dev_.empty()) return {};
    std::vector<const DemonstrationSet*> sets;
    for (const auto& set : dev_) sets.push_back(set.get());
    const DevScore score = Evaluate(*model_, sets, dtype_, config_.micro_tokens);
    summary_.has_dev = true;
    summary_.dev_loss = score.loss;
    summary_.dev_match = score.match.rate();
    std::string roles;
    for (const auto& [role, count] : score.by_role) {
      summary_.dev_match_by_role[role] = count.rate();
      roles += fmt::format(" {} {:.3f}", role, count.rate());
    }
    progress_.Message(fmt::format("step {}: dev loss {:.4f}, exact match {:.3f}:{}", position_.step, score.loss,
                                  score.match.rate(), roles));
    JADE_TRY(metrics_->AddDev(position_.step, position_.tokens, score));
    const double value = config_.choose_by_match ? score.match.rate() : -score.loss;
    if (!position_.has_best || value > position_.best) {
      position_.has_best = true;
      position_.best = value;
      JADE_TRY(SaveModel(BestPath(), at::kFloat));
    }
    return {};
  }

  Status Save() {
    position_.seconds = seconds_before_ + SecondsSince(started_);
    last_checkpoint_ = Clock::now();
    return SaveCheckpoint(CheckpointPath(), *model_, *optimiser_, position_);
  }

  Status SaveModel(const std::string& folder, at::ScalarType type) const {
    return backbone::SaveDecoder(*model_, folder, {.dtype = type, .tokenizer = &chat_->tokenizer().spec()});
  }

  // The best model on dev when there is one, else the last.
  Status Export() {
    if (position_.has_best) {
      JADE_ASSIGN_OR_RETURN(const weights::ModelFiles best, weights::ModelFiles::Open(BestPath()));
      JADE_TRY(backbone::LoadWeights(best, model_.get()));
    }
    JADE_TRY(SaveModel(config_.output, config_.output_bf16 ? at::kBFloat16 : at::kFloat));
    summary_.output = config_.output;
    return {};
  }

  const SftConfig& config_;
  progress::Sink& progress_;
  const SftOptions options_;
  std::optional<files::FolderLock> lock_;  // of the run folder
  bool has_checkpoint_ = false;
  std::optional<tokenizer::ChatFormat> chat_;
  std::unique_ptr<backbone::Decoder> model_;
  std::optional<backbone::DecoderWeights> weights_;
  std::unique_ptr<Optimiser> optimiser_;
  at::ScalarType dtype_ = at::kFloat;
  std::vector<std::unique_ptr<DemonstrationSet>> sets_;
  std::vector<std::unique_ptr<DemonstrationSet>> dev_;
  std::unique_ptr<BatchSampler> sampler_;
  std::optional<SftMetrics> metrics_;
  SftPosition position_;
  SftSummary summary_;
  int64_t steps_here_ = 0;
  double seconds_before_ = 0;
  Clock::time_point started_;
  Clock::time_point last_checkpoint_;
};

}  // namespace

Result<SftSummary> RunSft(const SftConfig& config, progress::Sink& progress, const SftOptions& options) {
  try {
    return SftRun(config, progress, options).Run();
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "training ran out of memory: lower `batch.micro_tokens`");
  } catch (const std::exception& error) {  // LibTorch's errors stop at this room's wall
    return Error(ErrorCode::kUnavailable, fmt::format("LibTorch failed: {}", error.what()));
  }
}

}  // namespace jade::train
