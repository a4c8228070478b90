#pragma once
// The retriever tool's arguments and results as JSON: (query: Query, k: Int) -> [Doc]. Pure functions.

#include <string>
#include <vector>

#include "runtime/retrieve/searcher.h"

namespace jade::retrieve {

// {"query": "…", "k": 5}; `k` is brought into 0 … `max_k`, which it also is by default.
Result<Query> ParseArguments(const std::string& arguments, int max_k);

// A JSON list of {"id", "title", "text", "score"}.
std::string PassagesJson(const std::vector<Passage>& passages);

}  // namespace jade::retrieve
