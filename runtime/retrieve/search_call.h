#pragma once
// Internal to runtime/retrieve: the arguments of a retriever's call.

#include <string>

#include "compiler/result/result.h"

namespace jade::retrieve::internal {

struct SearchCall {
  std::string query;
  int k = 0;
};

// Of {"query": "…", "k": 5}. `k` is `max_k` when absent, and never outside 0 to `max_k`.
Result<SearchCall> ReadSearchCall(const std::string& arguments, int max_k);

}  // namespace jade::retrieve::internal
