#include "runtime/settings/settings.h"

#include <fmt/format.h>

#include "compiler/source/suggest.h"
#include "runtime/config/yaml.h"

namespace jade::settings {
namespace {

using config::Document;
using config::Entry;
using config::MapReader;
using config::Node;

constexpr size_t kMostPolicies = 64;

void ReadPolicies(const Document& document, MapReader& reader, std::map<std::string, std::string>* policies) {
  const Node* node = reader.Child("policies");
  if (node == nullptr) return;
  if (node->kind != config::NodeKind::kMap) {
    return reader.Report(*node, "`policies` must be a map from names to models");
  }
  if (node->entries.size() > kMostPolicies) {
    return reader.Report(*node,
                         fmt::format("{} policies; at most {} are accepted", node->entries.size(), kMostPolicies));
  }
  for (const auto& [name, value] : node->entries) {
    const auto model = config::AsText(document, value);
    if (!model.ok()) {
      reader.Absorb(model.error());
    } else if (name.empty()) {
      reader.Report(value, "a policy needs a name; calls without a policy are served by `model`");
    } else if (model->empty()) {
      reader.Report(value, fmt::format("policy `{}` needs a model", name));
    } else {
      (*policies)[name] = *model;
    }
  }
}

void ReadBackbone(const Document& document, MapReader& top, Backbone* backbone) {
  MapReader reader(document, top.Child("backbone"), "backbone");
  reader.OneOf("kind", {"local", "remote"}, &backbone->kind);
  ReadRemoteBackbone(reader, backbone->kind, &backbone->remote);
  if (backbone->is_remote()) backbone->model.clear();  // the server's only one
  reader.Text("model", &backbone->model)
      .Text("replies", &backbone->replies)
      .OneOf("device", {"auto", "cpu", "cuda"}, &backbone->device)
      .OneOf("dtype", {"auto", "fp32", "bf16", "int8"}, &backbone->dtype)
      .Bytes("kv_cache", &backbone->kv_cache)
      .Int("threads", &backbone->threads, 0, 1024)
      .Bool("deterministic", &backbone->deterministic)
      .OneOf("prompts", {"auto", "full", "brief"}, &backbone->prompts)
      .OneOf("decode", {"free", "constrained"}, &backbone->decode);
  ReadPolicies(document, reader, &backbone->policies);
  if (backbone->is_script()) reader.Require("replies");
  if (const Node* replies = reader.Child("replies"); replies != nullptr && !backbone->is_script()) {
    reader.Report(*replies, "`replies` is only for `model: script`");
  }
  top.Absorb(reader.Finish());
}

void ReadRetriever(const Document& document, MapReader& top, Retriever* retriever) {
  MapReader reader(document, top.Child("retriever"), "retriever");
  reader.OneOf("kind", {"bm25", "dense", "hybrid", "opensearch", "endpoint"}, &retriever->kind)
      .Text("index", &retriever->index)
      .Text("model", &retriever->model)
      .Int("top_k", &retriever->top_k, 0, 1000);
  if (const Node* model = reader.Child("model");
      model != nullptr && retriever->kind != "dense" && retriever->kind != "hybrid") {
    reader.Report(*model, "`model` is only for `kind: dense` and `kind: hybrid`");
  }
  ReadRemoteRetriever(document, reader, retriever->kind, &retriever->remote);
  top.Absorb(reader.Finish());
}

void ReadStore(const Document& document, MapReader& top, Store* store) {
  MapReader reader(document, top.Child("store"), "store");
  reader.Text("path", &store->path).Bool("durable", &store->durable);
  top.Absorb(reader.Finish());
}

void ReadBudget(const Document& document, MapReader& top, Budget* budget) {
  MapReader reader(document, top.Child("budget"), "budget");
  reader.Int("depth", &budget->depth, 1, 1024)
      .Int("calls", &budget->calls, 0)
      .Int("tokens", &budget->tokens, 0)
      .Seconds("seconds", &budget->seconds);
  top.Absorb(reader.Finish());
}

template <typename T>
void Optional(const Node* node, std::string_view key, std::optional<T>* out, T value) {
  if (node != nullptr && node->Find(key) != nullptr) *out = value;
}

// A name that the backbone does not have is reported where it stands.
std::optional<std::string> ReadPolicy(const Document& document, MapReader& reader, const Backbone& backbone) {
  const Node* node = reader.Child("policy");
  if (node == nullptr) return std::nullopt;
  const auto name = config::AsText(document, *node);
  if (!name.ok()) {
    reader.Absorb(name.error());
    return std::nullopt;
  }
  if (name->empty() || backbone.policies.contains(*name)) return *name;
  std::vector<std::string> known;
  for (const auto& [policy, unused] : backbone.policies) known.push_back(policy);
  reader.Report(*node, fmt::format("`backbone` has no policy `{}`{}", *name,
                                   known.empty() ? ": name its weights with `policies` there"
                                                 : source::DidYouMean(*name, known)));
  return std::nullopt;
}

Sampling ReadSampling(const Document& document, MapReader& top, const Entry& entry, const Backbone& backbone) {
  const Node* node = &entry.second;
  double temperature = 1.0;
  double top_p = 1.0;
  int64_t top_k = 0;
  int64_t max_tokens = 256;
  MapReader reader(document, node, "sampling." + entry.first);
  reader.Float("temperature", &temperature, 0.0, 100.0)
      .Int("top_k", &top_k, 0, 1'000'000)
      .Float("top_p", &top_p, 1e-6, 1.0)
      .Int("max_tokens", &max_tokens, 1, 1'000'000);
  Sampling sampling;
  sampling.policy = ReadPolicy(document, reader, backbone);
  top.Absorb(reader.Finish());
  Optional(node, "temperature", &sampling.temperature, temperature);
  Optional(node, "top_k", &sampling.top_k, top_k);
  Optional(node, "top_p", &sampling.top_p, top_p);
  Optional(node, "max_tokens", &sampling.max_tokens, max_tokens);
  return sampling;
}

void ReadAllSampling(const Document& document, MapReader& top, Settings* settings) {
  const Node* node = top.Child("sampling");
  if (node == nullptr) return;
  if (node->kind != config::NodeKind::kMap) {
    top.Report(*node, "`sampling` must be a map from roles (or `default`) to settings");
    return;
  }
  for (const Entry& entry : node->entries) {
    Sampling sampling = ReadSampling(document, top, entry, settings->backbone);
    (entry.first == "default" ? settings->sampling_default : settings->sampling[entry.first]) = std::move(sampling);
  }
}

void ReadParams(MapReader& top, Settings* settings) {
  const Node* node = top.Child("params");
  if (node == nullptr) return;
  for (const auto& [name, value] : node->entries) {
    if (value.kind != config::NodeKind::kScalar) {
      top.Report(value, fmt::format("param `{}` must be a single value", name));
    } else {
      settings->params[name] = value.scalar;
    }
  }
}

Result<Settings> FromDocument(const Document& document) {
  Settings settings;
  settings.path = document.name;
  MapReader top(document, &document.root, "configuration");
  ReadBackbone(document, top, &settings.backbone);
  ReadRetriever(document, top, &settings.retriever);
  ReadStore(document, top, &settings.store);
  ReadBudget(document, top, &settings.budget);
  ReadAllSampling(document, top, &settings);
  ReadParams(top, &settings);
  (void)top.Child("train");  // runtime/train/train_config.h reads it
  top.Text("reward", &settings.reward).OneOf("normalise", {"jade", "squad"}, &settings.normalise);
  JADE_TRY(top.Finish());
  return settings;
}

}  // namespace

Result<Settings> ParseSettings(const std::string& name, const std::string& text) {
  JADE_ASSIGN_OR_RETURN(const Document document, config::ParseYaml(name, text));
  return FromDocument(document);
}

Result<Settings> LoadSettings(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const Document document, config::LoadYaml(path));
  return FromDocument(document);
}

}  // namespace jade::settings
