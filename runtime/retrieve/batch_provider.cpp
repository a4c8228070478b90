#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "runtime/retrieve/provider.h"
#include "runtime/retrieve/query_cache.h"

namespace jade::retrieve {
namespace {

constexpr size_t kMaxWaiting = 65'536;

class BatchRetrieverTool final : public engine::ToolProvider {
 public:
  BatchRetrieverTool(std::unique_ptr<Searcher> searcher, ToolOptions options)
      : searcher_(std::move(searcher)),
        description_(searcher_->Describe()),
        options_(std::move(options)),
        cache_(options_.cache_bytes),
        thread_([this] { Serve(); }) {}

  ~BatchRetrieverTool() override {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  BatchRetrieverTool(const BatchRetrieverTool&) = delete;
  BatchRetrieverTool& operator=(const BatchRetrieverTool&) = delete;

  bool Serves(std::string_view tool) const override {
    return std::find(options_.tools.begin(), options_.tools.end(), tool) != options_.tools.end();
  }

  Status Submit(engine::ToolRequest request) override {
    auto query = ParseArguments(request.arguments, options_.max_k);
    if (!query.ok()) {
      PostStarted(request.id);
      PostToolReply(request.id, {"", std::move(query).error().Wrap(fmt::format("tool `{}`", request.tool))});
      return {};
    }
    std::unique_lock lock(mutex_);
    if (auto known = cache_.Find(*query)) {
      lock.unlock();
      PostStarted(request.id);
      PostToolReply(request.id, {*std::move(known), std::nullopt});
      return {};
    }
    if (waiting_.size() >= kMaxWaiting) {
      return Error(ErrorCode::kUnavailable, fmt::format("{} calls wait for the retriever", waiting_.size()));
    }
    waiting_.push_back({request.id, std::move(request.tool), std::move(query).value()});
    lock.unlock();
    changed_.notify_one();
    return {};
  }

  void Cancel(uint64_t id) override {
    std::unique_lock lock(mutex_);
    const auto call = std::find_if(waiting_.begin(), waiting_.end(), [id](const Call& c) { return c.id == id; });
    if (call == waiting_.end()) return;  // its reply is on the way
    waiting_.erase(call);
    lock.unlock();
    PostCancelled(id);
  }

  std::string Describe() const override { return description_; }

 private:
  struct Call {
    uint64_t id = 0;
    std::string tool;
    Query query;
  };

  void Serve() {
    for (std::vector<Call> calls = Take(); !calls.empty(); calls = Take()) Answer(calls);
  }

  // Blocks until calls wait; empty at the end, when those left have been refused.
  std::vector<Call> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
    if (ended_) {
      for (const Call& call : waiting_) PostCancelled(call.id);
      waiting_.clear();
      return {};
    }
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), options_.max_batch));
    std::vector<Call> calls(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    return calls;
  }

  void Answer(const std::vector<Call>& calls) {
    std::vector<std::optional<std::string>> known(calls.size());
    std::vector<size_t> slots(calls.size());  // of the query among those searched
    std::vector<Query> queries;
    {
      const std::scoped_lock lock(mutex_);
      for (size_t i = 0; i < calls.size(); ++i) {
        known[i] = cache_.Find(calls[i].query);  // it may have been found while this call waited
        if (known[i]) continue;
        const auto same = std::find(queries.begin(), queries.end(), calls[i].query);
        slots[i] = static_cast<size_t>(same - queries.begin());
        if (same == queries.end()) queries.push_back(calls[i].query);
      }
    }
    for (const Call& call : calls) PostStarted(call.id);
    const auto found = Search(queries);
    for (size_t i = 0; i < calls.size(); ++i) {
      engine::ToolReply reply;
      if (known[i]) {
        reply.result = *std::move(known[i]);
      } else if (found.ok()) {
        reply.result = (*found)[slots[i]];
      } else {
        reply.error = Error(found.error()).Wrap(fmt::format("tool `{}`", calls[i].tool));
      }
      PostToolReply(calls[i].id, std::move(reply));
    }
  }

  Result<std::vector<std::string>> Search(const std::vector<Query>& queries) {
    std::vector<std::string> results;
    if (queries.empty()) return results;
    JADE_ASSIGN_OR_RETURN(const auto found, searcher_->Search(queries));
    JADE_CHECK(found.size() == queries.size(), "{} results for {} queries", found.size(), queries.size());
    for (const auto& passages : found) results.push_back(PassagesJson(passages));
    const std::scoped_lock lock(mutex_);
    for (size_t i = 0; i < queries.size(); ++i) cache_.Insert(queries[i], results[i]);
    return results;
  }

  void PostCancelled(uint64_t id) { PostToolReply(id, {"", Error(ErrorCode::kCancelled, "cancelled")}); }

  std::unique_ptr<Searcher> searcher_;  // of the thread alone
  std::string description_;
  ToolOptions options_;
  std::mutex mutex_;  // over what follows
  std::condition_variable changed_;
  QueryCache cache_;
  std::deque<Call> waiting_;
  bool ended_ = false;
  std::thread thread_;  // last: it begins when all is there
};

}  // namespace

std::unique_ptr<engine::ToolProvider> MakeBatchRetrieverTool(std::unique_ptr<Searcher> searcher, ToolOptions options) {
  return std::make_unique<BatchRetrieverTool>(std::move(searcher), std::move(options));
}

}  // namespace jade::retrieve
