#pragma once
// Internal to runtime/remote: the server as known once it has been probed. Immutable: any thread.

#include <string>
#include <vector>

#include "runtime/http/http.h"
#include "runtime/remote/remote.h"

namespace jade::remote::internal {

struct Endpoint {
  RemoteOptions options;  // `model` is set
  ServerKind kind = ServerKind::kOpenAi;
  std::string key;

  std::string UrlOf(std::string_view path) const;  // "/models"
  std::vector<std::string> Headers() const;
  // Without the key, should the server have repeated it.
  std::string Shown(std::string text) const;
  // An error, with what to do about it when the server refused: of a reply that is not 2xx.
  Error RefusalOf(const std::string& method, const std::string& url, const http::Response& response) const;
  // The model's name at the server for a policy.
  Result<std::string> ModelFor(const std::string& policy) const;
};

// Reads the key from the environment.
Result<Endpoint> MakeEndpoint(const RemoteOptions& options);
Result<ServerFacts> ProbeEndpoint(const Endpoint& endpoint);

}  // namespace jade::remote::internal
