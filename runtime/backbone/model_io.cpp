#include "runtime/backbone/model_io.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "runtime/files/atomic_file.h"

namespace jade::backbone {
namespace {

Status ReadParameter(const weights::ModelFiles& files, const Parameter& parameter) {
  const weights::TensorView* stored = files.Find(parameter.name);
  if (stored == nullptr) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` has no tensor `{}`", files.path(), parameter.name));
  }
  const auto expected = parameter.tensor.sizes().vec();
  if (stored->shape != expected) {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("tensor `{}` has shape {}, the configuration asks for {}", parameter.name,
                             weights::ShapeText(stored->shape), weights::ShapeText(expected)));
  }
  const bool direct = parameter.tensor.device().is_cpu();
  at::Tensor target = direct ? parameter.tensor : at::empty(expected, at::kFloat);
  JADE_TRY(files.ReadFloats(parameter.name, {target.data_ptr<float>(), static_cast<size_t>(target.numel())}));
  if (!direct) parameter.tensor.copy_(target);
  return {};
}

}  // namespace

Status LoadWeights(const weights::ModelFiles& files, Decoder* decoder) {
  at::NoGradGuard no_grad;
  for (const Parameter& parameter : decoder->parameters()) JADE_TRY(ReadParameter(files, parameter));
  return {};
}

Result<std::shared_ptr<Decoder>> LoadDecoder(const weights::ModelFiles& files, at::Device device) {
  auto decoder = std::make_shared<Decoder>(files.config(), device);
  JADE_TRY(LoadWeights(files, decoder.get()));
  return decoder;
}

Status SaveDecoder(const Decoder& decoder, const std::string& folder, const SaveOptions& options) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    return Error(ErrorCode::kIo, fmt::format("cannot make the folder `{}`: {}", folder, failed.message()));
  }
  const bool half = options.dtype == at::kBFloat16;
  std::vector<weights::TensorToWrite> tensors;
  for (const Parameter& parameter : decoder.parameters()) {
    const auto fill = [tensor = parameter.tensor, dtype = options.dtype](std::span<std::byte> out) {
      const at::Tensor bytes = tensor.detach().to(at::kCPU, dtype).contiguous();
      std::memcpy(out.data(), bytes.data_ptr(), out.size());
    };
    tensors.push_back({parameter.name, half ? weights::TensorType::kBF16 : weights::TensorType::kF32,
                       parameter.tensor.sizes().vec(), fill});
  }
  if (options.tokenizer != nullptr) JADE_TRY(tokenizer::WriteTokenizerFiles(*options.tokenizer, folder));
  JADE_TRY(files::WriteFileAtomically(folder + "/config.json",
                                      weights::ModelConfigJson(decoder.config(), half ? "bfloat16" : "float32")));
  return weights::WriteSafetensors(folder + "/model.safetensors", tensors, {{"format", "pt"}});
}

}  // namespace jade::backbone
