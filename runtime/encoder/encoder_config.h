#pragma once
// What an encoder is, from its Hugging Face folder: the shape of the network (config.json) and how a text becomes one
// vector (the files of sentence-transformers). Plain values.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/weights/model_config.h"

namespace jade::encoder {

enum class Activation { kGelu, kGeluTanh, kRelu };
enum class Pooling { kMean, kFirst };
std::string_view PoolingName(Pooling pooling);  // "mean", "cls"

struct BertConfig {
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t ffn_size = 0;
  int64_t max_positions = 0;
  int64_t token_types = 0;
  double norm_eps = 1e-12;
  Activation activation = Activation::kGelu;
};

// kUnsupported for another architecture, activation or kind of positions; kCorrupt for a size that is missing or
// absurd.
Result<BertConfig> BertConfigFromJson(std::string_view json);

// The tensors of a BertModel without its pooler, by their names in it, with their shapes.
std::vector<weights::ExpectedTensor> ExpectedTensors(const BertConfig& config);

struct SentenceConfig {
  Pooling pooling = Pooling::kMean;
  std::string query_prefix;
  std::string passage_prefix;
  int64_t max_tokens = 0;  // 0: as many as there are positions
};

// The texts of the files that say it; empty for a file that is not there.
struct SentenceFiles {
  std::string pooling;    // 1_Pooling/config.json
  std::string transform;  // sentence_bert_config.json: max_seq_length
  std::string prompts;    // config_sentence_transformers.json: prompts for query and passage (or document)
};

// What the files say; for what they leave open, what the model's authors ask for, known by its name: E5 is given
// "query: " and "passage: ", English BGE an instruction before queries, and BGE pools the first token.
Result<SentenceConfig> SentenceConfigFrom(const SentenceFiles& files, std::string_view model_name);

}  // namespace jade::encoder
