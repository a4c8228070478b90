#include "cli/remote.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/assets/assets.h"
#include "runtime/http/failure.h"
#include "runtime/remote/remote.h"
#include "runtime/retrieve/remote.h"
#include "runtime/weights/gguf.h"

namespace jade::cli {
namespace {

// A folder with tokenizer.json, a GGUF, or a folder with one: no weights are needed.
Result<tokenizer::Tokenizer> LoadTokenizer(const std::string& name) {
  namespace fs = std::filesystem;
  JADE_ASSIGN_OR_RETURN(std::string path, assets::FindModel(name));
  std::error_code ec;
  if (const fs::path json = fs::path(path) / "tokenizer.json"; fs::exists(json, ec)) {
    return tokenizer::Tokenizer::LoadTokenizerJson(json.string());
  }
  if (fs::is_directory(path, ec)) {
    for (const auto& entry : fs::directory_iterator(path, ec)) {
      if (entry.path().extension() == ".gguf") path = entry.path().string();
    }
  }
  JADE_ASSIGN_OR_RETURN(const auto file, weights::GgufFile::Open(path));
  JADE_ASSIGN_OR_RETURN(auto spec, weights::TokenizerSpecFromGguf(file));
  return tokenizer::Tokenizer::Create(std::move(spec));
}

Result<remote::RemoteOptions> OptionsOf(const settings::Backbone& backbone) {
  const settings::RemoteBackbone& from = backbone.remote;
  remote::RemoteOptions options;
  options.url = from.url;
  options.api = from.api == "chat" ? remote::Api::kChat : remote::Api::kCompletions;
  options.model = backbone.model;
  options.policies = backbone.policies;
  options.api_key_env = from.api_key_env;
  options.server = remote::ServerKindNamed(from.server);  // none for `auto`
  if (from.chat_template == "llama3") options.style = tokenizer::ChatStyle::kLlama3;
  options.log_probs = from.log_probs;
  options.concurrency = static_cast<int>(from.concurrency);
  options.retries = static_cast<int>(from.retries);
  options.timeout = std::chrono::microseconds(static_cast<int64_t>(from.timeout * 1e6));
  options.requests_per_second = from.requests_per_second;
  if (from.tokenizer.empty()) return options;
  auto tokens = LoadTokenizer(from.tokenizer);
  auto chat = tokens.ok() ? tokenizer::ChatFormat::Detect(*tokens) : std::move(tokens).error();
  if (!chat.ok()) return std::move(chat).error().Wrap("`tokenizer` of the remote backbone");
  options.chat = std::move(*chat);
  return options;
}

Result<retrieve::RemoteSearchOptions> OptionsOf(const settings::Retriever& retriever) {
  const settings::RemoteRetriever& from = retriever.remote;
  retrieve::RemoteSearchOptions options;
  options.url = from.url;
  options.index = retriever.index;
  options.id_field = from.id_field;
  options.title_field = from.title_field;
  options.text_field = from.text_field;
  options.search_fields = from.search_fields;
  options.concurrency = static_cast<int>(from.concurrency);
  options.retries = static_cast<int>(from.retries);
  options.timeout = std::chrono::microseconds(static_cast<int64_t>(from.timeout * 1e6));
  options.requests_per_second = from.requests_per_second;
  options.batch = static_cast<int>(from.batch);
  if (from.authorization_env.empty()) return options;
  const char* value = std::getenv(from.authorization_env.c_str());
  if (value == nullptr || *value == '\0') {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the environment variable `{}`, which `authorization_env` names, is not set",
                             from.authorization_env));
  }
  options.authorization = value;
  return options;
}

Finding RetrieverFinding(const settings::Retriever& retriever) {
  const std::string url = http::ShownUrl(retriever.remote.url);
  const auto options = OptionsOf(retriever);
  if (!options.ok()) return {"remote retriever", url, options.error().ToString()};
  const Status found =
      retriever.kind == "opensearch" ? retrieve::TryOpenSearch(*options) : retrieve::TrySearchEndpoint(*options);
  return {"remote retriever", fmt::format("{} ({})", url, retriever.kind), found.ok() ? "" : found.error().ToString()};
}

Finding BackboneFinding(const settings::Backbone& backbone) {
  const std::string url = http::ShownUrl(backbone.remote.url);
  auto options = OptionsOf(backbone);
  if (!options.ok()) return {"remote backbone", url, options.error().ToString()};
  const auto facts = remote::Probe(*options);
  if (!facts.ok()) return {"remote backbone", url, facts.error().ToString()};
  std::string models;
  for (const std::string& model : facts->models) {
    if (models.size() > 100) {
      models += ", …";
      break;
    }
    models += (models.empty() ? "" : ", ") + model;
  }
  std::string policies;
  for (const auto& [policy, model] : options->policies) policies += fmt::format(", policy {}: {}", policy, model);
  return {"remote backbone",
          fmt::format("{} ({}{}){}", url, remote::ServerKindName(options->server.value_or(facts->kind)),
                      models.empty() ? "" : ": " + models, policies),
          ""};
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> MakeRemoteBackbone(const settings::Backbone& backbone) {
  JADE_ASSIGN_OR_RETURN(auto options, OptionsOf(backbone));
  return remote::MakeRemoteEngine(options);
}

Result<std::unique_ptr<engine::ToolProvider>> MakeRemoteRetriever(const settings::Retriever& retriever,
                                                                  std::vector<std::string> tools, int max_k) {
  JADE_ASSIGN_OR_RETURN(auto options, OptionsOf(retriever));
  return retriever.kind == "opensearch" ? retrieve::MakeOpenSearchTool(std::move(options), std::move(tools), max_k)
                                        : retrieve::MakeSearchEndpointTool(std::move(options), std::move(tools), max_k);
}

std::vector<Finding> RemoteFindings(const settings::Settings& settings) {
  std::vector<Finding> findings;
  if (settings.backbone.is_remote()) findings.push_back(BackboneFinding(settings.backbone));
  if (settings::IsRemoteRetriever(settings.retriever.kind)) findings.push_back(RetrieverFinding(settings.retriever));
  return findings;
}

}  // namespace jade::cli
