#include "runtime/train/train_checkpoint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/train/agreement.h"
#include "runtime/weights/safetensors.h"

namespace jade::train {
namespace {

using nlohmann::json;
using weights::SafetensorsFile;
using weights::TensorToWrite;
using weights::TensorType;

constexpr int kFormat = 1;
constexpr char kKey[] = "jade.train";

using NamedTensors = std::vector<backbone::Parameter>;

void AddWithMoments(const NamedTensors& parameters, Optimiser& optimiser, NamedTensors* all) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    all->push_back({"weight/" + parameters[i].name, parameters[i].tensor.detach()});
    all->push_back({"first_moment/" + parameters[i].name, optimiser.first_moments()[i]});
    all->push_back({"second_moment/" + parameters[i].name, optimiser.second_moments()[i]});
  }
}

NamedTensors AllTensors(const TrainState& state) {
  NamedTensors all;
  AddWithMoments(state.trainer->policy_parameters(), state.trainer->actor_optimiser(), &all);
  if (Critic* critic = state.trainer->critic()) {
    AddWithMoments(critic->named_parameters(), *state.trainer->critic_optimiser(), &all);
  }
  if (state.serving != nullptr) {
    for (const backbone::Parameter& parameter : state.serving->parameters()) {
      all.push_back({"serving/" + parameter.name, parameter.tensor.detach()});
    }
  }
  return all;
}

std::string ToJson(const TrainState& state, const TrainPosition& position) {
  Optimiser* critic = state.trainer->critic_optimiser();
  const advantage::KlController& kl = state.trainer->kl_controller();
  return json{{"format", kFormat},
              {"step", position.step},
              {"seconds", position.seconds},
              {"best", position.best},
              {"best_step", position.best_step},
              {"since_best", position.since_best},
              {"stopped", position.stopped},
              {"fingerprint", position.fingerprint},
              {"kl", {kl.coefficient, kl.target, kl.horizon}},
              {"actor_steps", state.trainer->actor_optimiser().steps()},
              {"critic_steps", critic == nullptr ? 0 : critic->steps()}}
      .dump();
}

struct Steps {
  int64_t actor = 0, critic = 0;
};

Result<TrainPosition> FromJson(const std::string& text, const std::string& path, Steps* steps) {
  try {
    const json state = json::parse(text);
    if (state.at("format").get<int>() > kFormat) {
      return Error(ErrorCode::kVersion, fmt::format("`{}` was written by a newer JADE", path));
    }
    TrainPosition position;
    position.step = state.at("step");
    position.seconds = state.at("seconds");
    position.best = state.at("best");
    position.best_step = state.at("best_step");
    position.since_best = state.at("since_best");
    position.stopped = state.at("stopped");
    position.fingerprint = state.at("fingerprint");
    const json& kl = state.at("kl");
    position.kl = {kl.at(0), kl.at(1), kl.at(2)};
    steps->actor = state.at("actor_steps");
    steps->critic = state.at("critic_steps");
    return position;
  } catch (const json::exception& error) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is not a training checkpoint: {}", path, error.what()));
  }
}

void Restore(const Steps& steps, const TrainPosition& position, const TrainState& state) {
  state.trainer->actor_optimiser().set_steps(steps.actor);
  if (Optimiser* critic = state.trainer->critic_optimiser()) critic->set_steps(steps.critic);
  state.trainer->kl_controller() = position.kl;
  state.trainer->WeightsChanged();
}

}  // namespace

Status SaveTrainCheckpoint(const std::string& path, const TrainState& state, const TrainPosition& position) {
  std::vector<TensorToWrite> tensors;
  for (const backbone::Parameter& named : AllTensors(state)) {
    TensorToWrite item;
    item.name = named.name;
    item.type = TensorType::kF32;
    item.shape = named.tensor.sizes().vec();
    item.fill = [tensor = named.tensor](std::span<std::byte> out) {
      const at::Tensor dense = tensor.to(at::kCPU).contiguous();
      std::memcpy(out.data(), dense.data_ptr(), out.size());
    };
    tensors.push_back(std::move(item));
  }
  return weights::WriteSafetensors(path, tensors, {{kKey, ToJson(state, position)}});
}

Result<TrainPosition> LoadTrainCheckpoint(const std::string& path, const TrainState& state) {
  JADE_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  const auto text = file.metadata().find(kKey);
  if (text == file.metadata().end()) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is not a checkpoint of `jade train`", path));
  }
  Steps steps;
  JADE_ASSIGN_OR_RETURN(const TrainPosition position, FromJson(text->second, path, &steps));
  const NamedTensors all = AllTensors(state);
  for (const backbone::Parameter& named : all) {  // check everything before anything is changed
    const weights::TensorView* view = file.Find(named.name);
    if (view == nullptr || view->type != TensorType::kF32 || view->shape != named.tensor.sizes().vec()) {
      return Error(ErrorCode::kCorrupt, fmt::format("`{}` belongs to another model or critic: `{}` should be fp32 {}",
                                                    path, named.name, weights::ShapeText(named.tensor.sizes().vec())));
    }
  }
  const at::NoGradGuard no_grad;
  for (const backbone::Parameter& named : all) {
    const weights::TensorView* view = file.Find(named.name);
    at::Tensor host = at::empty(named.tensor.sizes(), at::kFloat);
    std::memcpy(host.data_ptr(), view->data.data(), view->data.size());
    at::Tensor target = named.tensor;
    target.copy_(host);
  }
  Restore(steps, position, state);
  return position;
}

Status BroadcastTrainState(Collective& collective, const TrainState& state, TrainPosition* position) {
  if (collective.size() == 1) return {};
  JADE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, GatherTexts(collective, ToJson(state, *position)));
  Steps steps;
  JADE_ASSIGN_OR_RETURN(*position, FromJson(texts[0], "rank 0's position", &steps));
  std::vector<at::Tensor> tensors;
  for (const backbone::Parameter& named : AllTensors(state)) tensors.push_back(named.tensor);
  JADE_TRY(collective.Broadcast(tensors));
  Restore(steps, *position, state);
  return {};
}

std::string WeightsHash(const backbone::Decoder& policy) {
  XXH64_hash_t hash = 0;
  for (const backbone::Parameter& parameter : policy.parameters()) {
    const at::Tensor dense = parameter.tensor.detach().to(at::kCPU).contiguous();
    hash = XXH3_64bits_withSeed(dense.data_ptr(), dense.nbytes(), hash);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace jade::train
