#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "compiler/source/suggest.h"
#include "runtime/http/failure.h"
#include "runtime/remote/endpoint.h"

namespace jade::remote {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<ServerKind, std::string_view>, 4> kNames{{{ServerKind::kOpenAi, "openai"},
                                                                         {ServerKind::kLlamaCpp, "llama.cpp"},
                                                                         {ServerKind::kVllm, "vllm"},
                                                                         {ServerKind::kSglang, "sglang"}}};
constexpr size_t kMaxModels = 10'000;

ServerKind KindOf(const std::string& owner) {
  if (owner == "llamacpp") return ServerKind::kLlamaCpp;
  if (owner == "vllm") return ServerKind::kVllm;
  if (owner == "sglang") return ServerKind::kSglang;
  return ServerKind::kOpenAi;
}

std::string TextOf(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

Result<ServerFacts> ReadModels(const std::string& url, const std::string& body) {
  const json list = http::NestsTooDeep(body) ? json() : json::parse(body, nullptr, false);
  if (!list.is_object() || !list.contains("data") || !list["data"].is_array()) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("GET {}: the reply is not a list of models; check `url`: it usually ends with /v1",
                             http::ShownUrl(url)));
  }
  ServerFacts facts;
  for (const json& model : list["data"]) {
    if (!model.is_object() || facts.models.size() >= kMaxModels) continue;
    if (facts.models.empty()) facts.kind = KindOf(TextOf(model, "owned_by"));
    if (std::string id = TextOf(model, "id"); !id.empty()) facts.models.push_back(std::move(id));
  }
  return facts;
}

}  // namespace

std::string_view ServerKindName(ServerKind kind) {
  for (const auto& [one, name] : kNames) {
    if (one == kind) return name;
  }
  return "openai";
}

std::optional<ServerKind> ServerKindNamed(std::string_view name) {
  for (const auto& [one, known] : kNames) {
    if (known == name) return one;
  }
  return std::nullopt;
}

namespace internal {

std::string Endpoint::UrlOf(std::string_view path) const {
  std::string url = options.url;
  while (url.ends_with('/')) url.pop_back();
  return url + std::string(path);
}

std::vector<std::string> Endpoint::Headers() const {
  std::vector<std::string> headers{"Content-Type: application/json"};
  if (!key.empty()) headers.push_back("Authorization: Bearer " + key);
  return headers;
}

std::string Endpoint::Shown(std::string text) const {
  for (size_t at = 0; !key.empty() && (at = text.find(key, at)) != std::string::npos;)
    text.replace(at, key.size(), "…");
  return text;
}

Error Endpoint::RefusalOf(const std::string& method, const std::string& url, const http::Response& response) const {
  const Error error = http::StatusError(method, url, response);
  std::string advice;
  switch (response.status) {
    case 401:
    case 403:
      advice = options.api_key_env.empty()
                   ? "; set `api_key_env` in `backbone` to the environment variable that holds the key"
                   : fmt::format("; is the key in `{}` right?", options.api_key_env);
      break;
    case 404:
    case 405:
      advice = "; check `url`, `api` and `model` in `backbone`";
      break;
    case 429:
      advice = "; lower `concurrency` or set `requests_per_second` in `backbone`";
      break;
    default:
      break;
  }
  if (response.attempts > 1) advice += fmt::format(" (after {} attempts)", response.attempts);
  return Error(error.code(), Shown(error.message()) + advice);
}

Result<std::string> Endpoint::ModelFor(const std::string& policy) const {
  if (policy.empty()) return options.model;
  const auto found = options.policies.find(policy);
  if (found != options.policies.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, unused] : options.policies) names.push_back(name);
  return Error(ErrorCode::kNotFound, fmt::format("the remote backbone has no policy `{}`{}: `policies` in `backbone` "
                                                 "maps policies to the server's models",
                                                 policy, source::DidYouMean(policy, names)));
}

Result<Endpoint> MakeEndpoint(const RemoteOptions& options) {
  Endpoint endpoint{options};
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`url` must begin with http:// or https://, found `{}`", http::ShownUrl(options.url)));
  }
  if (options.api_key_env.empty()) return endpoint;
  const char* key = std::getenv(options.api_key_env.c_str());
  if (key == nullptr || *key == '\0') {
    return Error(
        ErrorCode::kInvalidArgument,
        fmt::format("the environment variable `{}`, which `api_key_env` names, is not set", options.api_key_env));
  }
  endpoint.key = key;
  return endpoint;
}

Result<ServerFacts> ProbeEndpoint(const Endpoint& endpoint) {
  JADE_ASSIGN_OR_RETURN(const auto client, http::Client::Create({.concurrency = 1, .clock = endpoint.options.clock}));
  http::Request request;
  request.url = endpoint.UrlOf("/models");
  request.headers = endpoint.Headers();
  request.retries = std::min(endpoint.options.retries, 2);
  request.timeouts.attempt = std::min<http::Micros>(endpoint.options.timeout, std::chrono::seconds(15));
  const std::string url = request.url;
  JADE_ASSIGN_OR_RETURN(const http::Response response, http::Fetch(*client, std::move(request)));
  if (response.status == 404 || response.status == 405 || response.status == 501) return ServerFacts{};
  if (response.status < 200 || response.status > 299) return endpoint.RefusalOf("GET", url, response);
  return ReadModels(url, response.body);
}

}  // namespace internal

Result<ServerFacts> Probe(const RemoteOptions& options) {
  JADE_ASSIGN_OR_RETURN(const auto endpoint, internal::MakeEndpoint(options));
  return internal::ProbeEndpoint(endpoint);
}

}  // namespace jade::remote
