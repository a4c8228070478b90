#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "runtime/http/failure.h"
#include "runtime/retrieve/provider.h"
#include "runtime/retrieve/remote.h"
#include "runtime/retrieve/remote_request.h"
#include "runtime/retrieve/tool_call.h"

namespace jade::retrieve {
namespace {

using nlohmann::json;

Error Malformed(const std::string& what) {
  return Error(ErrorCode::kCorrupt, fmt::format("the reply is malformed: {}", what));
}

// "Title\ntext"; a title in quotes loses them. Its id is of its content: the same passage, the same id.
Passage PassageOf(const std::string& document) {
  Passage passage;
  const size_t end = document.find('\n');
  if (end != std::string::npos) passage.title = document.substr(0, end);
  passage.text = document.substr(end == std::string::npos ? 0 : end + 1);
  if (passage.title.size() > 2 && passage.title.front() == '"' && passage.title.back() == '"') {
    passage.title = passage.title.substr(1, passage.title.size() - 2);
  }
  passage.id = fmt::format("{:016x}", XXH3_64bits(document.data(), document.size()));
  return passage;
}

const json* FirstOf(const json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const auto it = object.find(key); it != object.end() && !it->is_null()) return &*it;
  }
  return nullptr;
}

Result<Passage> ReadDocument(const json& document) {
  if (document.is_string()) return PassageOf(document.get_ref<const std::string&>());
  if (!document.is_object()) return Malformed("a document is neither a text nor an object");
  const json* inner = FirstOf(document, {"document"});
  const json& object = inner != nullptr && inner->is_object() ? *inner : document;
  const json* contents = FirstOf(object, {"text", "contents"});
  if (contents == nullptr || !contents->is_string()) return Malformed("a document has no `text` and no `contents`");
  const json* title = FirstOf(object, {"title"});
  Passage passage = PassageOf(contents->get_ref<const std::string&>());
  if (title != nullptr && title->is_string()) {
    passage.title = title->get<std::string>();
    passage.text = contents->get<std::string>();
  }
  if (const json* id = FirstOf(object, {"id", "_id", "docid"}))
    passage.id = id->is_string() ? id->get<std::string>() : id->dump();
  const json* score = FirstOf(document, {"score"});
  if (score == nullptr) score = FirstOf(object, {"score"});
  if (score != nullptr && score->is_number()) passage.score = *score;
  return passage;
}

Result<std::vector<Passage>> ReadAnswer(const json& answer, const std::string& question, int k) {
  const json* documents = &answer;
  if (answer.is_object()) {
    if (const json* asked = FirstOf(answer, {"question"}); asked != nullptr && *asked != question) {
      return Malformed("it answers another question than was asked");
    }
    documents = FirstOf(answer, {"top_k_docs", "documents", "docs"});
  }
  if (documents == nullptr || !documents->is_array()) return Malformed("an answer has no list `top_k_docs`");
  std::vector<Passage> passages;
  for (const json& document : *documents) {
    if (static_cast<int>(passages.size()) >= k) break;
    JADE_ASSIGN_OR_RETURN(Passage passage, ReadDocument(document));
    passages.push_back(std::move(passage));
  }
  return passages;
}

// The calls that go out together.
struct Batch {
  struct Call {
    uint64_t id = 0;
    std::string tool;
    Query search;
    bool ended = false;
    std::vector<Passage> found;
  };
  std::vector<Call> calls;
  http::Client::Id request = 0;
};

std::string BodyOf(const Batch& batch) {
  json questions = json::array();
  int most = 0;
  for (const Batch::Call& call : batch.calls) {
    questions.push_back(call.search.text);
    most = std::max(most, call.search.k);
  }
  return json{{"questions", questions}, {"N", most}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Reads what was found for each call of a batch.
Status ReadAnswers(const std::string& body, Batch* batch) {
  const json reply = http::NestsTooDeep(body) ? json() : json::parse(body, nullptr, false);
  const json* answers = &reply;
  if (reply.is_object()) answers = FirstOf(reply, {"result", "results"});
  if (answers == nullptr || !answers->is_array()) return Malformed("it is not a list of answers");
  if (answers->size() != batch->calls.size()) {
    return Malformed(fmt::format("{} answers to {} questions", answers->size(), batch->calls.size()));
  }
  for (size_t i = 0; i < batch->calls.size(); ++i) {
    Batch::Call& call = batch->calls[i];
    JADE_ASSIGN_OR_RETURN(call.found, ReadAnswer((*answers)[i], call.search.text, call.search.k));
  }
  return {};
}

class SearchEndpointTool final : public engine::ToolProvider {
 public:
  SearchEndpointTool(RemoteSearchOptions options, std::vector<std::string> tools, int max_k,
                     std::unique_ptr<http::Client> client)
      : options_(std::move(options)), tools_(std::move(tools)), max_k_(max_k), client_(std::move(client)) {}

  ~SearchEndpointTool() override {
    client_.reset();
    for (const Batch::Call& call : waiting_) PostCancelled(call);
  }

  bool Serves(std::string_view tool) const override {
    return std::find(tools_.begin(), tools_.end(), tool) != tools_.end();
  }

  Status Submit(engine::ToolRequest request) override {
    PostStarted(request.id);
    auto search = ParseArguments(request.arguments, max_k_);
    if (!search.ok()) {
      PostToolReply(request.id, {"", std::move(search).error().Wrap(fmt::format("tool `{}`", request.tool))});
    } else if (search->k == 0) {
      PostToolReply(request.id, {PassagesJson({}), std::nullopt});
    } else {
      std::lock_guard lock(mutex_);
      waiting_.push_back({request.id, std::move(request.tool), std::move(*search), false, {}});
    }
    return {};
  }

  // Sends what waits, while there is room on the wire.
  bool Step() override {
    std::lock_guard lock(mutex_);
    const bool some = !waiting_.empty() && in_flight_.size() < static_cast<size_t>(options_.concurrency);
    while (!waiting_.empty() && in_flight_.size() < static_cast<size_t>(options_.concurrency)) {
      auto batch = std::make_shared<Batch>();
      const size_t size = std::min(waiting_.size(), static_cast<size_t>(options_.batch));
      const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(size);
      batch->calls.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
      waiting_.erase(waiting_.begin(), end);
      Send(batch);
    }
    return some;
  }

  void Cancel(uint64_t id) override {
    std::lock_guard lock(mutex_);
    const auto is_it = [&](const Batch::Call& call) { return call.id == id && !call.ended; };
    if (const auto it = std::find_if(waiting_.begin(), waiting_.end(), is_it); it != waiting_.end()) {
      PostCancelled(*it);
      waiting_.erase(it);
      return;
    }
    for (const auto& batch : in_flight_) {
      const auto it = std::find_if(batch->calls.begin(), batch->calls.end(), is_it);
      if (it == batch->calls.end()) continue;
      it->ended = true;
      PostCancelled(*it);
      const bool all = std::all_of(batch->calls.begin(), batch->calls.end(), [](const auto& c) { return c.ended; });
      if (all) client_->Cancel(batch->request);
      return;
    }
  }

  std::string Describe() const override { return fmt::format("search endpoint at {}", http::ShownUrl(options_.url)); }

 private:
  void PostCancelled(const Batch::Call& call) {
    PostToolReply(call.id, {"", Error(ErrorCode::kCancelled, fmt::format("tool `{}`: cancelled", call.tool))});
  }

  // With the lock held.
  void Send(const std::shared_ptr<Batch>& batch) {
    in_flight_.push_back(batch);
    auto read = [this, batch](const std::string& body) -> Status {
      std::lock_guard lock(mutex_);
      return ReadAnswers(body, batch.get());
    };
    auto done = [this, batch](Result<http::Response> result) { End(batch, std::move(result)); };
    batch->request =
        client_->Submit(internal::MakeRequest(options_, options_.url, BodyOf(*batch), batch->calls.front().id),
                        internal::Receive(std::move(read), std::move(done)));
  }

  void End(const std::shared_ptr<Batch>& batch, Result<http::Response> result) {
    std::optional<Error> error;
    if (!result.ok()) {
      error = std::move(result).error();
    } else if (result->status < 200 || result->status > 299) {
      error = internal::RefusalOf(options_, options_.url, *result);
    }
    std::lock_guard lock(mutex_);
    std::erase(in_flight_, batch);
    for (Batch::Call& call : batch->calls) {
      if (std::exchange(call.ended, true)) continue;
      engine::ToolReply reply;
      if (error) {
        reply.error = Error(*error).Wrap(fmt::format("tool `{}`", call.tool));
      } else {
        reply.result = PassagesJson(call.found);
      }
      PostToolReply(call.id, std::move(reply));
    }
  }

  const RemoteSearchOptions options_;
  const std::vector<std::string> tools_;
  const int max_k_;
  std::mutex mutex_;
  std::vector<Batch::Call> waiting_;
  std::vector<std::shared_ptr<Batch>> in_flight_;
  std::unique_ptr<http::Client> client_;  // last: its thread uses what stands above
};

}  // namespace

Result<std::unique_ptr<engine::ToolProvider>> MakeSearchEndpointTool(RemoteSearchOptions options,
                                                                     std::vector<std::string> tools, int max_k) {
  JADE_TRY(internal::CheckUrl(options.url));
  if (options.batch < 1) return Error(ErrorCode::kInvalidArgument, "`batch` of the retriever must be at least 1");
  JADE_ASSIGN_OR_RETURN(auto client, internal::MakeClient(options));
  return std::unique_ptr<engine::ToolProvider>(
      std::make_unique<SearchEndpointTool>(std::move(options), std::move(tools), max_k, std::move(client)));
}

Status TrySearchEndpoint(const RemoteSearchOptions& options) {
  JADE_TRY(internal::CheckUrl(options.url));
  JADE_ASSIGN_OR_RETURN(const auto client, internal::MakeClient(options));
  Batch batch;
  batch.calls.push_back({1, "R", {"test", 1}, false, {}});
  JADE_ASSIGN_OR_RETURN(const http::Response response,
                        http::Fetch(*client, internal::MakeRequest(options, options.url, BodyOf(batch), 0)));
  if (response.status < 200 || response.status > 299) return internal::RefusalOf(options, options.url, response);
  return ReadAnswers(response.body, &batch);
}

}  // namespace jade::retrieve
