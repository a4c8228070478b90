#pragma once
// The retriever as a tool: (query: Query, k: Int) -> [Doc] over one index.

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/retrieve/index.h"

namespace jade::retrieve {

// Passages as a tool's result: a JSON list of {"id", "title", "text", "score"}.
std::string PassagesJson(const std::vector<Passage>& passages);

// Serves the tools named in `tools` (usually "R"). A call searches at once, on the caller's thread (about a
// millisecond), and posts its reply; `max_k` caps what a call may ask for.
std::unique_ptr<engine::ToolProvider> MakeRetrieverTool(std::unique_ptr<Index> index, std::vector<std::string> tools,
                                                        int max_k);

}  // namespace jade::retrieve
