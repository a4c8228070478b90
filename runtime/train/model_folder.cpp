#include "runtime/train/model_folder.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "runtime/files/atomic_file.h"
#include "runtime/weights/safetensors.h"

namespace jade::train {
namespace {

weights::TensorToWrite Writer(const backbone::Parameter& parameter, bool as_bf16) {
  weights::TensorToWrite item;
  item.name = parameter.name;
  item.type = as_bf16 ? weights::TensorType::kBF16 : weights::TensorType::kF32;
  item.shape = parameter.tensor.sizes().vec();
  item.fill = [tensor = parameter.tensor.detach(), as_bf16](std::span<std::byte> out) {
    const at::Tensor dense = tensor.to(at::kCPU).to(as_bf16 ? at::kBFloat16 : at::kFloat).contiguous();
    std::memcpy(out.data(), dense.data_ptr(), out.size());
  };
  return item;
}

}  // namespace

Status ReadWeights(const weights::ModelFiles& files, backbone::Decoder& model) {
  const at::NoGradGuard no_grad;
  for (const backbone::Parameter& parameter : model.parameters()) {
    at::Tensor host = at::empty(parameter.tensor.sizes(), at::kFloat);
    const std::span<float> values(host.data_ptr<float>(), static_cast<size_t>(host.numel()));
    JADE_TRY(files.ReadFloats(parameter.name, values));
    at::Tensor target = parameter.tensor.detach();
    target.copy_(host);
  }
  return {};
}

Status WriteModelFolder(const std::string& folder, const backbone::Decoder& model,
                        const tokenizer::TokenizerSpec& tokenizer, bool as_bf16) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return Error(ErrorCode::kIo, fmt::format("cannot create `{}`: {}", folder, code.message()));
  JADE_TRY(tokenizer::WriteTokenizerFiles(tokenizer, folder));
  JADE_TRY(files::WriteFileAtomically(folder + "/config.json",
                                      weights::ModelConfigJson(model.config(), as_bf16 ? "bfloat16" : "float32")));
  std::vector<weights::TensorToWrite> tensors;
  for (const backbone::Parameter& parameter : model.parameters()) tensors.push_back(Writer(parameter, as_bf16));
  return weights::WriteSafetensors(folder + "/model.safetensors", tensors, {{"format", "pt"}});
}

}  // namespace jade::train
