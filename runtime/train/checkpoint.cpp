#include "runtime/train/checkpoint.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/weights/safetensors.h"

namespace jade::train {
namespace {

using nlohmann::json;
using weights::SafetensorsFile;
using weights::TensorToWrite;
using weights::TensorType;

constexpr int kFormat = 1;
constexpr const char* kPrefixes[] = {"weight/", "first_moment/", "second_moment/"};

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

std::vector<NamedTensor> AllTensors(const backbone::Decoder& model, Optimiser& optimiser) {
  std::vector<NamedTensor> all;
  const std::vector<backbone::Parameter>& parameters = model.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    all.push_back({kPrefixes[0] + parameters[i].name, parameters[i].tensor.detach()});
    all.push_back({kPrefixes[1] + parameters[i].name, optimiser.first_moments()[i]});
    all.push_back({kPrefixes[2] + parameters[i].name, optimiser.second_moments()[i]});
  }
  return all;
}

std::string ToJson(const SftPosition& position, int64_t optimiser_steps) {
  json cursors = json::array();
  for (const SourceCursor& cursor : position.cursors) {
    cursors.push_back({{"epoch", cursor.epoch}, {"position", cursor.position}, {"tokens", cursor.tokens}});
  }
  const json state = {{"format", kFormat},
                      {"stage", position.stage},
                      {"stage_tokens", position.stage_tokens},
                      {"tokens", position.tokens},
                      {"step", position.step},
                      {"cursors", cursors},
                      {"since_dev", position.since_dev},
                      {"best", position.best},
                      {"has_best", position.has_best},
                      {"seconds", position.seconds},
                      {"fingerprint", position.fingerprint},
                      {"optimiser_steps", optimiser_steps}};
  return state.dump();
}

Result<SftPosition> FromJson(const std::string& text, const std::string& path, int64_t* optimiser_steps) {
  try {
    const json state = json::parse(text);
    if (state.at("format").get<int>() > kFormat) {
      return Error(ErrorCode::kVersion, fmt::format("`{}` was written by a newer JADE", path));
    }
    SftPosition position;
    position.stage = state.at("stage");
    position.stage_tokens = state.at("stage_tokens");
    position.tokens = state.at("tokens");
    position.step = state.at("step");
    for (const json& item : state.at("cursors")) {
      position.cursors.push_back({item.at("epoch"), item.at("position"), item.at("tokens")});
    }
    position.since_dev = state.at("since_dev");
    position.best = state.at("best");
    position.has_best = state.at("has_best");
    position.seconds = state.at("seconds");
    position.fingerprint = state.at("fingerprint");
    *optimiser_steps = state.at("optimiser_steps");
    return position;
  } catch (const json::exception& error) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is not a training checkpoint: {}", path, error.what()));
  }
}

}  // namespace

Status SaveCheckpoint(const std::string& path, const backbone::Decoder& model, Optimiser& optimiser,
                      const SftPosition& position) {
  std::vector<TensorToWrite> tensors;
  for (const NamedTensor& named : AllTensors(model, optimiser)) {
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
  return weights::WriteSafetensors(path, tensors, {{"jade.sft", ToJson(position, optimiser.steps())}});
}

Result<SftPosition> LoadCheckpoint(const std::string& path, backbone::Decoder& model, Optimiser& optimiser) {
  JADE_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  const auto text = file.metadata().find("jade.sft");
  if (text == file.metadata().end()) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is not a training checkpoint", path));
  }
  int64_t optimiser_steps = 0;
  JADE_ASSIGN_OR_RETURN(SftPosition position, FromJson(text->second, path, &optimiser_steps));
  const std::vector<NamedTensor> all = AllTensors(model, optimiser);
  for (const NamedTensor& named : all) {  // check everything before anything is changed
    const weights::TensorView* view = file.Find(named.name);
    if (view == nullptr || view->type != TensorType::kF32 || view->shape != named.tensor.sizes().vec()) {
      return Error(ErrorCode::kCorrupt, fmt::format("`{}` belongs to another model: `{}` should be fp32 {}", path,
                                                    named.name, weights::ShapeText(named.tensor.sizes().vec())));
    }
  }
  const at::NoGradGuard no_grad;
  for (const NamedTensor& named : all) {
    const weights::TensorView* view = file.Find(named.name);
    at::Tensor host = at::empty(named.tensor.sizes(), at::kFloat);
    std::memcpy(host.data_ptr(), view->data.data(), view->data.size());
    at::Tensor target = named.tensor;
    target.copy_(host);
  }
  optimiser.set_steps(optimiser_steps);
  return position;
}

}  // namespace jade::train
