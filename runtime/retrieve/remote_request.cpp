#include "runtime/retrieve/remote_request.h"

#include <fmt/format.h>

#include "runtime/http/failure.h"

namespace jade::retrieve::internal {
namespace {

class ReadingReceiver final : public http::Receiver {
 public:
  ReadingReceiver(std::function<Status(const std::string&)> read, std::function<void(Result<http::Response>)> done)
      : read_(std::move(read)), done_(std::move(done)) {}
  Status Check(const http::Response& response) override { return read_(response.body); }
  void Done(Result<http::Response> result) override { done_(std::move(result)); }

 private:
  std::function<Status(const std::string&)> read_;
  std::function<void(Result<http::Response>)> done_;
};

}  // namespace

Result<std::unique_ptr<http::Client>> MakeClient(const RemoteSearchOptions& options) {
  return http::Client::Create(
      {.concurrency = options.concurrency, .requests_per_second = options.requests_per_second, .clock = options.clock});
}

Status CheckUrl(const std::string& url) {
  if (url.starts_with("http://") || url.starts_with("https://")) return {};
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("`url` must begin with http:// or https://, found `{}`", http::ShownUrl(url)));
}

http::Request MakeRequest(const RemoteSearchOptions& options, std::string url, std::string body, uint64_t seed) {
  http::Request request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = {"Content-Type: application/json"};
  if (!options.authorization.empty()) request.headers.push_back("Authorization: " + options.authorization);
  request.body = std::move(body);
  request.timeouts.attempt = options.timeout;
  request.retries = options.retries;
  request.seed = seed;
  request.max_bytes = 64ULL << 20U;
  return request;
}

Error RefusalOf(const RemoteSearchOptions& options, const std::string& url, const http::Response& response) {
  const Error error = http::StatusError("POST", url, response);
  std::string message = error.message();
  const std::string& secret = options.authorization;
  for (size_t at = 0; !secret.empty() && (at = message.find(secret, at)) != std::string::npos;) {
    message.replace(at, secret.size(), "…");
  }
  if (response.status == 401 || response.status == 403) {
    message += "; set `authorization_env` in `retriever` to the environment variable with the Authorization header";
  } else if (response.status == 404) {
    message += "; check `url` and `index` in `retriever`";
  }
  if (response.attempts > 1) message += fmt::format(" (after {} attempts)", response.attempts);
  return Error(error.code(), std::move(message));
}

std::unique_ptr<http::Receiver> Receive(std::function<Status(const std::string&)> read,
                                        std::function<void(Result<http::Response>)> done) {
  return std::make_unique<ReadingReceiver>(std::move(read), std::move(done));
}

}  // namespace jade::retrieve::internal
