#include "runtime/data/world.h"

#include <array>
#include <utility>

#include "runtime/data/rng.h"

namespace jade::data {

uint64_t HashText(std::string_view text, uint64_t seed) {
  uint64_t hash = 0xCBF29CE484222325ull ^ (seed * 0x9E3779B97F4A7C15ull);
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001B3ull;
  return Rng(hash).Next();
}

const Fact* Entity::Find(Relation relation) const {
  for (const Fact& fact : facts) {
    if (fact.relation == relation) return &fact;
  }
  return nullptr;
}

std::vector<EntityId> World::OfKind(Kind kind) const {
  std::vector<EntityId> ids;
  for (size_t i = 0; i < entities.size(); ++i) {
    if (entities[i].kind == kind) ids.push_back(static_cast<EntityId>(i));
  }
  return ids;
}

EntityId World::Add(Kind kind, std::string name, bool article) {
  entities.push_back({kind, std::move(name), article, Split::kTrain, {}});
  return static_cast<EntityId>(entities.size() - 1);
}

void World::Link(EntityId subject, Relation relation, EntityId object) {
  std::string name = At(object).name;
  entities[static_cast<size_t>(subject)].facts.push_back({relation, {std::move(name)}, object});
}

void World::Set(EntityId subject, Relation relation, std::vector<std::string> values) {
  entities[static_cast<size_t>(subject)].facts.push_back({relation, std::move(values), kNoEntity});
}

bool World::IsCapital(EntityId city) const {
  const Fact* country = At(city).Find(Relation::kInCountry);
  if (country == nullptr || country->object == kNoEntity) return false;
  const Fact* capital = At(country->object).Find(Relation::kCapital);
  return capital != nullptr && capital->object == city;
}

std::string_view KindName(Kind kind) {
  static constexpr std::array<std::string_view, kKindCount> kNames = {
      "country", "city", "author", "book", "element", "scientist", "mountain", "university", "museum"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view RelationName(Relation relation) {
  static constexpr std::array<std::string_view, kRelationCount> kNames = {
      "capital",    "continent",  "currency",  "languages", "country",       "home_country",
      "birth_year", "author",     "published", "symbol",    "atomic_number", "family",
      "discoverer", "discovered", "city",      "height",    "founded"};
  return kNames[static_cast<size_t>(relation)];
}

std::string_view SplitName(Split split) {
  static constexpr std::array<std::string_view, 3> kNames = {"train", "dev", "test"};
  return kNames[static_cast<size_t>(split)];
}

}  // namespace jade::data
