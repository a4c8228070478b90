#include "runtime/encoder/encoder.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "compiler/source/source.h"
#include "runtime/encoder/bert.h"
#include "runtime/tokenizer/word_piece.h"
#include "runtime/weights/safetensors.h"

namespace jade::encoder {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20U;
constexpr uint64_t kMaxVocabularyBytes = uint64_t{64} << 20U;
constexpr size_t kTokensAtOnce = 4'096;  // of a batch: large matrix products, small attention scores

class Hasher {
 public:
  Hasher() : state_(XXH3_createState(), XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void Add(std::string_view name, std::span<const std::byte> bytes) {
    const uint64_t sizes[] = {name.size(), bytes.size()};
    XXH3_128bits_update(state_.get(), sizes, sizeof(sizes));
    XXH3_128bits_update(state_.get(), name.data(), name.size());
    XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
  }
  std::string Text() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

Result<std::string> OptionalText(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::string();
  return source::ReadFile(path.string(), kMaxConfigBytes);
}

Result<SentenceConfig> ReadSentenceConfig(const fs::path& folder, std::string_view name) {
  SentenceFiles files;
  JADE_ASSIGN_OR_RETURN(files.pooling, OptionalText(folder / "1_Pooling" / "config.json"));
  JADE_ASSIGN_OR_RETURN(files.transform, OptionalText(folder / "sentence_bert_config.json"));
  JADE_ASSIGN_OR_RETURN(files.prompts, OptionalText(folder / "config_sentence_transformers.json"));
  return SentenceConfigFrom(files, name);
}

// A tensor by its name in a BertModel; models with a head above it call it "bert.…".
Result<at::Tensor> ReadTensor(const weights::SafetensorsSet& files, const weights::ExpectedTensor& expected) {
  const weights::TensorView* stored = files.Find(expected.name);
  if (stored == nullptr) stored = files.Find("bert." + expected.name);
  if (stored == nullptr) {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("there is no tensor `{}` of shape {}", expected.name, weights::ShapeText(expected.shape)));
  }
  if (stored->shape != expected.shape) {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("the tensor `{}` has the shape {}, but config.json asks for {}", expected.name,
                             weights::ShapeText(stored->shape), weights::ShapeText(expected.shape)));
  }
  at::Tensor tensor = at::empty(expected.shape, at::kFloat);
  JADE_TRY(
      weights::Dequantise(stored->type, stored->data, {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())}));
  return tensor;
}

Result<std::string> HashOf(const fs::path& folder, const std::string& config, const weights::SafetensorsSet& files) {
  Hasher hasher;
  hasher.Add("config", std::as_bytes(std::span(config)));
  for (const char* name : {"tokenizer.json", "vocab.txt"}) {
    std::error_code ignored;
    if (!fs::exists(folder / name, ignored)) continue;
    JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile((folder / name).string(), kMaxVocabularyBytes));
    hasher.Add(name, std::as_bytes(std::span(text)));
    break;  // the one that is read
  }
  for (const weights::TensorView* tensor : files.tensors()) hasher.Add(tensor->name, tensor->data);
  return hasher.Text();
}

class BertEncoder final : public dense::TextEncoder {
 public:
  BertEncoder(Bert bert, tokenizer::WordPiece pieces, Pooling pooling, dense::EncoderIdentity identity)
      : bert_(std::move(bert)), pieces_(std::move(pieces)), pooling_(pooling), identity_(std::move(identity)) {}

  const dense::EncoderIdentity& identity() const override { return identity_; }

  Result<std::vector<float>> Encode(std::span<const std::string> texts, dense::TextKind kind) override {
    std::vector<std::vector<int32_t>> ids;
    ids.reserve(texts.size());
    const std::string& prefix = kind == dense::TextKind::kQuery ? identity_.query_prefix : identity_.passage_prefix;
    for (const std::string& text : texts) {
      ids.push_back(pieces_.Encode(prefix.empty() ? text : prefix + text, static_cast<size_t>(identity_.max_tokens)));
    }
    std::vector<size_t> order(texts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return ids[a].size() > ids[b].size(); });
    std::vector<float> rows(texts.size() * static_cast<size_t>(identity_.dimension));
    for (size_t first = 0; first < order.size();) {
      size_t tokens = 0;
      size_t end = first;
      while (end < order.size() && (end == first || tokens + ids[order[end]].size() <= kTokensAtOnce)) {
        tokens += ids[order[end++]].size();
      }
      JADE_TRY(EncodeBatch(ids, std::span(order).subspan(first, end - first), rows));
      first = end;
    }
    return rows;
  }

 private:
  Status EncodeBatch(const std::vector<std::vector<int32_t>>& ids, std::span<const size_t> members,
                     std::span<float> rows) {
    std::vector<int64_t> packed;
    std::vector<Run> runs;
    for (const size_t member : members) {
      const auto length = static_cast<int64_t>(ids[member].size());
      if (runs.empty() || runs.back().length != length) runs.push_back({0, length});
      ++runs.back().texts;
      packed.insert(packed.end(), ids[member].begin(), ids[member].end());
    }
    const auto width = static_cast<size_t>(identity_.dimension);
    try {
      const at::Tensor ids_N = at::from_blob(packed.data(), {static_cast<int64_t>(packed.size())}, at::kLong);
      const at::Tensor found = bert_.Embed(ids_N, runs, pooling_);
      const float* values = found.data_ptr<float>();
      if (!std::all_of(values, values + found.numel(), [](float value) { return std::isfinite(value); })) {
        return Error(ErrorCode::kCorrupt,
                     fmt::format("encoder `{}` computes what is no number: its weights are damaged", identity_.model));
      }
      for (size_t i = 0; i < members.size(); ++i) {
        std::copy_n(values + i * width, width, rows.begin() + static_cast<std::ptrdiff_t>(members[i] * width));
      }
    } catch (const std::exception& problem) {  // LibTorch: out of memory, an unsupported device
      return Error(ErrorCode::kOutOfMemory, problem.what()).Wrap(fmt::format("encoder `{}`", identity_.model));
    }
    return {};
  }

  Bert bert_;
  tokenizer::WordPiece pieces_;
  Pooling pooling_;
  dense::EncoderIdentity identity_;
};

Result<at::Device> DeviceOf(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !backbone::CudaIsAvailable())) return at::Device(at::kCPU);
  if (backbone::CudaIsAvailable() && (name == "auto" || name == "cuda")) return at::Device(at::kCUDA);
  return Error(ErrorCode::kUnavailable, fmt::format("there is no device `{}` here", name));
}

Result<std::unique_ptr<dense::TextEncoder>> Load(const EncoderOptions& options) {
  const fs::path folder(options.folder);
  JADE_ASSIGN_OR_RETURN(const at::Device device, DeviceOf(options.device));
  JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile((folder / "config.json").string(), kMaxConfigBytes));
  JADE_ASSIGN_OR_RETURN(const BertConfig config, BertConfigFromJson(text));
  JADE_ASSIGN_OR_RETURN(const SentenceConfig sentence, ReadSentenceConfig(folder, options.name));
  JADE_ASSIGN_OR_RETURN(auto pieces, tokenizer::WordPiece::LoadFolder(options.folder));
  if (pieces.vocab_size() > config.vocab_size) {
    return Error(ErrorCode::kCorrupt, fmt::format("the tokenizer has {} tokens, but config.json asks for {}",
                                                  pieces.vocab_size(), config.vocab_size));
  }
  JADE_ASSIGN_OR_RETURN(const auto files, weights::SafetensorsSet::OpenFolder(options.folder));
  JADE_ASSIGN_OR_RETURN(auto bert, Bert::Load(config, device, [&files](const weights::ExpectedTensor& expected) {
                          return ReadTensor(files, expected);
                        }));
  dense::EncoderIdentity identity{.model = options.name,
                                  .hash = {},
                                  .pooling = std::string(PoolingName(sentence.pooling)),
                                  .query_prefix = sentence.query_prefix,
                                  .passage_prefix = sentence.passage_prefix,
                                  .max_tokens = config.max_positions,
                                  .dimension = config.hidden_size};
  if (sentence.max_tokens > 2) identity.max_tokens = std::min(sentence.max_tokens, config.max_positions);
  JADE_ASSIGN_OR_RETURN(identity.hash, HashOf(folder, text, files));
  return std::unique_ptr<dense::TextEncoder>(
      std::make_unique<BertEncoder>(std::move(bert), std::move(pieces), sentence.pooling, std::move(identity)));
}

}  // namespace

Result<std::unique_ptr<dense::TextEncoder>> LoadEncoder(const EncoderOptions& options) {
  try {
    auto loaded = Load(options);
    if (!loaded.ok()) return std::move(loaded).error().Wrap(fmt::format("loading the encoder `{}`", options.folder));
    return loaded;
  } catch (const std::exception& problem) {  // LibTorch
    return Error(ErrorCode::kOutOfMemory, problem.what()).Wrap(fmt::format("loading the encoder `{}`", options.folder));
  }
}

}  // namespace jade::encoder
