#include "runtime/train/critic.h"

namespace jade::train {

std::shared_ptr<backbone::Decoder> CopyOf(const backbone::Decoder& decoder) {
  auto copy = std::make_shared<backbone::Decoder>(decoder.config(), decoder.device());
  CopyWeights(decoder, *copy);
  return copy;
}

void CopyWeights(const backbone::Decoder& from, backbone::Decoder& to) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < from.parameters().size(); ++i) {
    at::Tensor target = to.parameters()[i].tensor;
    target.copy_(from.parameters()[i].tensor);
  }
}

std::vector<TrainedParameter> TrainedParametersOf(const backbone::Decoder& decoder) {
  std::vector<TrainedParameter> parameters;
  for (const backbone::Parameter& parameter : decoder.parameters()) {
    const bool in_layer = parameter.name.starts_with("model.layers.");  // the others: embedding, head, last norm
    parameters.push_back({parameter.tensor, in_layer && parameter.tensor.dim() == 2});
  }
  return parameters;
}

Critic::Critic(const backbone::Decoder& start, bool own_decoder) {
  if (own_decoder) {
    decoder_ = CopyOf(start);
    decoder_->SetRequiresGrad(true);
  }
  const auto options = at::TensorOptions(at::kFloat).device(start.device());
  weight_D_ = at::zeros({start.config().hidden_size}, options).set_requires_grad(true);
  bias_1_ = at::zeros({1}, options).set_requires_grad(true);
}

std::vector<TrainedParameter> Critic::parameters() const {
  std::vector<TrainedParameter> all;
  if (decoder_ != nullptr) all = TrainedParametersOf(*decoder_);
  all.push_back({weight_D_});
  all.push_back({bias_1_});
  return all;
}

std::vector<backbone::Parameter> Critic::named_parameters() const {
  std::vector<backbone::Parameter> all;
  if (decoder_ != nullptr) {
    for (const backbone::Parameter& parameter : decoder_->parameters()) {
      all.push_back({"critic/" + parameter.name, parameter.tensor});
    }
  }
  all.push_back({"critic/head.weight", weight_D_});
  all.push_back({"critic/head.bias", bias_1_});
  return all;
}

at::Tensor Critic::Values(const at::Tensor& hidden_MD) const {
  return at::mv(hidden_MD.to(at::kFloat), weight_D_) + bias_1_;
}

}  // namespace jade::train
