#include "cli/bench_step.h"

#include <utility>

#include "cli/load.h"
#include "cli/model_file.h"
#include "cli/train_request.h"
#include "cli/workbench.h"
#include "runtime/assets/assets.h"
#include "runtime/backbone/measured_model.h"

namespace jade::cli {
namespace {

// Random weights write until they are stopped; SmolLM2's roles write about so much.
constexpr int64_t kRandomReplyTokens = 32;

// As the experiment of docs/results.md; the preset follows.
constexpr char kNano[] = R"(
backbone: { model: nano-start, prompts: brief, kv_cache: 512MiB }
retriever: { index: atlas, top_k: 2 })";
constexpr char kSmollm2[] = R"(
backbone: { model: smollm2, prompts: full, kv_cache: 1GiB }
retriever: { index: atlas })";
constexpr char kStep[] = R"(
budget: { calls: 64 }
train:
  file: workflows/jade.jade
  run: none
  data: { train: data/atlas/train.jsonl }
  update: { mini_batches: 16 }
  preset: )";

Result<train::TrainConfig> ConfigOf(bool is_nano, const TrainBenchCommand& command) {
  const std::string text = std::string(is_nano ? kNano : kSmollm2) + kStep + (is_nano ? "nano\n" : "paper-7b\n");
  JADE_ASSIGN_OR_RETURN(train::TrainConfig config, train::ParseTrainConfig("bench", text));
  JADE_ASSIGN_OR_RETURN(config.file, assets::FindShipped(config.file));
  JADE_ASSIGN_OR_RETURN(config.data, assets::FindShipped(config.data));
  config.settings.backbone.threads = command.threads;
  config.rollout.questions = command.questions;
  config.update.compute = command.dtype == "fp32" ? train::ComputeType::kFp32 : train::ComputeType::kBf16;
  config.update.checkpointing = command.recompute_layers;
  return config;
}

// A step and what it runs with, which outlives it.
class BenchStep final : public train::MeasuredStep {
 public:
  Status Prepare(bool is_nano, const TrainBenchCommand& command, const std::atomic<bool>* cancel) {
    train::MeasuredStepOptions options;
    JADE_ASSIGN_OR_RETURN(options.config, ConfigOf(is_nano, command));
    const settings::Settings& settings = options.config.settings;
    train::TrainParts& parts = options.parts;
    int status = 0;
    parts.program = LoadProgram(options.config.file, PromptsFor(settings.backbone), &status);
    if (parts.program == nullptr) return Error(ErrorCode::kInvalidArgument, "the shipped workflow does not compile");
    JADE_ASSIGN_OR_RETURN(parts.request, TrainRequest(options.config, parts.program));
    JADE_ASSIGN_OR_RETURN(code_, MakeCode({}));
    parts.request.code = code_.get();
    progress::SilentSink silent;
    const std::atomic<bool> never{false};
    JADE_TRY(CompleteWorkbench({settings, *parts.program, /*record=*/false, /*engine=*/false}, silent,
                               cancel != nullptr ? *cancel : never, &bench_));
    parts.tools = bench_.Tools();
    if (is_nano) {
      JADE_ASSIGN_OR_RETURN(parts.model, assets::FindShipped("models/nano-start"));
    } else if (!command.model.empty()) {
      JADE_ASSIGN_OR_RETURN(const std::string model, assets::FindModel(command.model));
      parts.model = ModelFile(model);
    } else {
      JADE_ASSIGN_OR_RETURN(const std::string tokenizer, assets::FindShipped("models/nano/tokenizer.json"));
      parts.random = train::RandomStart{.shape = backbone::SmolLm2Shape(), .tokenizer = tokenizer};
      options.most_reply_tokens = kRandomReplyTokens;
    }
    options.cancel = cancel;
    JADE_ASSIGN_OR_RETURN(step_, train::MakeMeasuredStep(std::move(options)));
    return {};
  }

  const weights::ModelConfig& config() const override { return step_->config(); }
  Result<train::StepFigures> RollOut() override { return step_->RollOut(); }
  Result<train::StepFigures> Run() override { return step_->Run(); }
  const std::vector<rollout::Answered>& runs() const override { return step_->runs(); }
  std::vector<train::StepCall> calls() const override { return step_->calls(); }
  bool may_end_replies() const override { return step_->may_end_replies(); }
  Result<engine::Engine*> LendEngine() override { return step_->LendEngine(); }

 private:
  std::unique_ptr<interp::CodeSource> code_;
  Workbench bench_;
  std::unique_ptr<train::MeasuredStep> step_;
};

}  // namespace

Result<std::unique_ptr<train::MeasuredStep>> MakeBenchStep(const std::string& prefix, const TrainBenchCommand& command,
                                                           const std::atomic<bool>* cancel) {
  auto step = std::make_unique<BenchStep>();
  JADE_TRY(step->Prepare(prefix == "train", command, cancel));
  return std::unique_ptr<train::MeasuredStep>(std::move(step));
}

}  // namespace jade::cli
