#pragma once
// A decoder's weights from files and to files.

#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/tokenizer/spec.h"
#include "runtime/weights/model_files.h"

namespace jade::backbone {

// Master weights in fp32, whatever type the files have. kCorrupt names a tensor that is missing or of another shape.
Result<std::shared_ptr<Decoder>> LoadDecoder(const weights::ModelFiles& files, at::Device device = at::kCPU);

// Reads the tensors of `files` into a decoder that exists, in place. The configurations must agree.
Status LoadWeights(const weights::ModelFiles& files, Decoder* decoder);

struct SaveOptions {
  at::ScalarType dtype = at::kFloat;                    // kFloat or kBFloat16
  const tokenizer::TokenizerSpec* tokenizer = nullptr;  // written beside the weights when given
};

// A Hugging Face folder that `transformers` loads: config.json, model.safetensors, tokenizer files. Each file is
// replaced atomically, the weights last, so an interrupted save leaves a folder that loads.
Status SaveDecoder(const Decoder& decoder, const std::string& folder, const SaveOptions& options = {});

}  // namespace jade::backbone
