#pragma once
// BERT encoders in LibTorch: MiniLM, E5, BGE and what else is a BertModel with mean or first-token pooling. Loading
// maps the weights and copies them into fp32. An encoder belongs to one thread; it computes with LibTorch's threads.

#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/dense/text_encoder.h"

namespace jade::encoder {

struct EncoderOptions {
  std::string folder;           // Hugging Face: config.json, safetensors, tokenizer.json or vocab.txt
  std::string name;             // as the user calls it; also tells E5's and BGE's prefixes (encoder_config.h)
  std::string device = "auto";  // auto, cpu, cuda
};

// kUnsupported names what is not BERT's, kCorrupt the tensor that is missing or of another shape.
Result<std::unique_ptr<dense::TextEncoder>> LoadEncoder(const EncoderOptions& options);

}  // namespace jade::encoder
