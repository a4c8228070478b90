#pragma once
// The retriever as a tool: (query: Query, k: Int) -> [Doc] over one index.

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/retrieve/index.h"
#include "runtime/retrieve/searcher.h"
#include "runtime/retrieve/tool_call.h"

namespace jade::retrieve {

struct ToolOptions {
  std::vector<std::string> tools = {"R"};  // the tools served
  int max_k = 5;                           // the most passages a call may ask for
  size_t cache_bytes = 16U << 20U;         // of queries asked before, with their results; 0: none are kept
  size_t max_batch = 64;                   // queries that are searched together
};

// A call searches at once, on the caller's thread (about a millisecond), and posts its reply.
std::unique_ptr<engine::ToolProvider> MakeRetrieverTool(std::unique_ptr<Index> index, ToolOptions options);

// Searches on a thread of its own: the queries that wait when it is free are searched together, equal ones once. A
// waiting call that is cancelled is not searched; Submit fails with kUnavailable when 65,536 wait.
std::unique_ptr<engine::ToolProvider> MakeBatchRetrieverTool(std::unique_ptr<Searcher> searcher, ToolOptions options);

}  // namespace jade::retrieve
