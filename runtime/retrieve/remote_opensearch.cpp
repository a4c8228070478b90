#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "runtime/http/failure.h"
#include "runtime/retrieve/provider.h"
#include "runtime/retrieve/remote.h"
#include "runtime/retrieve/remote_request.h"
#include "runtime/retrieve/tool_call.h"

namespace jade::retrieve {
namespace {

using nlohmann::json;

Error Malformed(std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("the reply is malformed: {}", what));
}

// An index name, pattern or list of them, as part of a URL.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.,*+").find(c) != std::string_view::npos;
    escaped += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return escaped;
}

std::string SearchUrl(const RemoteSearchOptions& options) {
  std::string url = options.url;
  while (url.ends_with('/')) url.pop_back();
  return url + "/" + Escaped(options.index) + "/_search";
}

std::string SearchBody(const RemoteSearchOptions& options, const std::string& query, int k) {
  json source{options.title_field, options.text_field};
  if (!options.id_field.empty()) source.push_back(options.id_field);
  const json body{{"query", {{"multi_match", {{"query", query}, {"fields", options.search_fields}}}}},
                  {"size", k},
                  {"_source", source}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string TextOf(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  if (!value.is_array()) return value.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string joined;
  for (const json& one : value) joined += (joined.empty() ? "" : " ") + TextOf(one);
  return joined;
}

// A field by its name, or by a path of names with dots between.
std::string FieldOf(const json& source, const std::string& name) {
  if (!source.is_object()) return "";
  if (const auto it = source.find(name); it != source.end()) return TextOf(*it);
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return "";
  const auto it = source.find(name.substr(0, dot));
  return it == source.end() ? "" : FieldOf(*it, name.substr(dot + 1));
}

Passage PassageOf(const json& hit, const RemoteSearchOptions& options) {
  Passage passage;
  const json source = hit.value("_source", json::object());
  passage.id = options.id_field.empty() ? FieldOf(hit, "_id") : FieldOf(source, options.id_field);
  passage.title = FieldOf(source, options.title_field);
  passage.text = FieldOf(source, options.text_field);
  if (const auto score = hit.find("_score"); score != hit.end() && score->is_number()) passage.score = *score;
  return passage;
}

Result<std::vector<Passage>> ReadHits(const std::string& body, const RemoteSearchOptions& options, int k) {
  const json reply = http::NestsTooDeep(body) ? json() : json::parse(body, nullptr, false);
  if (!reply.is_object()) return Malformed("it is not a JSON object");
  if (const auto late = reply.find("timed_out"); late != reply.end() && *late == true) {
    return Error(ErrorCode::kDeadline, "the search timed out on the server");
  }
  if (const auto shards = reply.find("_shards"); shards != reply.end() && shards->is_object()) {
    const auto failed = shards->find("failed");
    if (failed != shards->end() && failed->is_number_integer() && *failed != 0) {
      return Error(ErrorCode::kUnavailable, fmt::format("{} shards of the index failed", failed->get<int64_t>()));
    }
  }
  const auto outer = reply.find("hits");
  if (outer == reply.end() || !outer->is_object()) return Malformed("it has no `hits`");
  const auto hits = outer->find("hits");
  if (hits == outer->end() || !hits->is_array()) return Malformed("it has no list `hits.hits`");
  std::vector<Passage> passages;
  for (const json& hit : *hits) {
    if (!hit.is_object()) return Malformed("a hit is not an object");
    if (static_cast<int>(passages.size()) < k) passages.push_back(PassageOf(hit, options));
  }
  return passages;
}

class OpenSearchTool final : public engine::ToolProvider {
 public:
  OpenSearchTool(RemoteSearchOptions options, std::vector<std::string> tools, int max_k,
                 std::unique_ptr<http::Client> client)
      : options_(std::move(options)),
        url_(SearchUrl(options_)),
        tools_(std::move(tools)),
        max_k_(max_k),
        client_(std::move(client)) {}

  bool Serves(std::string_view tool) const override {
    return std::find(tools_.begin(), tools_.end(), tool) != tools_.end();
  }

  Status Submit(engine::ToolRequest request) override {
    PostStarted(request.id);
    auto call = ParseArguments(request.arguments, max_k_);
    if (!call.ok() || call->k == 0) {
      engine::ToolReply reply;
      if (call.ok()) {
        reply.result = PassagesJson({});
      } else {
        reply.error = std::move(call).error().Wrap(fmt::format("tool `{}`", request.tool));
      }
      PostToolReply(request.id, std::move(reply));
      return {};
    }
    auto found = std::make_shared<std::vector<Passage>>();
    auto read = [this, found, k = call->k](const std::string& body) -> Status {
      JADE_ASSIGN_OR_RETURN(*found, ReadHits(body, options_, k));
      return {};
    };
    auto done = [this, found, id = request.id, tool = request.tool](Result<http::Response> result) {
      End(id, tool, *found, std::move(result));
    };
    http::Request sent = internal::MakeRequest(options_, url_, SearchBody(options_, call->text, call->k), request.id);
    sent.timeouts.total = request.timeout;
    // Held until the id is known: the reply may be there before Submit returns.
    std::lock_guard lock(mutex_);
    in_flight_[request.id] = client_->Submit(std::move(sent), internal::Receive(std::move(read), std::move(done)));
    return {};
  }

  void Cancel(uint64_t id) override {
    std::lock_guard lock(mutex_);
    if (const auto found = in_flight_.find(id); found != in_flight_.end()) client_->Cancel(found->second);
  }

  std::string Describe() const override { return fmt::format("opensearch at {}", http::ShownUrl(url_)); }

 private:
  void End(uint64_t id, const std::string& tool, const std::vector<Passage>& found, Result<http::Response> result) {
    {
      std::lock_guard lock(mutex_);
      in_flight_.erase(id);
    }
    engine::ToolReply reply;
    if (!result.ok()) {
      reply.error = std::move(result).error().Wrap(fmt::format("tool `{}`", tool));
    } else if (result->status < 200 || result->status > 299) {
      reply.error = internal::RefusalOf(options_, url_, *result).Wrap(fmt::format("tool `{}`", tool));
    } else {
      reply.result = PassagesJson(found);
    }
    PostToolReply(id, std::move(reply));
  }

  const RemoteSearchOptions options_;
  const std::string url_;
  const std::vector<std::string> tools_;
  const int max_k_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, http::Client::Id> in_flight_;
  std::unique_ptr<http::Client> client_;  // last: its thread uses what stands above
};

Status CheckOptions(const RemoteSearchOptions& options) {
  JADE_TRY(internal::CheckUrl(options.url));
  if (options.index.empty()) return Error(ErrorCode::kInvalidArgument, "`index` of the retriever is empty");
  if (options.search_fields.empty()) {
    return Error(ErrorCode::kInvalidArgument, "`fields.search` of the retriever is empty: nothing would be found");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<engine::ToolProvider>> MakeOpenSearchTool(RemoteSearchOptions options,
                                                                 std::vector<std::string> tools, int max_k) {
  JADE_TRY(CheckOptions(options));
  JADE_ASSIGN_OR_RETURN(auto client, internal::MakeClient(options));
  return std::unique_ptr<engine::ToolProvider>(
      std::make_unique<OpenSearchTool>(std::move(options), std::move(tools), max_k, std::move(client)));
}

Status TryOpenSearch(const RemoteSearchOptions& options) {
  JADE_TRY(CheckOptions(options));
  JADE_ASSIGN_OR_RETURN(const auto client, internal::MakeClient(options));
  const std::string url = SearchUrl(options);
  JADE_ASSIGN_OR_RETURN(const http::Response response,
                        http::Fetch(*client, internal::MakeRequest(options, url, SearchBody(options, "test", 1), 0)));
  if (response.status < 200 || response.status > 299) return internal::RefusalOf(options, url, response);
  auto hits = ReadHits(response.body, options, 1);
  if (!hits.ok()) return hits.error();
  return {};
}

}  // namespace jade::retrieve
