#include "runtime/train/lora.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "compiler/source/source.h"
#include "runtime/backbone/random_weights.h"
#include "runtime/files/atomic_file.h"
#include "runtime/weights/safetensors.h"

namespace jade::train {
namespace {

using backbone::LayerAdapters;
using backbone::LowRankPart;
using nlohmann::ordered_json;

constexpr int64_t kMaxRank = 1024;
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr const char* kConfigFile = "/adapter_config.json";
constexpr const char* kWeightsFile = "/adapter_model.safetensors";

// A projection that adapters can be added to.
struct Target {
  const char* name;
  const char* block;  // that it lies in
  std::vector<LowRankPart> LayerAdapters::*joint;
  int64_t rows, columns;
  int64_t first_row;  // in the joint matrix
};

std::array<Target, 7> TargetsOf(const weights::ModelConfig& c) {
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim, d = c.hidden_size, f = c.ffn_size;
  return {{{"q_proj", "self_attn", &LayerAdapters::qkv, q, d, 0},
           {"k_proj", "self_attn", &LayerAdapters::qkv, kv, d, q},
           {"v_proj", "self_attn", &LayerAdapters::qkv, kv, d, q + kv},
           {"o_proj", "self_attn", &LayerAdapters::output, d, q, 0},
           {"gate_proj", "mlp", &LayerAdapters::gate_up, f, d, 0},
           {"up_proj", "mlp", &LayerAdapters::gate_up, f, d, f},
           {"down_proj", "mlp", &LayerAdapters::down, d, f, 0}}};
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The targets that are meant, in the order of a layer.
Result<std::vector<std::string>> NamedTargets(const weights::ModelConfig& config,
                                              const std::vector<std::string>& asked) {
  std::vector<std::string> all, named;
  for (const Target& target : TargetsOf(config)) {
    all.emplace_back(target.name);
    if (asked.empty() || Contains(asked, target.name)) named.emplace_back(target.name);
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    if (!Contains(all, asked[i])) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("`{}` is no projection that adapters can be added to; known "
                               "are {}",
                               asked[i], fmt::join(all, ", ")));
    }
    if (std::count(asked.begin(), asked.end(), asked[i]) > 1) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("the target `{}` is named twice", asked[i]));
    }
  }
  return named;
}

Status CheckSizes(const LoraOptions& options) {
  if (options.rank < 1 || options.rank > kMaxRank) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("a rank of {} is outside 1 to {}", options.rank, kMaxRank));
  }
  if (!(options.alpha > 0) || !std::isfinite(options.alpha)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("an alpha of {} is no positive number", options.alpha));
  }
  return {};
}

// What of PEFT's configuration changes the meaning of the tensors, and has no other value here.
Status CheckPlain(const ordered_json& config, const std::string& path) {
  const auto is = [&](const char* name, const ordered_json& plain) {
    const auto it = config.find(name);
    return it == config.end() || it->is_null() || *it == plain;
  };
  const std::pair<const char*, ordered_json> plain[] = {{"peft_type", "LORA"},
                                                        {"bias", "none"},
                                                        {"use_rslora", false},
                                                        {"use_dora", false},
                                                        {"fan_in_fan_out", false},
                                                        {"rank_pattern", ordered_json::object()},
                                                        {"lora_bias", false},
                                                        {"alpha_pattern", ordered_json::object()},
                                                        {"modules_to_save", ordered_json::array()},
                                                        {"layers_to_transform", ordered_json::array()}};
  for (const auto& [name, value] : plain) {
    if (!is(name, value)) {
      return Error(ErrorCode::kUnsupported, fmt::format("`{}`: `{}` is {}, only {} is supported", path, name,
                                                        config[name].dump(), value.dump()));
    }
  }
  return {};
}

Result<LoraOptions> ReadConfig(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile(path, kMaxConfigBytes));
  const ordered_json config = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto wrong = [&](const char* what) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is no adapter configuration: {}", path, what));
  };
  if (!config.is_object()) return wrong("it is no JSON object");
  JADE_TRY(CheckPlain(config, path));
  LoraOptions options;
  const auto rank = config.find("r"), alpha = config.find("lora_alpha"), targets = config.find("target_modules");
  if (rank == config.end() || !rank->is_number_integer()) return wrong("`r` is no whole number");
  if (alpha == config.end() || !alpha->is_number()) return wrong("`lora_alpha` is no number");
  options.rank = rank->get<int64_t>();
  options.alpha = alpha->get<double>();
  if (targets == config.end()) return wrong("there is no `target_modules`");
  if (targets->is_string() && *targets == "all-linear") return options;
  if (!targets->is_array() || targets->empty()) return wrong("`target_modules` is no list of names");
  for (const ordered_json& target : *targets) {
    if (!target.is_string()) return wrong("`target_modules` is no list of names");
    options.targets.push_back(target.get<std::string>());
  }
  return options;
}

}  // namespace

LoraAdapters::LoraAdapters(const weights::ModelConfig& config, LoraOptions options)
    : config_(config), options_(std::move(options)) {
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    for (const Target& target : TargetsOf(config)) {
      if (!Contains(options_.targets, target.name)) continue;
      const std::string module = fmt::format("model.layers.{}.{}.{}", layer, target.block, target.name);
      masters_.push_back(module + ".weight");
      const std::string prefix = "base_model.model." + module;
      tensors_.push_back({prefix + ".lora_A.weight", at::empty({options_.rank, target.columns}, at::kFloat)});
      tensors_.push_back({prefix + ".lora_B.weight", at::zeros({target.rows, options_.rank}, at::kFloat)});
    }
  }
}

Result<LoraAdapters> LoraAdapters::Create(const weights::ModelConfig& config, const LoraOptions& options) {
  JADE_TRY(CheckSizes(options));
  LoraOptions named = options;
  JADE_ASSIGN_OR_RETURN(named.targets, NamedTargets(config, options.targets));
  LoraAdapters adapters(config, std::move(named));
  for (size_t i = 0; i < adapters.tensors_.size(); ++i) {
    at::Tensor& tensor = adapters.tensors_[i].tensor;
    if (i % 2 == 0) backbone::FillNormal(tensor, 1.0 / static_cast<double>(options.rank), options.seed, i);
    tensor.set_requires_grad(true);
  }
  return adapters;
}

std::vector<TrainedParameter> LoraAdapters::parameters() const {
  std::vector<TrainedParameter> parameters;
  for (const backbone::Parameter& parameter : tensors_) parameters.push_back({parameter.tensor});
  return parameters;
}

backbone::DecoderWeights LoraAdapters::AttachedTo(const backbone::DecoderWeights& base) const {
  JADE_CHECK(static_cast<int64_t>(base.layers.size()) == config_.layers, "adapters of another model");
  backbone::DecoderWeights weights = base;
  size_t next = 0;
  for (backbone::LayerWeights& layer : weights.layers) {
    for (const Target& target : TargetsOf(config_)) {
      if (!Contains(options_.targets, target.name)) continue;
      (layer.adapters.*target.joint)
          .push_back({tensors_[next].tensor, tensors_[next + 1].tensor, target.first_row, scale()});
      next += 2;
    }
  }
  return weights;
}

at::Tensor LoraAdapters::Update(size_t adapter) const {
  return at::mm(tensors_[2 * adapter + 1].tensor.detach(), tensors_[2 * adapter].tensor.detach());
}

void LoraAdapters::MergeInto(backbone::Decoder& model) const {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < masters_.size(); ++i) {
    const at::Tensor* master = model.Find(masters_[i]);
    JADE_CHECK(master != nullptr, "the model has no `{}`", masters_[i]);
    master->add_(Update(i), scale());
  }
}

Status LoraAdapters::SaveMerged(backbone::Decoder& model, const std::string& folder,
                                const backbone::SaveOptions& options) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> base;
  for (const std::string& name : masters_) base.push_back(model.Find(name)->clone());
  MergeInto(model);
  const Status saved = backbone::SaveDecoder(model, folder, options);
  for (size_t i = 0; i < masters_.size(); ++i) model.Find(masters_[i])->copy_(base[i]);
  return saved;
}

Status LoraAdapters::Save(const std::string& folder, const std::string& base_model) const {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    return Error(ErrorCode::kIo, fmt::format("cannot make the folder `{}`: {}", folder, failed.message()));
  }
  const ordered_json config = {{"base_model_name_or_path", base_model},
                               {"bias", "none"},
                               {"fan_in_fan_out", false},
                               {"inference_mode", true},
                               {"init_lora_weights", true},
                               {"lora_alpha", options_.alpha},
                               {"lora_dropout", 0.0},
                               {"modules_to_save", nullptr},
                               {"peft_type", "LORA"},
                               {"r", options_.rank},
                               {"target_modules", options_.targets},
                               {"task_type", "CAUSAL_LM"}};
  JADE_TRY(files::WriteFileAtomically(folder + kConfigFile, config.dump(2) + "\n"));
  std::vector<weights::TensorToWrite> tensors;
  for (const backbone::Parameter& parameter : tensors_) {
    const auto fill = [tensor = parameter.tensor](std::span<std::byte> out) {
      std::memcpy(out.data(), tensor.data_ptr(), out.size());
    };
    tensors.push_back({parameter.name, weights::TensorType::kF32, parameter.tensor.sizes().vec(), fill});
  }
  return weights::WriteSafetensors(folder + kWeightsFile, tensors, {{"format", "pt"}});
}

Result<LoraAdapters> LoraAdapters::Load(const weights::ModelConfig& config, const std::string& folder) {
  JADE_ASSIGN_OR_RETURN(const LoraOptions options, ReadConfig(folder + kConfigFile));
  auto created = Create(config, options);
  if (!created.ok()) return Error(created.error()).Wrap(fmt::format("reading `{}`", folder + kConfigFile));
  JADE_ASSIGN_OR_RETURN(const weights::SafetensorsFile file, weights::SafetensorsFile::Open(folder + kWeightsFile));
  const at::NoGradGuard no_grad;
  for (const backbone::Parameter& parameter : created->tensors_) {
    const weights::TensorView* view = file.Find(parameter.name);
    if (view == nullptr || view->shape != parameter.tensor.sizes().vec()) {
      return Error(
          ErrorCode::kCorrupt,
          fmt::format("`{}` should have `{}` with the shape {}: the adapters belong to another model",
                      folder + kWeightsFile, parameter.name, weights::ShapeText(parameter.tensor.sizes().vec())));
    }
    float* to = parameter.tensor.data_ptr<float>();
    JADE_TRY(weights::Dequantise(view->type, view->data, {to, static_cast<size_t>(parameter.tensor.numel())}));
  }
  return created;
}

}  // namespace jade::train
