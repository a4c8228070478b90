#pragma once
// The passages a demonstration shows: what the retriever would return, with the evidence among them, or without any of
// it. The pointers live as long as the scene.

#include <string_view>
#include <vector>

#include "runtime/data/scene.h"

namespace jade::data {

using Docs = std::vector<const Passage*>;

Docs Passages(const Scene& scene, const std::vector<PassageId>& ids);

// The best passages for `query`, `size` of them (or as many as `support` has, if that is more), all of `support` among
// them; best first, sometimes shuffled.
Docs WithEvidence(const Scene& scene, Rng& rng, std::string_view query, const std::vector<PassageId>& support,
                  size_t size);

// The best passages for `query` that are no support and do not contain the answer, at most `size`.
Docs WithoutAnswer(const Scene& scene, std::string_view query, const std::vector<PassageId>& support,
                   std::string_view answer, size_t size);

}  // namespace jade::data
