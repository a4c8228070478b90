#include "runtime/data/pretend.h"

#include <algorithm>

#include "runtime/data/name_parts.h"

namespace jade::data {
namespace {

class Builder {
 public:
  explicit Builder(const PretendOptions& options)
      : rng_(options.seed ^ 0x77F0A1D5u),
        names_(HashText("names", options.seed), options.pool, options.taken, options.pieces),
        count_(std::max(4, options.countries)) {}

  World Build() {
    Countries();
    Cities();
    People(Kind::kAuthor, count_);
    People(Kind::kScientist, count_ * 2 / 3);
    Books();
    Elements();
    Mountains();
    Houses(Kind::kUniversity);
    Houses(Kind::kMuseum);
    return std::move(world_);
  }

 private:
  // Text values that several countries share are drawn from small pools made once for the world.
  std::vector<std::string> Shared(int made, std::string (NameMaker::*make)(),
                                  const std::vector<std::string_view>& real) {
    std::vector<std::string> pool;
    for (int i = 0; i < made; ++i) pool.push_back((names_.*make)());
    for (std::string_view name : real) pool.emplace_back(name);
    return pool;
  }

  void Countries() {
    std::vector<std::string> continents =
        Shared(4, &NameMaker::Continent, {kContinents.begin(), kContinents.end() - 1});
    std::vector<std::string> languages = Shared(count_ / 2, &NameMaker::Language, {});
    for (int i = 0; i < count_ / 6; ++i) languages.emplace_back(rng_.Pick(kLanguages));
    std::vector<std::string> currencies;
    for (int i = 0; i < count_; ++i) {
      std::string name = names_.Country();
      bool article = name.ends_with("Islands");
      EntityId country = world_.Add(Kind::kCountry, name, article);
      EntityId capital = world_.Add(Kind::kCity, names_.City());
      world_.Link(country, Relation::kCapital, capital);
      world_.Link(capital, Relation::kInCountry, country);
      cities_.push_back(capital);
      world_.Set(country, Relation::kContinent, {rng_.Pick(continents)});
      if (currencies.empty() || !rng_.Chance(0.3)) currencies.push_back(names_.Currency(name));
      world_.Set(country, Relation::kCurrency, {rng_.Chance(0.3) ? rng_.Pick(currencies) : currencies.back()});
      Languages(country, languages);
      countries_.push_back(country);
    }
  }

  void Languages(EntityId country, const std::vector<std::string>& languages) {
    std::vector<std::string> spoken = {rng_.Pick(languages)};
    while (spoken.size() < 3 && rng_.Chance(0.25)) {
      const std::string& another = rng_.Pick(languages);
      if (std::find(spoken.begin(), spoken.end(), another) == spoken.end()) spoken.push_back(another);
    }
    world_.Set(country, Relation::kLanguages, spoken);
  }

  void Cities() {
    for (int i = 0; i < count_ / 2; ++i) {
      EntityId city = world_.Add(Kind::kCity, names_.City());
      world_.Link(city, Relation::kInCountry, rng_.Pick(countries_));
      cities_.push_back(city);
    }
  }

  void People(Kind kind, int count) {
    std::vector<EntityId>& people = kind == Kind::kAuthor ? authors_ : scientists_;
    for (int i = 0; i < count; ++i) {
      EntityId person = world_.Add(kind, names_.Person());
      world_.Link(person, Relation::kHomeCountry, rng_.Pick(countries_));
      world_.Set(person, Relation::kBirthYear, {std::to_string(rng_.Between(1540, 1985))});
      people.push_back(person);
    }
  }

  int Born(EntityId person) const { return std::stoi(world_.At(person).Find(Relation::kBirthYear)->values[0]); }

  void Books() {
    for (int i = 0; i < count_ * 3 / 2; ++i) {
      EntityId author = rng_.Pick(authors_);
      EntityId book = world_.Add(Kind::kBook, names_.Book());
      world_.Link(book, Relation::kAuthor, author);
      world_.Set(book, Relation::kPublished, {std::to_string(Born(author) + rng_.Between(20, 70))});
    }
  }

  void Elements() {
    for (int i = 0; i < count_ * 5 / 6; ++i) {
      std::string name = names_.Element();
      EntityId element = world_.Add(Kind::kElement, name);
      world_.Set(element, Relation::kSymbol, {names_.Symbol(name)});
      world_.Set(element, Relation::kAtomicNumber, {std::to_string(i * 3 + rng_.Between(1, 3))});
      world_.Set(element, Relation::kFamily, {std::string(rng_.Pick(kFamilies))});
      if (rng_.Chance(0.8)) {
        EntityId finder = rng_.Pick(scientists_);
        world_.Link(element, Relation::kDiscoverer, finder);
        world_.Set(element, Relation::kDiscovered, {std::to_string(Born(finder) + rng_.Between(20, 65))});
      }
    }
  }

  void Mountains() {
    for (int i = 0; i < count_ * 2 / 3; ++i) {
      EntityId mountain = world_.Add(Kind::kMountain, names_.Mountain());
      world_.Link(mountain, Relation::kInCountry, rng_.Pick(countries_));
      world_.Set(mountain, Relation::kHeight, {std::to_string(rng_.Between(600, 8800))});
    }
  }

  void Houses(Kind kind) {
    for (int i = 0; i < count_ * 2 / 3; ++i) {
      EntityId city = rng_.Pick(cities_);
      const std::string& place = world_.At(city).name;
      std::string name = kind == Kind::kMuseum ? names_.Museum(place) : names_.University(place);
      bool article = name.find(" of ") != name.npos || (kind == Kind::kMuseum && !name.starts_with("Museo"));
      EntityId house = world_.Add(kind, name, article);
      world_.Link(house, Relation::kInCity, city);
      world_.Set(house, Relation::kFounded, {std::to_string(rng_.Between(1100, 2005))});
    }
  }

  Rng rng_;
  NameMaker names_;
  int count_;
  World world_;
  std::vector<EntityId> countries_, cities_, authors_, scientists_;
};

}  // namespace

World MakePretendWorld(const PretendOptions& options) {
  return Builder(options).Build();
}

}  // namespace jade::data
