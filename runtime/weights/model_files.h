#pragma once
// A model on disk, whatever its format: a Hugging Face folder (config.json, safetensors, tokenizer.json) or a GGUF. All
// tensors go by their Hugging Face names and layout; GGUF's names, and the row order it gives q and k of Llama models,
// are undone here. Immutable after Open: any thread may read.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/weights/gguf.h"
#include "runtime/weights/model_config.h"
#include "runtime/weights/safetensors.h"

namespace jade::weights {

class ModelFiles {
 public:
  // `path`: a folder, or a .gguf file. Checks that every tensor that the configuration needs is there in the right
  // shape; kCorrupt names the tensor, the shape it has and the shape the configuration asks for.
  static Result<ModelFiles> Open(const std::string& path);

  const std::string& path() const { return path_; }
  const ModelConfig& config() const { return config_; }
  Result<tokenizer::Tokenizer> LoadTokenizer() const;

  // The tensor as stored, by Hugging Face name ("model.layers.0.self_attn.q_proj.weight"), shape [out, in]; null when
  // the model has none (a tied `lm_head.weight`). `data` is in the file's row order: read values with ReadFloats.
  const TensorView* Find(std::string_view name) const;

  // Dequantises the tensor into `out` (its number of elements), rows in Hugging Face order.
  Status ReadFloats(std::string_view name, std::span<float> out) const;

 private:
  ModelFiles() = default;
  std::string path_;
  ModelConfig config_;
  std::optional<SafetensorsSet> safetensors_;
  std::optional<GgufFile> gguf_;
};

// llama.cpp stores the rows of q and k of Llama models so that rotary pairs are neighbours; Hugging Face keeps the
// halves apart. Reorders rows [heads · head_dim][columns] from the former to the latter, in place.
void UnpermuteRotaryRows(std::span<float> rows, int64_t heads, int64_t columns);

// "blk.3.attn_q.weight" for "model.layers.3.self_attn.q_proj.weight"; empty for a name with no counterpart.
std::string GgufTensorName(std::string_view hugging_face_name);

}  // namespace jade::weights
