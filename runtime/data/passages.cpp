#include "runtime/data/passages.h"

#include <array>
#include <span>
#include <string_view>
#include <unordered_set>

#include "runtime/data/phrases.h"
#include "runtime/data/rng.h"

namespace jade::data {
namespace {

using std::string_view;
using R = Relation;

constexpr size_t kLongText = 120;  // bytes
constexpr int kRedraws = 8;

// One sentence of a passage: the facts it needs (`first`, and `second` when it states two) and its wordings. Slots:
// {s} the subject's phrase, {S} the same opening a sentence, {1} {2} the values, {k} "mountain", "writer", …
struct Sentence {
  R first;
  R second;  // equal to `first` when the sentence states one fact
  std::span<const string_view> wordings;
};

// A passage of a kind: its title and its sentences; a sentence without its facts is left out.
struct Plan {
  Kind kind;
  string_view title;  // {} the name
  std::span<const Sentence> sentences;
};

constexpr std::array<string_view, 6> kContinentSays = {
    "{S} is a country in {1}.", "{S} is a state on the continent of {1}.", "{S} belongs to the continent of {1}.",
    "{S} lies in {1}.",         "In {1} there is a country called {n}.",   "Among the countries of {1} is {s}."};
constexpr std::array<string_view, 6> kCapitalSays = {
    "Its capital is {1}.",      "The capital city is {1}.",   "Its capital is the city of {1}.",
    "{1} is its capital city.", "The capital of {s} is {1}.", "As its capital it has the city of {1}."};
constexpr std::array<string_view, 6> kCurrencySays = {"The currency of {s} is the {1}.",
                                                      "In {s} people pay with the {1}.",
                                                      "The money used in {s} is the {1}.",
                                                      "{S} has the {1} as its currency.",
                                                      "Prices in {s} are given in the {1}, its currency.",
                                                      "Shops in {s} take the national currency, the {1}."};
constexpr std::array<string_view, 5> kLanguagesSay = {
    "Its language of government is {1}.", "The language of government is {1}.",
    "The government of the country uses {1}.", "The language of its laws and official papers is {1}.",
    "{1} is the language of its government."};
constexpr std::array<string_view, 5> kManyLanguagesSay = {
    "Its languages of government are {1}.", "The languages of government are {1}.",
    "The government of the country uses {1}.", "The languages of its laws and official papers are {1}.",
    "{1} are the languages of its government."};
constexpr std::array<string_view, 6> kCapitalCitySays = {
    "{S} is the capital city of {1}.",        "{S} is a city in {1} and its capital.",
    "{S} serves as the capital of {1}.",      "The city of {s} is the capital of {1}.",
    "The capital of {1} is the city of {s}.", "{1} has the city of {s} as its capital."};
constexpr std::array<string_view, 6> kOtherCitySays = {"{S} is a city in {1}, though not its capital.",
                                                       "{S} is a large city in {1}; the capital is another city.",
                                                       "The city of {s} lies in {1}.",
                                                       "{S} is one of the cities of {1}.",
                                                       "In {1} there is a city named {s}.",
                                                       "{S}, a city of {1}, is not its capital."};
constexpr std::array<string_view, 5> kHomeSays = {
    "{S} is a {k} from {1}.", "{S} is known as a {k} from {1}.", "The {k} {s} comes from {1}.",
    "{S} worked as a {k} and came from {1}.", "{1} is the home country of the {k} {s}."};
constexpr std::array<string_view, 4> kBirthSays = {"The {k} was born in {1}.", "The year of birth is {1}.",
                                                   "{S} was born in {1}.", "{1} is the year in which {s} was born."};
constexpr std::array<string_view, 6> kAuthorSays = {"{S} is a book by {1}.",     "{S} was written by {1}.",
                                                    "The author of {s} is {1}.", "{1} wrote the book {s}.",
                                                    "{1} is the author of {s}.", "The book {s} is a work of {1}."};
constexpr std::array<string_view, 5> kPublishedSays = {"It was first published in {1}.", "It came out in {1}.",
                                                       "The book was published in {1}.", "It first appeared in {1}.",
                                                       "Its year of publication is {1}."};
constexpr std::array<string_view, 5> kSymbolSays = {
    "{S} is a chemical element with the symbol {1} and atomic number {2}.",
    "The element {s} has the symbol {1} and the atomic number {2}.",
    "With atomic number {2}, the element {s} is written {1}, its symbol.",
    "{S}, symbol {1}, is the element with atomic number {2}.",
    "In the periodic table {s} stands at atomic number {2} under the symbol {1}."};
constexpr std::array<string_view, 4> kFamilySays = {"Its family of elements is {1}.", "Its family is {1}.",
                                                    "It belongs to the family {1}.",
                                                    "The family of this element is {1}."};
constexpr std::array<string_view, 5> kDiscoverySays = {
    "{S} was discovered by {1} in {2}.", "{1} discovered the element {s} in {2}.",
    "The discovery of {s} in {2} is due to {1}.", "In {2}, {1} discovered {s}.",
    "{1} is named as the discoverer of {s}, in {2}."};
constexpr std::array<string_view, 5> kMountainSays = {"{S} is a mountain in {1}.", "The mountain {s} is in {1}.",
                                                      "{S} rises in {1}.", "In {1} stands the mountain {s}.",
                                                      "{S} is one of the mountains of {1}."};
constexpr std::array<string_view, 4> kHeightSays = {"Its height is {1} metres.", "It is {1} metres high.",
                                                    "The top is at a height of {1} metres.",
                                                    "It reaches a height of {1} metres."};
constexpr std::array<string_view, 5> kUniversitySays = {
    "{S} is a university in the city of {1}.", "{S} is in {1}.", "The city of {1} is home to {s}.",
    "Students of {s} come to the city of {1}.", "{S} has its seat in {1}."};
constexpr std::array<string_view, 5> kMuseumSays = {"{S} is a museum in the city of {1}.", "{S} is in {1}.",
                                                    "The city of {1} is home to {s}.", "Visitors find {s} in {1}.",
                                                    "{S} shows its collection in {1}."};
constexpr std::array<string_view, 4> kFoundedSays = {"It was founded in {1}.", "Its founding year is {1}.",
                                                     "The year it was founded is {1}.",
                                                     "It dates from {1}, when it was founded."};

constexpr std::array<Sentence, 2> kCountrySentences = {
    {{R::kContinent, R::kContinent, kContinentSays}, {R::kCapital, R::kCapital, kCapitalSays}}};
constexpr std::array<Sentence, 2> kMoneySentences = {
    {{R::kCurrency, R::kCurrency, kCurrencySays}, {R::kLanguages, R::kLanguages, kLanguagesSay}}};
constexpr std::array<Sentence, 1> kCitySentences = {{{R::kInCountry, R::kInCountry, kCapitalCitySays}}};
constexpr std::array<Sentence, 2> kPersonSentences = {
    {{R::kHomeCountry, R::kHomeCountry, kHomeSays}, {R::kBirthYear, R::kBirthYear, kBirthSays}}};
constexpr std::array<Sentence, 2> kBookSentences = {
    {{R::kAuthor, R::kAuthor, kAuthorSays}, {R::kPublished, R::kPublished, kPublishedSays}}};
constexpr std::array<Sentence, 2> kElementSentences = {
    {{R::kSymbol, R::kAtomicNumber, kSymbolSays}, {R::kFamily, R::kFamily, kFamilySays}}};
constexpr std::array<Sentence, 1> kDiscoverySentences = {{{R::kDiscoverer, R::kDiscovered, kDiscoverySays}}};
constexpr std::array<Sentence, 2> kMountainSentences = {
    {{R::kInCountry, R::kInCountry, kMountainSays}, {R::kHeight, R::kHeight, kHeightSays}}};
constexpr std::array<Sentence, 2> kUniversitySentences = {
    {{R::kInCity, R::kInCity, kUniversitySays}, {R::kFounded, R::kFounded, kFoundedSays}}};
constexpr std::array<Sentence, 2> kMuseumSentences = {
    {{R::kInCity, R::kInCity, kMuseumSays}, {R::kFounded, R::kFounded, kFoundedSays}}};

constexpr std::array<Plan, 11> kPlans = {{
    {Kind::kCountry, "{}", kCountrySentences},
    {Kind::kCountry, "Money and languages of {}", kMoneySentences},
    {Kind::kCity, "{}", kCitySentences},
    {Kind::kAuthor, "{}", kPersonSentences},
    {Kind::kBook, "{}", kBookSentences},
    {Kind::kElement, "{}", kElementSentences},
    {Kind::kElement, "Discovery of {}", kDiscoverySentences},
    {Kind::kScientist, "{}", kPersonSentences},
    {Kind::kMountain, "{}", kMountainSentences},
    {Kind::kUniversity, "{}", kUniversitySentences},
    {Kind::kMuseum, "{}", kMuseumSentences},
}};

string_view Calling(Kind kind) {
  if (kind == Kind::kAuthor) return "writer";
  return KindName(kind);
}

std::string ValueText(const World& world, const Fact& fact) {
  return fact.object != kNoEntity ? world.At(fact.object).Phrase() : JoinValues(fact.values);
}

std::span<const string_view> Wordings(const World& world, EntityId id, const Sentence& sentence) {
  if (sentence.first == R::kLanguages && world.At(id).Find(R::kLanguages)->values.size() > 1) return kManyLanguagesSay;
  if (world.At(id).kind == Kind::kCity && !world.IsCapital(id)) return kOtherCitySays;
  return sentence.wordings;
}

std::string Worded(const World& world, EntityId id, string_view wording, const Sentence& sentence) {
  const Entity& entity = world.At(id);
  std::string text;
  for (size_t i = 0; i < wording.size(); ++i) {
    if (wording[i] != '{') {
      text += wording[i];
      continue;
    }
    switch (wording[i + 1]) {
      case 's':
        text += entity.Phrase();
        break;
      case 'S':
        text += entity.Phrase();
        break;
      case 'n':
        text += entity.name;
        break;
      case 'k':
        text += Calling(entity.kind);
        break;
      case '1':
        text += ValueText(world, *entity.Find(sentence.first));
        break;
      default:
        text += ValueText(world, *entity.Find(sentence.second));
        break;
    }
    i += 2;
  }
  return UpperFirst(std::move(text));
}

class Writer {
 public:
  Writer(const World& world, uint64_t seed) : world_(world), seed_(seed) {}

  Library Write() {
    for (size_t i = 0; i < world_.entities.size(); ++i) {
      for (const Plan& plan : kPlans) {
        if (plan.kind == world_.entities[i].kind) WriteOne(static_cast<EntityId>(i), plan);
      }
    }
    return std::move(library_);
  }

 private:
  void WriteOne(EntityId id, const Plan& plan) {
    const Entity& entity = world_.At(id);
    Rng rng(HashText(entity.name + std::string(plan.title), seed_));
    std::string text = Draw(id, plan, rng);
    // Long names and lists take shorter wordings: a passage should fit some fifty tokens of a small vocabulary.
    for (int i = 0; i < kRedraws && text.size() > kLongText; ++i) {
      std::string other = Draw(id, plan, rng);
      if (other.size() < text.size()) text = std::move(other);
    }
    if (text.empty()) return;
    auto passage = static_cast<PassageId>(library_.passages.size());
    for (const Sentence& sentence : plan.sentences) {
      if (!Says(entity, sentence)) continue;
      library_.stating[{id, sentence.first}] = passage;
      library_.stating[{id, sentence.second}] = passage;
    }
    library_.passages.push_back({Title(entity, plan.title), std::move(text), id});
  }

  static bool Says(const Entity& entity, const Sentence& sentence) {
    return entity.Find(sentence.first) != nullptr && entity.Find(sentence.second) != nullptr;
  }

  std::string Draw(EntityId id, const Plan& plan, Rng& rng) const {
    std::string text;
    for (const Sentence& sentence : plan.sentences) {
      if (!Says(world_.At(id), sentence)) continue;
      if (!text.empty()) text += ' ';
      text += Worded(world_, id, rng.Pick(Wordings(world_, id, sentence)), sentence);
    }
    return text;
  }

  std::string Title(const Entity& entity, string_view form) {
    std::string title = Fill(form, entity.name);
    if (!titles_.insert(title).second) {
      title += " (" + std::string(Calling(entity.kind)) + ")";
      titles_.insert(title);
    }
    return title;
  }

  const World& world_;
  uint64_t seed_;
  Library library_;
  std::unordered_set<std::string> titles_;
};

}  // namespace

PassageId Library::Stating(EntityId subject, Relation relation) const {
  auto found = stating.find({subject, relation});
  return found == stating.end() ? -1 : found->second;
}

Library WritePassages(const World& world, uint64_t seed) {
  return Writer(world, seed).Write();
}

}  // namespace jade::data
