#include "runtime/retrieve/provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/retrieve/search_call.h"

namespace jade::retrieve {
namespace {

using nlohmann::json;

class RetrieverTool final : public engine::ToolProvider {
 public:
  RetrieverTool(std::unique_ptr<Index> index, std::vector<std::string> tools, int max_k)
      : index_(std::move(index)), tools_(std::move(tools)), max_k_(max_k) {}

  bool Serves(std::string_view tool) const override {
    return std::find(tools_.begin(), tools_.end(), tool) != tools_.end();
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
    JADE_ASSIGN_OR_RETURN(const auto call, internal::ReadSearchCall(arguments, max_k_));
    JADE_ASSIGN_OR_RETURN(const auto passages, index_->Search(call.query, call.k));
    return PassagesJson(passages);
  }

  std::unique_ptr<Index> index_;
  std::vector<std::string> tools_;
  int max_k_;
};

}  // namespace

std::string PassagesJson(const std::vector<Passage>& passages) {
  json list = json::array();
  for (const Passage& p : passages) {
    list.push_back({{"id", p.id}, {"title", p.title}, {"text", p.text}, {"score", p.score}});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::unique_ptr<engine::ToolProvider> MakeRetrieverTool(std::unique_ptr<Index> index, std::vector<std::string> tools,
                                                        int max_k) {
  return std::make_unique<RetrieverTool>(std::move(index), std::move(tools), max_k);
}

}  // namespace jade::retrieve
