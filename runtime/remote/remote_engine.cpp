#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "compiler/source/suggest.h"
#include "runtime/http/failure.h"
#include "runtime/remote/endpoint.h"
#include "runtime/remote/remote_call.h"
#include "runtime/remote/request_body.h"

namespace jade::remote {
namespace {

using internal::CallSink;
using internal::Endpoint;

constexpr size_t kMaxReplyBytes = 64ULL << 20U;

class RemoteEngine final : public engine::Engine {
 public:
  RemoteEngine(Endpoint endpoint, std::unique_ptr<http::Client> client)
      : endpoint_(std::move(endpoint)),
        url_(endpoint_.UrlOf(endpoint_.options.api == Api::kChat ? "/chat/completions" : "/completions")),
        sink_{[this](uint64_t id) { PostStarted(id); },
              [this](uint64_t id, std::string delta) { PostDelta(id, std::move(delta)); },
              [this](uint64_t id, engine::Reply reply) { End(id, std::move(reply)); }},
        client_(std::move(client)) {}

  Status Submit(engine::Request request) override {
    JADE_ASSIGN_OR_RETURN(auto body, internal::MakeBody(request, endpoint_));
    http::Request sent;
    sent.method = "POST";
    sent.url = url_;
    sent.headers = endpoint_.Headers();
    sent.body = std::move(body.json);
    sent.timeouts.attempt = endpoint_.options.timeout;
    sent.retries = endpoint_.options.retries;
    sent.seed = request.sampling.stream[1];
    sent.max_bytes = kMaxReplyBytes;
    sent.wanted = request.deadline;
    auto call =
        std::make_unique<internal::RemoteCall>(request, std::move(body.observation_ids), &endpoint_, url_, &sink_);
    // Held until the id is known: the reply may be there before Submit returns.
    std::lock_guard lock(mutex_);
    in_flight_[request.id] = client_->Submit(std::move(sent), std::move(call));
    return {};
  }

  void Cancel(uint64_t id) override {
    std::lock_guard lock(mutex_);
    const auto found = in_flight_.find(id);
    if (found != in_flight_.end()) client_->Cancel(found->second);
  }

  std::string Describe() const override {
    return fmt::format("{} at {} ({}, {})", endpoint_.options.model, http::ShownUrl(endpoint_.options.url),
                       endpoint_.options.api == Api::kChat ? "chat" : "completions", ServerKindName(endpoint_.kind));
  }

 private:
  void End(uint64_t id, engine::Reply reply) {
    {
      std::lock_guard lock(mutex_);
      in_flight_.erase(id);
    }
    PostReply(id, std::move(reply));
  }

  const Endpoint endpoint_;
  const std::string url_;
  const CallSink sink_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, http::Client::Id> in_flight_;
  std::unique_ptr<http::Client> client_;  // last: its thread uses what stands above
};

// The model that is asked for when no policy is.
Status ChooseModel(const ServerFacts& facts, Endpoint* endpoint) {
  RemoteOptions& options = endpoint->options;
  const auto known = [&](const std::string& name) {
    return std::find(facts.models.begin(), facts.models.end(), name) != facts.models.end();
  };
  std::string some;
  for (size_t i = 0; i < std::min<size_t>(facts.models.size(), 8); ++i) {
    some += (i > 0 ? ", " : "") + fmt::format("`{}`", facts.models[i]);
  }
  if (facts.models.size() > 8) some += ", …";
  if (options.model.empty()) {
    if (facts.models.size() == 1) {
      options.model = facts.models.front();
      return {};
    }
    return Error(ErrorCode::kInvalidArgument,
                 facts.models.empty() ? "the server does not list its models: name one with `model` in `backbone`"
                                      : fmt::format("the server has several models: name one with `model` in "
                                                    "`backbone`: {}",
                                                    some));
  }
  // Others serve more than they list, or one model under any name.
  const bool lists_all = endpoint->kind == ServerKind::kVllm || endpoint->kind == ServerKind::kSglang;
  if (!lists_all) return {};
  std::vector<std::string> wanted{options.model};
  for (const auto& [policy, model] : options.policies) wanted.push_back(model);
  for (const std::string& model : wanted) {
    if (known(model)) continue;
    return Error(ErrorCode::kNotFound,
                 fmt::format("the server at {} has no model `{}`{}; it has {}", http::ShownUrl(options.url), model,
                             source::DidYouMean(model, facts.models), some));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> MakeRemoteEngine(const RemoteOptions& options) {
  JADE_ASSIGN_OR_RETURN(Endpoint endpoint, internal::MakeEndpoint(options));
  auto facts = internal::ProbeEndpoint(endpoint);
  if (!facts.ok()) return std::move(facts).error().Wrap("the remote backbone");
  endpoint.kind = options.server.value_or(facts->kind);
  JADE_TRY(ChooseModel(*facts, &endpoint));
  JADE_ASSIGN_OR_RETURN(auto client, http::Client::Create({.concurrency = options.concurrency,
                                                           .requests_per_second = options.requests_per_second,
                                                           .clock = options.clock}));
  return std::unique_ptr<engine::Engine>(std::make_unique<RemoteEngine>(std::move(endpoint), std::move(client)));
}

}  // namespace jade::remote
