#pragma once
// Pretend worlds: generated names and facts in the schema of the atlas. They teach a backbone to read instead of to
// remember, and are never shipped as facts.

#include <cstdint>
#include <string>
#include <unordered_set>

#include "runtime/data/names.h"
#include "runtime/data/world.h"

namespace jade::data {

struct PretendOptions {
  uint64_t seed = 1;
  NamePool pool = NamePool::kTraining;
  const std::unordered_set<std::string>* taken = nullptr;  // names never to use; outlives the call
  int countries = 20;                                      // the other kinds scale with it
  const NamePieces* pieces = nullptr;                      // outlives the call
};

// About ten entities a country. Every name is new and of the pool; some differ little from others, on purpose.
World MakePretendWorld(const PretendOptions& options);

}  // namespace jade::data
