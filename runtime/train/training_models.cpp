#include "runtime/train/training_models.h"

#include <fmt/format.h>

#include "runtime/backbone/make_engine.h"
#include "runtime/backbone/model_io.h"
#include "runtime/train/critic.h"
#include "runtime/train/team.h"

namespace jade::train {
namespace {

bool NeedsStart(const TrainConfig& config, bool frozen_roles) {
  return (frozen_roles && config.others == OtherRoles::kStart) || config.kl_report_every > 0 ||
         config.advantage.kl.in != advantage::KlPlace::kNone;
}

int ThreadsOf(const settings::Backbone& settings) {
  return settings.threads > 0 ? static_cast<int>(settings.threads) : backbone::UsableProcessors();
}

Result<std::unique_ptr<backbone::ServingEngine>> MakeTrainingEngine(const settings::Backbone& settings,
                                                                    const TrainingModels& models,
                                                                    tokenizer::ChatFormat chat) {
  backbone::EngineOptions options;
  JADE_ASSIGN_OR_RETURN(options.weights,
                        backbone::ChooseNumber(settings.dtype, models.policy->device(), models.policy->config()));
  options.kv_cache_bytes = static_cast<int64_t>(settings.kv_cache);
  options.threads = ThreadsOf(settings);
  options.serving.name = settings.model;
  options.serving.deterministic = settings.deterministic;
  std::vector<backbone::NamedDecoder> policies{{"", models.serving}};
  if (models.start != nullptr) policies.push_back({kStartPolicy, models.start});
  return backbone::MakeEngine(policies, std::move(chat), options);
}

struct Start {
  std::shared_ptr<backbone::Decoder> decoder;
  tokenizer::Tokenizer tokenizer;
};

Result<Start> LoadStart(const TrainParts& parts, at::Device device) {
  if (!parts.random) {
    JADE_ASSIGN_OR_RETURN(const weights::ModelFiles files, weights::ModelFiles::Open(parts.model));
    JADE_ASSIGN_OR_RETURN(tokenizer::Tokenizer tokenizer, files.LoadTokenizer());
    JADE_ASSIGN_OR_RETURN(std::shared_ptr<backbone::Decoder> decoder, backbone::LoadDecoder(files, device));
    return Start{std::move(decoder), std::move(tokenizer)};
  }
  JADE_TRY(weights::ValidateModelConfig(parts.random->shape));
  JADE_ASSIGN_OR_RETURN(tokenizer::Tokenizer tokenizer,
                        tokenizer::Tokenizer::LoadTokenizerJson(parts.random->tokenizer));
  auto decoder = std::make_shared<backbone::Decoder>(parts.random->shape, device);
  decoder->InitialiseRandom(parts.random->seed);
  return Start{std::move(decoder), std::move(tokenizer)};
}

}  // namespace

Status TrainingModels::Publish() {
  if (serving == policy) return engine->Refresh("", {});
  return engine->Refresh("", [this] {
    CopyWeights(*policy, *serving);
    if (lora) lora->MergeInto(*serving);
  });
}

Status TrainingModels::Save(const std::string& folder, const std::string& base_model) {
  const backbone::SaveOptions options{.dtype = at::kFloat, .tokenizer = &tokenizer};
  if (!lora) return backbone::SaveDecoder(*policy, folder, options);
  JADE_TRY(lora->SaveMerged(*policy, folder, options));
  return lora->Save(folder + "/adapter", base_model);
}

Status TrainingModels::Load(const std::string& folder) {
  if (!lora) {
    JADE_ASSIGN_OR_RETURN(const weights::ModelFiles files, weights::ModelFiles::Open(folder));
    return backbone::LoadWeights(files, policy.get());
  }
  JADE_ASSIGN_OR_RETURN(const LoraAdapters read, LoraAdapters::Load(policy->config(), folder + "/adapter"));
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < lora->tensors().size(); ++i) {
    at::Tensor target = lora->tensors()[i].tensor;
    target.copy_(read.tensors()[i].tensor);
  }
  return {};
}

Result<std::unique_ptr<TrainingModels>> LoadTrainingModels(const TrainConfig& config, const TrainParts& parts,
                                                           bool frozen_roles) {
  const settings::Backbone& settings = config.settings.backbone;
  JADE_ASSIGN_OR_RETURN(const at::Device device, backbone::ChooseDevice(settings.device));
  at::set_num_threads(ThreadsOf(settings));
  JADE_ASSIGN_OR_RETURN(Start start, LoadStart(parts, device));
  JADE_ASSIGN_OR_RETURN(tokenizer::ChatFormat chat, tokenizer::ChatFormat::Detect(start.tokenizer));
  auto models = std::make_unique<TrainingModels>();
  models->policy = std::move(start.decoder);
  if (config.lora.rank > 0) {
    if (!device.is_cpu()) return Error(ErrorCode::kUnsupported, "`train.actor.lora` is for the processor");
    JADE_ASSIGN_OR_RETURN(LoraAdapters lora,
                          LoraAdapters::Create(models->policy->config(), {.rank = config.lora.rank,
                                                                          .alpha = config.lora.alpha,
                                                                          .targets = config.lora.targets,
                                                                          .seed = config.seed}));
    models->lora.emplace(std::move(lora));
  }
  const bool copied = config.rollout.overlap || models->lora;
  models->serving = copied ? CopyOf(*models->policy) : models->policy;
  if (NeedsStart(config, frozen_roles)) models->start = models->lora ? models->policy : CopyOf(*models->policy);
  models->max_positions = models->policy->config().max_positions;
  models->tokenizer = start.tokenizer.spec();
  models->vocabulary = backbone::MakeVocabulary(chat, models->policy->config().vocab_size);
  JADE_ASSIGN_OR_RETURN(models->engine, MakeTrainingEngine(settings, *models, std::move(chat)));
  return models;
}

}  // namespace jade::train
