#include "runtime/train/sft_config.h"

#include "runtime/config/yaml.h"

namespace jade::train {
namespace {

using config::Document;
using config::MapReader;
using config::Node;
using config::NodeKind;

constexpr int64_t kMaxTokens = 1'000'000'000'000;

Status ReadInit(const Document& document, const Node& node, weights::ModelConfig* model) {
  model->max_positions = 1024;
  model->tied_embeddings = true;
  model->heads = 0;
  MapReader reader(document, &node, "init");
  reader.Int("hidden", &model->hidden_size, 8, 65536)
      .Int("layers", &model->layers, 1, 1024)
      .Int("heads", &model->heads, 1, 1024)
      .Int("kv_heads", &model->kv_heads, 1, 1024)
      .Int("head_dim", &model->head_dim, 2, 1024)
      .Int("ffn", &model->ffn_size, 8, 262144)
      .Int("context", &model->max_positions, 8, 1 << 20)
      .Float("rope_theta", &model->rope_theta, 1, 1e9)
      .Float("norm_eps", &model->norm_eps, 1e-12, 1e-2)
      .Bool("tied_embeddings", &model->tied_embeddings)
      .Bool("qk_norm", &model->qk_norm);
  for (const char* key : {"hidden", "layers", "heads", "ffn"}) reader.Require(key);
  if (model->kv_heads == 0) model->kv_heads = model->heads;
  if (model->head_dim == 0 && model->heads > 0) model->head_dim = model->hidden_size / model->heads;
  if (model->heads > 0 && model->heads % model->kv_heads != 0)
    reader.Report(node, "heads must be a multiple of kv_heads");
  if (model->head_dim % 2 != 0) reader.Report(node, "head_dim must be even");
  model->architecture = model->qk_norm ? weights::Architecture::kQwen3 : weights::Architecture::kLlama;
  return reader.Finish();
}

void ReadModel(const Document& document, MapReader& reader, SftConfig* out) {
  const Node* node = reader.Child("model");
  MapReader model(document, node, "model");
  model.Text("from", &out->start);
  const Node* init = model.Child("init");
  if (init != nullptr) {
    weights::ModelConfig config;
    model.Absorb(ReadInit(document, *init, &config));
    out->init = config;
  }
  if (node != nullptr && (init != nullptr) == !out->start.empty()) {
    model.Report(*node, "a model needs either `init` (from scratch) or `from` (a folder or GGUF)");
  }
  reader.Absorb(model.Finish());
}

void ReadTokenizer(const Document& document, MapReader& reader, SftConfig* out) {
  const Node* node = reader.Child("tokenizer");
  MapReader tokenizer(document, node, "tokenizer");
  tokenizer.Text("path", &out->tokenizer)
      .Int("vocabulary", &out->vocabulary, 260, 1 << 20)
      .TextList("learn_from", &out->learn_from);
  if (node != nullptr) tokenizer.Require("path");
  reader.Absorb(tokenizer.Finish());
}

Status ReadSource(const Document& document, const Node& node, DataSource* source) {
  if (node.kind == NodeKind::kScalar) {
    JADE_ASSIGN_OR_RETURN(source->path, config::AsText(document, node));
    return {};
  }
  MapReader reader(document, &node, "data");
  reader.Text("path", &source->path).Float("weight", &source->weight, 1e-6, 1e6).Require("path");
  return reader.Finish();
}

Status ReadStage(const Document& document, const Node& node, SftStage* stage) {
  MapReader reader(document, &node, "stage");
  reader.Text("name", &stage->name)
      .Int("tokens", &stage->tokens, 1, kMaxTokens)
      .Float("lr", &stage->lr, 0, 1)
      .Float("final_lr", &stage->final_lr, 0, 1)
      .Float("warm_up", &stage->warm_up, 0, 1)
      .Int("batch_tokens", &stage->batch_tokens, 1, 1 << 24)
      .Int("max_length", &stage->max_length, 2, 1 << 20)
      .Require("name")
      .Require("tokens")
      .Require("data");
  if (const Node* loss = reader.Child("loss")) {
    MapReader weights(document, loss, "loss");
    weights.Float("prompt", &stage->loss.prompt, 0, 1e3).Float("reply", &stage->loss.reply, 0, 1e3);
    reader.Absorb(weights.Finish());
    if (stage->loss.prompt + stage->loss.reply == 0) reader.Report(*loss, "at least one loss weight must be above 0");
  }
  if (const Node* data = reader.Child("data")) {
    if (data->kind != NodeKind::kList || data->items.empty()) reader.Report(*data, "`data` is a list of files");
    for (const Node& item : data->items) {
      reader.Absorb(ReadSource(document, item, &stage->data.emplace_back()));
    }
  }
  return reader.Finish();
}

void ReadStages(const Document& document, MapReader& reader, SftConfig* out) {
  const Node* stages = reader.Child("stages");
  if (stages == nullptr) return;
  if (stages->kind != NodeKind::kList || stages->items.empty()) reader.Report(*stages, "`stages` is a list of stages");
  for (const Node& item : stages->items) reader.Absorb(ReadStage(document, item, &out->stages.emplace_back()));
}

void ReadOptimiser(const Document& document, MapReader& reader, OptimiserOptions* out) {
  MapReader optimiser(document, reader.Child("optimiser"), "optimiser");
  std::string kind = "adamw";
  optimiser.OneOf("kind", {"adamw", "muon"}, &kind)
      .Float("momentum", &out->momentum, 0, 0.9999)
      .Float("beta1", &out->beta1, 0, 0.9999)
      .Float("beta2", &out->beta2, 0, 0.99999)
      .Float("epsilon", &out->epsilon, 1e-16, 1)
      .Float("weight_decay", &out->weight_decay, 0, 10)
      .Float("clip", &out->clip, 0, 1e6);
  out->kind = kind == "muon" ? OptimiserKind::kMuon : OptimiserKind::kAdamW;
  reader.Absorb(optimiser.Finish());
}

void ReadDev(const Document& document, MapReader& reader, SftConfig* out) {
  MapReader dev(document, reader.Child("dev"), "dev");
  std::string choose = "match";
  dev.TextList("data", &out->dev)
      .Int("every", &out->dev_every, 0, kMaxTokens)
      .Int("limit", &out->dev_limit, 1, 1'000'000)
      .OneOf("choose", {"match", "loss"}, &choose);
  out->choose_by_match = choose == "match";
  reader.Absorb(dev.Finish());
}

Result<SftConfig> ReadConfig(const Document& document) {
  SftConfig out;
  out.name = document.name;
  MapReader reader(document, &document.root, "sft");
  ReadModel(document, reader, &out);
  ReadTokenizer(document, reader, &out);
  int64_t seed = 1;
  std::string compute = "auto";
  std::string output_type = "bf16";
  reader.Text("run", &out.run)
      .Text("output", &out.output)
      .OneOf("output_type", {"bf16", "fp32"}, &output_type)
      .Int("seed", &seed, 0)
      .OneOf("device", {"auto", "cpu", "cuda"}, &out.device)
      .OneOf("compute", {"auto", "fp32", "bf16"}, &compute)
      .Seconds("checkpoint_every", &out.checkpoint_seconds);
  out.seed = static_cast<uint64_t>(seed);
  out.output_bf16 = output_type == "bf16";
  out.compute = compute == "auto" ? ComputeType::kAuto : compute == "fp32" ? ComputeType::kFp32 : ComputeType::kBf16;
  MapReader batch(document, reader.Child("batch"), "batch");
  batch.Int("tokens", &out.batch_tokens, 1, 1 << 26).Int("micro_tokens", &out.micro_tokens, 1, 1 << 24);
  reader.Absorb(batch.Finish());
  ReadOptimiser(document, reader, &out.optimiser);
  ReadDev(document, reader, &out);
  ReadStages(document, reader, &out);
  for (const char* key : {"model", "run", "output", "stages"}) reader.Require(key);
  if (out.init && out.tokenizer.empty()) reader.Report(document.root, "a model from scratch needs a `tokenizer`");
  JADE_TRY(reader.Finish());
  return out;
}

}  // namespace

int64_t SftConfig::total_tokens() const {
  int64_t total = 0;
  for (const SftStage& stage : stages) total += stage.tokens;
  return total;
}

Result<SftConfig> ParseSftConfig(std::string name, const std::string& text) {
  JADE_ASSIGN_OR_RETURN(const Document document, config::ParseYaml(std::move(name), text));
  return ReadConfig(document);
}

Result<SftConfig> LoadSftConfig(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const Document document, config::LoadYaml(path));
  return ReadConfig(document);
}

}  // namespace jade::train
