#include "runtime/train/train_config.h"

#include <fmt/format.h>

#include "runtime/advantage/groups.h"
#include "runtime/config/yaml.h"

namespace jade::train {
namespace {

using config::Document;
using config::MapReader;
using config::Node;
using config::NodeKind;

constexpr int64_t kMostSteps = 100'000'000;

void ApplyPreset(TrainConfig* out) {
  if (out->preset != "nano") return;  // the defaults are those of the published run
  out->actor_lr = 3e-5;
  out->critic_lr = 3e-4;
  out->critic_warm_up = 5;
  out->rollout.max_prompt = 768;
  out->rollout.max_response = 128;
}

template <typename T>
void ReadName(MapReader& reader, const Document& document, std::string_view key, Result<T> (*parse)(std::string_view),
              T* out) {
  const Node* node = reader.Child(key);
  if (node == nullptr) return;
  const auto text = config::AsText(document, *node);
  if (!text.ok()) return reader.Absorb(text.error());
  const Result<T> value = parse(*text);
  if (!value.ok()) return reader.Report(*node, value.error().message());
  *out = *value;
}

void ReadData(const Document& document, MapReader& train, TrainConfig* out) {
  MapReader data(document, train.Child("data"), "train.data");
  data.Text("train", &out->data)
      .Text("corpus", &out->corpus)
      .Text("test", &out->test)
      .Text("dev", &out->dev.path)
      .Int("dev_limit", &out->dev.limit, 0, kMostSteps);
  data.Require("train");
  train.Absorb(data.Finish());
  MapReader dev(document, train.Child("dev"), "train.dev");
  dev.Int("every", &out->dev.every, 0, kMostSteps)
      .OneOf("choose", {"f1", "em", "accuracy", "reward"}, &out->dev.choose)
      .Int("patience", &out->dev.patience, 0, kMostSteps)
      .Int("samples", &out->dev.samples_shown, 0, 1000);
  train.Absorb(dev.Finish());
}

void ReadPerRole(const Document& document, const Node& node, MapReader& roles, TrainConfig* out) {
  if (node.kind != NodeKind::kMap) return roles.Report(node, "`per_role` is a map from roles to settings");
  for (const auto& [name, value] : node.entries) {
    RoleTraining role;
    MapReader reader(document, &value, "train.roles.per_role." + name);
    advantage::Estimator estimator = advantage::Estimator::kGae;
    ReadName(reader, document, "estimator", &advantage::ParseEstimator, &estimator);
    if (value.Find("estimator") != nullptr) role.estimator = estimator;
    reader.Float("weight", &role.weight, 0, 1e6).Float("lr", &role.lr, 0, 1e6);
    const auto given = [&](const char* key, double least, double most, std::optional<double>* to) {
      double number = 0;
      reader.Float(key, &number, least, most);
      if (value.Find(key) != nullptr) *to = number;
    };
    given("entropy", -1e3, 1e3, &role.entropy);
    given("kl", 0, 1e6, &role.kl);
    roles.Absorb(reader.Finish());
    out->per_role[name] = role;
  }
}

void ReadRoles(const Document& document, MapReader& train, TrainConfig* out) {
  const Node* node = train.Child("roles");
  MapReader roles(document, node, "train.roles");
  std::string others = "start";
  if (const Node* trained = roles.Child("train"); trained != nullptr && trained->kind == NodeKind::kList) {
    out->train_roles = "list";
    auto names = config::AsTextList(document, *trained);
    if (names.ok())
      out->roles = std::move(*names);
    else
      roles.Absorb(names.error());
  } else {
    roles.OneOf("train", {"all", "planners", "executors"}, &out->train_roles);
  }
  roles.OneOf("others", {"start", "filter"}, &others);
  out->others = others == "filter" ? OtherRoles::kFilter : OtherRoles::kStart;
  if (const Node* per_role = roles.Child("per_role")) ReadPerRole(document, *per_role, roles, out);
  train.Absorb(roles.Finish());
}

void ReadRollout(const Document& document, MapReader& train, TrainConfig* out) {
  RolloutConfig& to = out->rollout;
  MapReader reader(document, train.Child("rollout"), "train.rollout");
  reader.Int("questions", &to.questions, 1, 1'000'000)
      .Int("samples", &to.samples, 1, 1024)
      .Int("concurrency", &to.concurrency, 1, 1'000'000)
      .Int("retries", &to.retries, 0, 100)
      .Float("temperature", &to.temperature, 1e-3, 100)
      .Int("max_prompt", &to.max_prompt, 1, 1 << 24)
      .Int("max_response", &to.max_response, 1, 1 << 24)
      .Float("failed_reward", &to.failed_reward, -1e6, 1e6)
      .Bool("overlap", &to.overlap);
  train.Absorb(reader.Finish());
}

void ReadKl(const Document& document, MapReader& train, TrainConfig* out) {
  advantage::KlOptions& kl = out->advantage.kl;
  MapReader reader(document, train.Child("kl"), "train.kl");
  ReadName(reader, document, "in", &advantage::ParseKlPlace, &kl.in);
  ReadName(reader, document, "estimator", &advantage::ParseKlEstimator, &kl.estimator);
  reader.Float("coefficient", &kl.coefficient, 0, 1e6).Int("report_every", &out->kl_report_every, 0, kMostSteps);
  if (const Node* node = reader.Child("adaptive")) {
    kl.adaptive.emplace();
    MapReader adaptive(document, node, "train.kl.adaptive");
    adaptive.Float("target", &kl.adaptive->target, 1e-9, 1e6).Float("horizon", &kl.adaptive->horizon, 1, 1e12);
    adaptive.Require("target");
    reader.Absorb(adaptive.Finish());
  }
  train.Absorb(reader.Finish());
}

void ReadAdvantage(const Document& document, MapReader& train, TrainConfig* out) {
  advantage::EstimatorOptions& to = out->advantage.defaults;
  MapReader reader(document, train.Child("advantage"), "train.advantage");
  ReadName(reader, document, "estimator", &advantage::ParseEstimator, &to.estimator);
  ReadName(reader, document, "whiten", &advantage::ParseWhitening, &out->advantage.whiten);
  reader.Float("gamma", &to.gamma, 0, 1)
      .Float("lambda", &to.lambda, 0, 1)
      .Float("gamma_graph", &to.gamma_graph, 0, 1)
      .Float("lambda_graph", &to.lambda_graph, 0, 1)
      .Bool("divide_by_std", &to.divide_by_std)
      .Float("penalty_scale", &out->advantage.penalty_scale, 0, 1e6);
  if (const Node* node = reader.Child("counterfactual")) {
    out->counterfactual.alternatives = 4;
    MapReader counterfactual(document, node, "train.advantage.counterfactual");
    counterfactual.Int("alternatives", &out->counterfactual.alternatives, 1, 64)
        .Float("share", &out->counterfactual.share, 0, 1)
        .Bool("includes_own", &out->advantage.counterfactual_includes_own);
    reader.Absorb(counterfactual.Finish());
  }
  train.Absorb(reader.Finish());
}

void ReadAlgorithm(const Document& document, MapReader& train, TrainConfig* out) {
  std::string algorithm = "ppo";
  train.OneOf("algorithm", {"ppo", "rejection"}, &algorithm);
  out->algorithm = algorithm == "rejection" ? Algorithm::kRejection : Algorithm::kPpo;
  const Node* node = train.Child("rejection");
  MapReader rejection(document, node, "train.rejection");
  rejection.Float("threshold", &out->rejection.threshold, -1e6, 1e6)
      .Bool("best_of_group", &out->rejection.best_of_group);
  train.Absorb(rejection.Finish());
  if (node != nullptr && out->algorithm == Algorithm::kPpo) {
    train.Report(*node, "`rejection` is read with `algorithm: rejection` only");
  }
}

// What rejection sampling has no use for: a setting that does nothing is a mistake.
void CheckRejection(const Document& document, MapReader& train, const TrainConfig& config) {
  if (config.algorithm != Algorithm::kRejection) return;
  const Node& map = *document.root.Find("train");
  for (const char* key : {"advantage", "critic"}) {
    if (const Node* node = map.Find(key)) {
      train.Report(*node, fmt::format("`algorithm: rejection` has no {}: leave `{}` out", key, key));
    }
  }
  if (const Node* node = map.Find("kl"); node != nullptr && config.advantage.kl.in != advantage::KlPlace::kNone) {
    train.Report(*node, "`algorithm: rejection` has no KL in its loss: `kl.in` is none");
  }
  for (const auto& [role, of] : config.per_role) {
    if (of.estimator) {
      train.Report(*map.Find("roles"),
                   fmt::format("`algorithm: rejection` has no advantages: leave the `estimator` of `{}` out", role));
    }
  }
}

void ReadUpdate(const Document& document, MapReader& train, TrainConfig* out) {
  UpdateConfig& to = out->update;
  std::string compute = "auto";
  MapReader reader(document, train.Child("update"), "train.update");
  reader.Int("epochs", &to.epochs, 1, 1000)
      .Int("mini_batch", &to.mini_batch, 1, 1'000'000)
      .Int("mini_batches", &to.mini_batches, 1, 1'000'000)
      .Bool("shuffle", &to.shuffle)
      .Int("micro_tokens", &to.micro_tokens, 1, 1 << 26)
      .Float("clip_low", &to.clip_low, 0, 1)
      .Float("clip_high", &to.clip_high, 0, 1e3)
      .Float("dual_clip", &to.dual_clip, 0, 1e3)
      .Float("value_clip", &to.value_clip, 0, 1e6)
      .Float("entropy", &to.entropy, -1e3, 1e3)
      .Float("target_kl", &to.target_kl, 0, 1e6)
      .Float("kl_limit", &to.kl_limit, 0, 1e6)
      .Float("importance_cap", &to.importance_cap, 0, 1e6)
      .OneOf("compute", {"auto", "fp32", "bf16"}, &compute)
      .Bool("checkpointing", &to.checkpointing)
      .Bool("share_prefixes", &to.share_prefixes)
      .Bool("skip_flat_groups", &to.skip_flat_groups);
  ReadName(reader, document, "loss_agg", &advantage::ParseLossAggregation, &to.aggregation);
  const Node* node = train.Child("update");
  if (node != nullptr && node->Find("mini_batches") != nullptr) {
    if (node->Find("mini_batch") != nullptr) {
      reader.Report(*node, "give `mini_batch` (transitions in each) or `mini_batches` (of a step), not both");
    }
    to.mini_batch = 0;
  }
  to.compute = compute == "auto" ? ComputeType::kAuto : compute == "fp32" ? ComputeType::kFp32 : ComputeType::kBf16;
  train.Absorb(reader.Finish());
}

void ReadDistributed(const Document& document, MapReader& train, TrainConfig* out) {
  const Node* node = train.Child("distributed");
  MapReader reader(document, node, "train.distributed");
  reader.Seconds("timeout", &out->distributed_timeout);
  if (out->distributed_timeout < 1 || out->distributed_timeout > 86400) {
    reader.Report(*node, "`timeout` is from 1 second to a day");
  }
  train.Absorb(reader.Finish());
}

void ReadSchedule(const Document& document, MapReader& actor, RateSchedule* out) {
  const Node* node = actor.Child("schedule");
  if (node == nullptr) return;
  MapReader reader(document, node, "train.actor.schedule");
  std::string shape = "constant";
  reader.OneOf("shape", {"constant", "linear", "cosine"}, &shape)
      .Int("warm_up", &out->warm_up, 0, kMostSteps)
      .Int("steps", &out->steps, 1, kMostSteps)
      .Float("final", &out->final, 0, 1);
  using Shape = RateSchedule::Shape;
  out->shape = shape == "linear" ? Shape::kLinear : shape == "cosine" ? Shape::kCosine : Shape::kConstant;
  if (out->shape == Shape::kConstant) {
    for (const char* key : {"steps", "final"}) {
      if (node->Find(key) != nullptr) {
        reader.Report(*node, fmt::format("a constant rate has no `{}`: `shape` is linear or cosine", key));
      }
    }
  } else if (out->steps <= out->warm_up) {
    reader.Report(*node, "`steps`, after which the rate has fallen, must be more than `warm_up`");
  }
  actor.Absorb(reader.Finish());
}

void ReadOptimisers(const Document& document, MapReader& train, TrainConfig* out) {
  MapReader actor(document, train.Child("actor"), "train.actor");
  actor.Float("lr", &out->actor_lr, 0, 1);
  ReadSchedule(document, actor, &out->actor_schedule);
  if (const Node* node = actor.Child("lora")) {
    MapReader lora(document, node, "train.actor.lora");
    lora.Int("rank", &out->lora.rank, 1, 4096)
        .Float("alpha", &out->lora.alpha, 1e-6, 1e6)
        .TextList("targets", &out->lora.targets)
        .Require("rank");
    actor.Absorb(lora.Finish());
  }
  train.Absorb(actor.Finish());
  MapReader critic(document, train.Child("critic"), "train.critic");
  std::string kind = "model";
  critic.OneOf("kind", {"model", "head", "none"}, &kind)
      .Float("lr", &out->critic_lr, 0, 1)
      .Int("warm_up", &out->critic_warm_up, 0, kMostSteps)
      .Float("coefficient", &out->update.value_coefficient, 0, 1e6);
  out->critic = kind == "model" ? CriticKind::kModel : kind == "head" ? CriticKind::kHead : CriticKind::kNone;
  train.Absorb(critic.Finish());
  MapReader optimiser(document, train.Child("optimiser"), "train.optimiser");
  optimiser.Float("beta1", &out->optimiser.beta1, 0, 0.9999)
      .Float("beta2", &out->optimiser.beta2, 0, 0.99999)
      .Float("epsilon", &out->optimiser.epsilon, 1e-16, 1)
      .Float("weight_decay", &out->optimiser.weight_decay, 0, 10)
      .Float("clip", &out->optimiser.clip, 0, 1e6);
  train.Absorb(optimiser.Finish());
}

// Which calls teach nothing is known before the passes only where neither a critic nor the policy has a say in rewards.
void CheckFlatGroups(const Document& document, MapReader& train, const TrainConfig& config) {
  if (!config.update.skip_flat_groups) return;
  const Node& place = *document.root.Find("train")->Find("update");
  bool groups = advantage::UsesGroups(config.advantage.defaults.estimator);
  for (const auto& [name, role] : config.per_role) groups |= role.estimator && advantage::UsesGroups(*role.estimator);
  if (!groups || config.NeedsCritic() || config.algorithm == Algorithm::kRejection) {
    train.Report(place, "`skip_flat_groups` is for the group estimators alone: grpo, rloo, reinforce++-baseline");
  }
  if (config.advantage.kl.in == advantage::KlPlace::kReward) {
    train.Report(place, "`skip_flat_groups` needs the KL in the loss, or none: in rewards it tells all calls apart");
  }
}

// What sampling for training may not do: the recorded log-probabilities would be of another distribution.
void CheckSampling(const Document& document, MapReader& train, const settings::Settings& settings) {
  const Node* sampling = document.root.Find("sampling");
  if (sampling == nullptr) return;
  for (const auto& [role, node] : sampling->entries) {
    for (const char* key : {"top_k", "top_p"}) {
      if (const Node* found = node.Find(key)) {
        train.Report(*found,
                     fmt::format("training samples by temperature only: take `{}` out of `sampling.{}`", key, role));
      }
    }
    const auto temperature =
        role == "default" ? settings.sampling_default.temperature : settings.sampling.at(role).temperature;
    if (temperature && *temperature == 0.0) {
      train.Report(node, fmt::format("training needs samples: `sampling.{}` must have a temperature above 0", role));
    }
  }
}

void CheckTogether(const Document& document, MapReader& train, TrainConfig* out) {
  const Node* backbone = document.root.Find("backbone");
  const Node& place = backbone != nullptr ? *backbone : document.root;
  if (settings::Settings& s = out->settings; s.backbone.is_remote() || s.backbone.is_script()) {
    train.Report(place, "only a backbone in this process can be trained: `backbone.kind` is local");
  }
  if (out->settings.backbone.dtype == "int8") {
    train.Report(place, "int8 weights cannot be trained: `backbone.dtype` is auto, fp32 or bf16");
  }
  if (!out->settings.backbone.policies.empty()) {
    train.Report(place, "`backbone.policies` are set by `train.roles` here: leave them out");
  }
  if (out->critic == CriticKind::kNone && out->NeedsCritic()) {
    train.Report(document.root, "the estimator `gae` needs a critic: choose `critic.kind`, or another estimator");
  }
  if (const Status options = advantage::CheckOptions(out->advantage); !options.ok()) {
    train.Report(document.root, options.error().message());
  }
  if (out->train_roles == "list" && out->roles.empty()) {
    train.Report(document.root, "`train.roles.train` names no role");
  }
  for (const auto& [role, of] : out->per_role) {
    if (of.kl && out->advantage.kl.in != advantage::KlPlace::kLoss) {
      train.Report(*document.root.Find("train")->Find("roles"),
                   fmt::format("`kl` of role `{}` is a term of the loss: set `train.kl.in` to loss", role));
    }
  }
}

void Flatten(const Node& node, const std::string& place, std::map<std::string, std::string>* out) {
  const auto below = [&](const std::string& key) { return place.empty() ? key : place + "." + key; };
  if (node.kind == NodeKind::kScalar) (*out)[place] = node.scalar;
  for (const auto& [key, value] : node.entries) Flatten(value, below(key), out);
  for (size_t i = 0; i < node.items.size(); ++i) Flatten(node.items[i], below(std::to_string(i)), out);
}

Result<TrainConfig> ReadConfig(const Document& document, settings::Settings settings) {
  TrainConfig out;
  out.name = document.name;
  out.settings = std::move(settings);
  out.optimiser.beta2 = 0.999;
  MapReader top(document, &document.root, "configuration");
  const Node* node = top.Child("train");
  if (node == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`{}` has no `train`: it says what is trained on what (docs/training.md)", document.name));
  }
  MapReader train(document, node, "train");
  train.OneOf("preset", {"paper-7b", "nano"}, &out.preset);
  ApplyPreset(&out);
  int64_t seed = 1;
  train.Text("file", &out.file)
      .Text("workflow", &out.workflow)
      .Text("run", &out.run)
      .Text("output", &out.output)
      .Text("arm", &out.arm)
      .Text("export_batches", &out.export_batches)
      .Int("seed", &seed, 0)
      .Int("steps", &out.steps, 0, kMostSteps)
      .Float("epochs", &out.epochs, 0, 1e6)
      .Int("checkpoint_every", &out.checkpoint_every, 1, kMostSteps);
  out.seed = static_cast<uint64_t>(seed);
  ReadData(document, train, &out);
  ReadRoles(document, train, &out);
  ReadRollout(document, train, &out);
  ReadAlgorithm(document, train, &out);
  ReadAdvantage(document, train, &out);
  ReadKl(document, train, &out);
  ReadUpdate(document, train, &out);
  ReadOptimisers(document, train, &out);
  ReadDistributed(document, train, &out);
  for (const char* key : {"file", "run", "data"}) train.Require(key);
  CheckSampling(document, train, out.settings);
  CheckTogether(document, train, &out);
  CheckRejection(document, train, out);
  CheckFlatGroups(document, train, out);
  JADE_TRY(train.Finish());
  Flatten(document.root, "", &out.given);
  return out;
}

}  // namespace

bool TrainConfig::NeedsCritic() const {
  if (algorithm == Algorithm::kRejection) return false;
  bool needed = advantage::NeedsValues(advantage.defaults.estimator);
  for (const auto& [name, role] : per_role) needed |= role.estimator && advantage::NeedsValues(*role.estimator);
  return needed;
}

bool TrainConfig::NeedsGraph() const {
  if (algorithm == Algorithm::kRejection) return false;
  bool needed = advantage.defaults.estimator == advantage::Estimator::kGraphGae;
  for (const auto& [name, role] : per_role) needed |= role.estimator == advantage::Estimator::kGraphGae;
  return needed;
}

Result<TrainConfig> ParseTrainConfig(std::string name, const std::string& text) {
  JADE_ASSIGN_OR_RETURN(settings::Settings settings, settings::ParseSettings(name, text));
  JADE_ASSIGN_OR_RETURN(const Document document, config::ParseYaml(std::move(name), text));
  return ReadConfig(document, std::move(settings));
}

Result<TrainConfig> LoadTrainConfig(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(settings::Settings settings, settings::LoadSettings(path));
  JADE_ASSIGN_OR_RETURN(const Document document, config::LoadYaml(path));
  return ReadConfig(document, std::move(settings));
}

}  // namespace jade::train
