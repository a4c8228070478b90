#include "cli/retriever.h"

#include "cli/backbone.h"
#include "cli/workbench.h"
#include "runtime/retrieve/provider.h"

namespace jade::cli {

bool NeedsBackbone(const settings::Retriever& retriever) {
  return retriever.kind == "dense" || retriever.kind == "hybrid";
}

Result<std::unique_ptr<engine::ToolProvider>> OpenRetriever(const settings::Retriever& retriever,
                                                            const std::string& tool, int max_k,
                                                            progress::Sink& progress, const std::atomic<bool>& cancel) {
  JADE_ASSIGN_OR_RETURN(const std::string path, ResolveIndex(retriever.index, progress, cancel));
  const retrieve::ToolOptions options{.tools = {tool}, .max_k = max_k};
  if (!NeedsBackbone(retriever)) {
    JADE_ASSIGN_OR_RETURN(auto index, retrieve::Index::Open(path));
    return retrieve::MakeRetrieverTool(std::move(index), options);
  }
  std::string model = retriever.model;
  if (path != retriever.index) {  // in the cache
    if (model.empty()) model = kDefaultEncoder;
    if (ModelOfVectors(path) != model) JADE_TRY(BuildVectors({.index = path, .model = model}, progress, cancel));
  }
  JADE_ASSIGN_OR_RETURN(auto searcher,
                        OpenSearcher({.index = path, .model = model, .hybrid = retriever.kind == "hybrid"}));
  return retrieve::MakeBatchRetrieverTool(std::move(searcher), options);
}

}  // namespace jade::cli
