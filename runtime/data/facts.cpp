#include "runtime/data/facts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/config/yaml.h"
#include "runtime/data/rng.h"

namespace jade::data {
namespace {

using config::Document;
using config::MapReader;
using config::Node;

constexpr int kFirstYear = 1000;
constexpr int kLastYear = 2026;
constexpr size_t kNamedKinds = static_cast<size_t>(kKindCount);

// One row of a file before references are looked up.
struct Row {
  const Document* document;
  const Node* node;
  EntityId id;
};

// What a number may be; an optional one may be left out.
struct Range {
  int64_t low;
  int64_t high;
  bool required = true;
};

class Loader {
 public:
  explicit Loader(std::string folder) : folder_(std::move(folder)) {}

  Result<World> Load() {
    JADE_TRY(Countries());
    JADE_TRY(Simple("cities.yaml", Kind::kCity, [&](const Row& row, MapReader& reader) -> Status {
      return Reference(row, reader, "country", Relation::kInCountry, Kind::kCountry);
    }));
    JADE_TRY(People("authors.yaml", Kind::kAuthor));
    JADE_TRY(People("scientists.yaml", Kind::kScientist));
    JADE_TRY(Simple("books.yaml", Kind::kBook, [&](const Row& row, MapReader& reader) -> Status {
      JADE_TRY(Reference(row, reader, "author", Relation::kAuthor, Kind::kAuthor));
      return Number(row, reader, "year", Relation::kPublished, {kFirstYear, kLastYear});
    }));
    JADE_TRY(Simple("elements.yaml", Kind::kElement,
                    [&](const Row& row, MapReader& reader) { return Element(row, reader); }));
    JADE_TRY(Simple("mountains.yaml", Kind::kMountain, [&](const Row& row, MapReader& reader) -> Status {
      JADE_TRY(Reference(row, reader, "country", Relation::kInCountry, Kind::kCountry));
      return Number(row, reader, "height", Relation::kHeight, {100, 8900});
    }));
    JADE_TRY(House("universities.yaml", Kind::kUniversity));
    JADE_TRY(House("museums.yaml", Kind::kMuseum));
    return std::move(world_);
  }

 private:
  Result<const Document*> Open(const std::string& file) {
    std::string path = folder_ + "/" + file;
    JADE_ASSIGN_OR_RETURN(Document document, config::LoadYaml(path));
    documents_.push_back(std::make_unique<Document>(std::move(document)));
    const Document& kept = *documents_.back();
    if (kept.root.kind != config::NodeKind::kList) return kept.ErrorAt(kept.root, "expected a list of maps");
    return &kept;
  }

  // The name of a row, added as an entity; unique within its kind.
  Result<EntityId> Named(const Document& document, const Node& node, MapReader& reader, Kind kind) {
    std::string name;
    bool article = false;
    reader.Text("name", &name).Require("name").Bool("the", &article);
    if (name.empty()) return document.ErrorAt(node, "a row without a name");
    return Register(document, node, kind, name, article);
  }

  Result<EntityId> Register(const Document& document, const Node& node, Kind kind, const std::string& name,
                            bool article) {
    auto& names = ids_[static_cast<size_t>(kind)];
    if (names.contains(name)) {
      return document.ErrorAt(node, "the " + std::string(KindName(kind)) + " `" + name + "` is listed twice");
    }
    return names[name] = world_.Add(kind, name, article);
  }

  template <typename Fill>
  Status Simple(const std::string& file, Kind kind, Fill fill) {
    JADE_ASSIGN_OR_RETURN(const Document* document, Open(file));
    for (const Node& node : document->root.items) {
      MapReader reader(*document, &node, std::string(KindName(kind)));
      JADE_ASSIGN_OR_RETURN(EntityId id, Named(*document, node, reader, kind));
      Status filled = fill(Row{document, &node, id}, reader);
      JADE_TRY(std::move(filled));
      JADE_TRY(reader.Finish());
    }
    return {};
  }

  Status Countries() {
    return Simple("countries.yaml", Kind::kCountry, [&](const Row& row, MapReader& reader) -> Status {
      std::string capital, continent, currency;
      std::vector<std::string> languages;
      reader.Text("capital", &capital).Require("capital").Text("continent", &continent).Require("continent");
      reader.Text("currency", &currency).Require("currency").TextList("languages", &languages).Require("languages");
      static constexpr std::array<std::string_view, 6> kContinents = {"Africa",        "Asia",          "Europe",
                                                                      "North America", "South America", "Oceania"};
      if (std::find(kContinents.begin(), kContinents.end(), continent) == kContinents.end()) {
        return row.document->ErrorAt(*row.node, "unknown continent `" + continent + "`");
      }
      if (capital.empty() || currency.empty() || languages.empty()) {
        return row.document->ErrorAt(*row.node, "capital, currency and languages must not be empty");
      }
      // A city state is its own capital: no second entity of the same name.
      if (capital == world_.At(row.id).name) {
        world_.Set(row.id, Relation::kCapital, {capital});
      } else {
        JADE_ASSIGN_OR_RETURN(EntityId city, Register(*row.document, *row.node, Kind::kCity, capital, false));
        world_.Link(row.id, Relation::kCapital, city);
        world_.Link(city, Relation::kInCountry, row.id);
      }
      world_.Set(row.id, Relation::kContinent, {continent});
      world_.Set(row.id, Relation::kCurrency, {currency});
      world_.Set(row.id, Relation::kLanguages, languages);
      return {};
    });
  }

  Status People(const std::string& file, Kind kind) {
    return Simple(file, kind, [&, kind](const Row& row, MapReader& reader) -> Status {
      JADE_TRY(Reference(row, reader, "country", Relation::kHomeCountry, Kind::kCountry));
      return Number(row, reader, "born", Relation::kBirthYear, {kFirstYear, kLastYear, kind == Kind::kAuthor});
    });
  }

  Status House(const std::string& file, Kind kind) {
    return Simple(file, kind, [&](const Row& row, MapReader& reader) -> Status {
      JADE_TRY(Reference(row, reader, "city", Relation::kInCity, Kind::kCity));
      return Number(row, reader, "founded", Relation::kFounded, {kFirstYear, kLastYear, false});
    });
  }

  Status Element(const Row& row, MapReader& reader) {
    std::string symbol, family;
    reader.Text("symbol", &symbol).Require("symbol").Text("family", &family);
    if (symbol.empty() || symbol.size() > 2) return row.document->ErrorAt(*row.node, "a symbol has one or two letters");
    if (!symbols_.insert({symbol, row.id}).second) {
      return row.document->ErrorAt(*row.node, "the symbol `" + symbol + "` is used twice");
    }
    world_.Set(row.id, Relation::kSymbol, {symbol});
    JADE_TRY(Number(row, reader, "number", Relation::kAtomicNumber, {1, 118}));
    if (!family.empty()) world_.Set(row.id, Relation::kFamily, {family});
    bool named = row.node->Find("discoverer") != nullptr;
    if (named != (row.node->Find("discovered") != nullptr)) {
      return row.document->ErrorAt(*row.node, "`discoverer` and `discovered` come together");
    }
    if (!named) return {};
    JADE_TRY(Reference(row, reader, "discoverer", Relation::kDiscoverer, Kind::kScientist));
    return Number(row, reader, "discovered", Relation::kDiscovered, {kFirstYear, kLastYear});
  }

  Status Reference(const Row& row, MapReader& reader, std::string_view key, Relation relation, Kind kind) {
    std::string name;
    reader.Text(key, &name).Require(key);
    if (name.empty()) return {};  // missing, and reported by the reader
    const auto& names = ids_[static_cast<size_t>(kind)];
    auto found = names.find(name);
    if (found == names.end()) {
      return row.document->ErrorAt(*row.node, "no " + std::string(KindName(kind)) + " is called `" + name + "`");
    }
    world_.Link(row.id, relation, found->second);
    return {};
  }

  Status Number(const Row& row, MapReader& reader, std::string_view key, Relation relation, Range range) {
    int64_t value = -1;
    reader.Int(key, &value, range.low, range.high);
    if (range.required) reader.Require(key);
    if (value >= 0) world_.Set(row.id, relation, {std::to_string(value)});
    return {};
  }

  std::string folder_;
  World world_;
  std::vector<std::unique_ptr<Document>> documents_;
  std::array<std::unordered_map<std::string, EntityId>, kNamedKinds> ids_;
  std::map<std::string, EntityId> symbols_;
};

// Union-find over links.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) {
    for (size_t i = 0; i < count; ++i) parent_[i] = i;
  }
  size_t Of(size_t at) {
    while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
    return at;
  }
  void Join(size_t a, size_t b) { parent_[Of(a)] = Of(b); }

 private:
  std::vector<size_t> parent_;
};

}  // namespace

Result<World> LoadFacts(const std::string& folder) {
  Result<World> world = Loader(folder).Load();
  if (!world.ok()) return std::move(world.error()).Wrap("reading the facts of the atlas");
  return world;
}

void AssignSplits(World& world, uint64_t seed) {
  Groups groups(world.entities.size());
  for (size_t i = 0; i < world.entities.size(); ++i) {
    for (const Fact& fact : world.entities[i].facts) {
      if (fact.object != kNoEntity) groups.Join(i, static_cast<size_t>(fact.object));
    }
  }
  struct Group {
    size_t facts = 0;
    uint64_t order = 0;
    std::vector<size_t> members;
  };
  std::map<size_t, Group> by_root;
  size_t total = 0;
  for (size_t i = 0; i < world.entities.size(); ++i) {
    Group& group = by_root[groups.Of(i)];
    if (group.members.empty()) group.order = HashText(world.entities[i].name, seed);
    group.members.push_back(i);
    group.facts += world.entities[i].facts.size();
    total += world.entities[i].facts.size();
  }
  std::vector<Group> ordered;
  for (auto& [root, group] : by_root) ordered.push_back(std::move(group));
  // Large groups first, each to the split that lacks the largest part of its share and is not a third filled by it;
  // groups of like size (the same power of two) in the order of their hashes.
  std::sort(ordered.begin(), ordered.end(), [](const Group& a, const Group& b) {
    int size_a = static_cast<int>(std::bit_width(a.facts)), size_b = static_cast<int>(std::bit_width(b.facts));
    return size_a != size_b ? size_a > size_b : a.order < b.order;
  });
  constexpr std::array<double, 3> kShares = {0.70, 0.10, 0.20};
  std::array<double, 3> filled = {0, 0, 0};
  for (const Group& group : ordered) {
    auto lack = [&](size_t split) { return 1.0 - filled[split] / (kShares[split] * static_cast<double>(total)); };
    size_t best = 0;
    for (size_t split = 1; split < 3; ++split) {
      bool fits = static_cast<double>(group.facts) < kShares[split] / 3.0 * static_cast<double>(total);
      if (fits && lack(split) > lack(best)) best = split;
    }
    filled[best] += static_cast<double>(group.facts);
    for (size_t member : group.members) world.entities[member].split = static_cast<Split>(best);
  }
}

}  // namespace jade::data
