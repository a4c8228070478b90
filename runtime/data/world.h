#pragma once
// A world: entities of nine kinds and the facts that link them. The atlas (true facts, read from YAML) and the pretend
// worlds (generated) are both values of this type, so passages, questions and demonstrations are written by one code.
// A World is built once and then only read; any thread may read it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jade::data {

enum class Kind : uint8_t { kCountry, kCity, kAuthor, kBook, kElement, kScientist, kMountain, kUniversity, kMuseum };
inline constexpr int kKindCount = 9;

enum class Relation : uint8_t {
  kCapital,       // country → city
  kContinent,     // country → text
  kCurrency,      // country → text
  kLanguages,     // country → texts
  kInCountry,     // city, mountain → country
  kHomeCountry,   // author, scientist → country
  kBirthYear,     // author, scientist → year
  kAuthor,        // book → author
  kPublished,     // book → year
  kSymbol,        // element → text
  kAtomicNumber,  // element → number
  kFamily,        // element → text ("noble gas")
  kDiscoverer,    // element → scientist
  kDiscovered,    // element → year
  kInCity,        // university, museum → city
  kHeight,        // mountain → metres
  kFounded,       // university, museum → year
};
inline constexpr int kRelationCount = 17;

enum class Split : uint8_t { kTrain, kDev, kTest };

using EntityId = int32_t;
inline constexpr EntityId kNoEntity = -1;

struct Fact {
  Relation relation;
  std::vector<std::string> values;  // never empty; for a link, the name of the object
  EntityId object = kNoEntity;
};

struct Entity {
  Kind kind;
  std::string name;
  bool article = false;  // "the Netherlands", "the Louvre"
  Split split = Split::kTrain;
  std::vector<Fact> facts;

  // The name as it stands inside a sentence.
  std::string Phrase() const { return article ? "the " + name : name; }
  const Fact* Find(Relation relation) const;
};

struct World {
  std::vector<Entity> entities;

  const Entity& At(EntityId id) const { return entities[static_cast<size_t>(id)]; }
  std::vector<EntityId> OfKind(Kind kind) const;
  EntityId Add(Kind kind, std::string name, bool article = false);
  void Link(EntityId subject, Relation relation, EntityId object);
  void Set(EntityId subject, Relation relation, std::vector<std::string> values);
  bool IsCapital(EntityId city) const;  // some country's capital
};

std::string_view KindName(Kind kind);              // "country"
std::string_view RelationName(Relation relation);  // "capital"
std::string_view SplitName(Split split);           // "train"

}  // namespace jade::data
