#include "runtime/retrieve/provider.h"

#include <algorithm>
#include <mutex>

#include "runtime/retrieve/query_cache.h"

namespace jade::retrieve {
namespace {

class RetrieverTool final : public engine::ToolProvider {
 public:
  RetrieverTool(std::unique_ptr<Index> index, ToolOptions options)
      : index_(std::move(index)), options_(std::move(options)), cache_(options_.cache_bytes) {}

  bool Serves(std::string_view tool) const override {
    return std::find(options_.tools.begin(), options_.tools.end(), tool) != options_.tools.end();
  }

  Status Submit(engine::ToolRequest request) override {
    PostStarted(request.id);
    auto found = Search(request.arguments);
    engine::ToolReply reply;
    if (found.ok()) {
      reply.result = std::move(found).value();
    } else {
      reply.error = std::move(found).error().Wrap(fmt::format("tool `{}`", request.tool));
    }
    PostToolReply(request.id, std::move(reply));
    return {};
  }

  void Cancel(uint64_t) override {}  // nothing outlives Submit

  std::string Describe() const override { return fmt::format("bm25 ({} passages)", index_->passages()); }

 private:
  Result<std::string> Search(const std::string& arguments) {
    JADE_ASSIGN_OR_RETURN(const Query query, ParseArguments(arguments, options_.max_k));
    const std::scoped_lock lock(mutex_);
    if (auto known = cache_.Find(query)) return *std::move(known);
    JADE_ASSIGN_OR_RETURN(const auto passages, index_->Search(query.text, query.k));
    std::string result = PassagesJson(passages);
    cache_.Insert(query, result);
    return result;
  }

  std::mutex mutex_;  // over the index and the cache
  std::unique_ptr<Index> index_;
  ToolOptions options_;
  QueryCache cache_;
};

}  // namespace

std::unique_ptr<engine::ToolProvider> MakeRetrieverTool(std::unique_ptr<Index> index, ToolOptions options) {
  return std::make_unique<RetrieverTool>(std::move(index), std::move(options));
}

}  // namespace jade::retrieve
