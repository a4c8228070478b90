#pragma once
// What the tests of this room share: a tokenizer of single bytes, a folder that goes away, a small copying task.

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "runtime/tokenizer/bpe_trainer.h"
#include "runtime/tokenizer/chat.h"
#include "runtime/train/sft_config.h"

namespace jade::train::testing {

// A fresh folder below the system's temporary one, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jade-train-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

inline tokenizer::TokenizerSpec ByteTokenizerSpec() {
  tokenizer::BpeTrainerOptions options;
  options.special_tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  options.vocab_size = 259;
  tokenizer::TokenizerSpec spec = tokenizer::BpeTrainer(options).Train().value();
  spec.eos = 2;
  return spec;
}

inline tokenizer::ChatFormat ByteChat() {
  return tokenizer::ChatFormat::Detect(tokenizer::Tokenizer::Create(ByteTokenizerSpec()).value()).value();
}

// "say WORD" → "WORD" for random words of three letters out of eight: 512 words, so replying right needs copying or a
// table of all of them, and the loss of a model that does neither stays above log 8 a letter.
inline std::string CopyTask(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::string word;
    for (int k = 0; k < 3; ++k) word += static_cast<char>('a' + random() % 8);
    text += R"({"role":"copy","messages":[{"role":"user","content":")" + word + R"("}],"reply":")" + word + "\"}\n";
  }
  return text;
}

// A small model on `data`, all in `folder`.
inline SftConfig SmallConfig(const TemporaryFolder& folder, const std::string& data) {
  (void)tokenizer::WriteTokenizerFiles(ByteTokenizerSpec(), folder / ".");
  SftConfig config;
  config.init.emplace();
  config.init->hidden_size = 32;
  config.init->layers = 2;
  config.init->heads = 2;
  config.init->kv_heads = 1;
  config.init->head_dim = 16;
  config.init->ffn_size = 64;
  config.init->max_positions = 128;
  config.init->tied_embeddings = true;
  config.tokenizer = folder / ".";
  config.run = folder / "run";
  config.output = folder / "out";
  config.seed = 7;
  config.batch_tokens = 512;
  config.micro_tokens = 300;
  config.compute = ComputeType::kFp32;
  config.optimiser.beta2 = 0.98;
  SftStage stage;
  stage.name = "copy";
  stage.data = {{data, 1.0}};
  stage.tokens = 512 * 12;
  stage.lr = 3e-3;
  stage.max_length = 128;
  config.stages = {stage};
  return config;
}

}  // namespace jade::train::testing
