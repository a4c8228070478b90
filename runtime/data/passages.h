#pragma once
// Passages: short texts of two or three sentences that state the facts of one entity, in many wordings. Deterministic
// by world and seed. Values; any thread may read them.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/data/world.h"

namespace jade::data {

using PassageId = int32_t;

struct Passage {
  std::string title;  // unique in its world
  std::string text;
  EntityId subject = kNoEntity;
};

struct Library {
  std::vector<Passage> passages;
  std::map<std::pair<EntityId, Relation>, PassageId> stating;  // the passage that states a fact of an entity

  const Passage& At(PassageId id) const { return passages[static_cast<size_t>(id)]; }
  PassageId Stating(EntityId subject, Relation relation) const;  // -1 when nothing states it
};

Library WritePassages(const World& world, uint64_t seed);

}  // namespace jade::data
