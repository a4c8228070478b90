#include "runtime/settings/remote.h"

#include <fmt/format.h>

#include <initializer_list>

namespace jade::settings {
namespace {

using config::Document;
using config::MapReader;
using config::Node;

constexpr double kMostPerSecond = 1e6;
constexpr int64_t kMostAtOnce = 10'000;
constexpr int64_t kMostRetries = 100;

void OnlyFor(MapReader& reader, std::string_view kinds, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const Node* node = reader.Child(key)) reader.Report(*node, fmt::format("`{}` is only for {}", key, kinds));
  }
}

}  // namespace

void ReadRemoteBackbone(MapReader& reader, const std::string& kind, RemoteBackbone* remote) {
  if (kind != "remote") {
    return OnlyFor(reader, "`kind: remote`",
                   {"url", "api", "api_key_env", "server", "tokenizer", "template", "log_probs", "concurrency",
                    "retries", "timeout", "requests_per_second"});
  }
  OnlyFor(reader, "`kind: local`", {"device", "dtype", "kv_cache", "threads", "deterministic"});
  reader.Text("url", &remote->url)
      .Require("url")
      .OneOf("api", {"completions", "chat"}, &remote->api)
      .Text("api_key_env", &remote->api_key_env)
      .OneOf("server", {"auto", "openai", "llama.cpp", "vllm", "sglang"}, &remote->server)
      .Text("tokenizer", &remote->tokenizer)
      .OneOf("template", {"chatml", "llama3"}, &remote->chat_template)
      .Bool("log_probs", &remote->log_probs)
      .Int("concurrency", &remote->concurrency, 1, kMostAtOnce)
      .Int("retries", &remote->retries, 0, kMostRetries)
      .Seconds("timeout", &remote->timeout)
      .Float("requests_per_second", &remote->requests_per_second, 0, kMostPerSecond);
}

bool IsRemoteRetriever(const std::string& kind) {
  return kind == "opensearch" || kind == "endpoint";
}

void ReadRemoteRetriever(const Document& document, MapReader& reader, const std::string& kind,
                         RemoteRetriever* remote) {
  if (!IsRemoteRetriever(kind)) {
    return OnlyFor(
        reader, "`kind: opensearch` and `kind: endpoint`",
        {"url", "authorization_env", "fields", "concurrency", "retries", "timeout", "requests_per_second", "batch"});
  }
  reader.Text("url", &remote->url)
      .Require("url")
      .Text("authorization_env", &remote->authorization_env)
      .Int("concurrency", &remote->concurrency, 1, kMostAtOnce)
      .Int("retries", &remote->retries, 0, kMostRetries)
      .Seconds("timeout", &remote->timeout)
      .Float("requests_per_second", &remote->requests_per_second, 0, kMostPerSecond);
  if (kind == "endpoint") {
    reader.Int("batch", &remote->batch, 1, 10'000);
    return OnlyFor(reader, "`kind: opensearch`", {"fields"});
  }
  OnlyFor(reader, "`kind: endpoint`", {"batch"});
  reader.Require("index");
  MapReader fields(document, reader.Child("fields"), "retriever.fields");
  fields.Text("id", &remote->id_field)
      .Text("title", &remote->title_field)
      .Text("text", &remote->text_field)
      .TextList("search", &remote->search_fields);
  reader.Absorb(fields.Finish());
}

}  // namespace jade::settings
