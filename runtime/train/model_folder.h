#pragma once
// Decoders from and to disk. One thread.

#include <string>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/weights/model_files.h"

namespace jade::train {

// Fills the master weights from a folder or GGUF of the same configuration.
Status ReadWeights(const weights::ModelFiles& files, backbone::Decoder& model);

// Writes config.json, model.safetensors and the tokenizer: a folder that `transformers` and `jade run` load. Creates it
// when missing; each file is replaced atomically, the weights last.
Status WriteModelFolder(const std::string& folder, const backbone::Decoder& model,
                        const tokenizer::TokenizerSpec& tokenizer, bool as_bf16);

}  // namespace jade::train
