#include "runtime/data/phrases.h"

#include <array>
#include <cctype>

namespace jade::data {
namespace {

using std::string_view;
template <size_t N>
using Forms = std::array<string_view, N>;

constexpr Forms<4> kAskCapital = {"What is the capital of {}?", "Which city is the capital of {}?",
                                  "What is the capital city of {}?", "What city is the capital of {}?"};
constexpr Forms<3> kAskContinent = {"On which continent is {}?", "Which continent does {} belong to?",
                                    "What continent is {} on?"};
constexpr Forms<4> kAskCurrency = {"What is the currency of {}?", "Which currency is used in {}?",
                                   "What money do people use in {}?", "What currency does {} have?"};
constexpr Forms<3> kAskLanguage = {"What is the language of government in {}?",
                                   "Which language does the government of {} use?",
                                   "In which language is {} governed?"};
constexpr Forms<3> kAskInCountry = {"In which country is {}?", "Which country is {} in?",
                                    "What country does {} lie in?"};
constexpr Forms<3> kAskHome = {"Which country is {} from?", "What is the home country of {}?",
                               "From which country does {} come?"};
constexpr Forms<3> kAskBirth = {"In which year was {} born?", "When was {} born?", "What is the birth year of {}?"};
constexpr Forms<3> kAskAuthor = {"Who wrote {}?", "Who is the author of {}?", "Which writer wrote {}?"};
constexpr Forms<3> kAskPublished = {"In which year was {} published?", "When was {} first published?",
                                    "In what year did {} come out?"};
constexpr Forms<3> kAskSymbol = {"What is the symbol of {}?", "What is the chemical symbol of {}?",
                                 "Which symbol stands for {}?"};
constexpr Forms<3> kAskNumber = {"What is the atomic number of {}?", "Which atomic number does {} have?",
                                 "What atomic number belongs to {}?"};
constexpr Forms<3> kAskFamily = {"Which family of elements does {} belong to?", "What kind of element is {}?",
                                 "What is the family of {}?"};
constexpr Forms<3> kAskDiscoverer = {"Who discovered {}?", "Who is the discoverer of {}?",
                                     "Which scientist discovered {}?"};
constexpr Forms<3> kAskDiscovered = {"In which year was {} discovered?", "When was {} discovered?",
                                     "What is the year of discovery of {}?"};
constexpr Forms<3> kAskInCity = {"In which city is {}?", "Which city is {} in?", "What city is home to {}?"};
constexpr Forms<3> kAskHeight = {"How many metres high is {}?", "What is the height of {} in metres?",
                                 "How high is {} in metres?"};
constexpr Forms<3> kAskFounded = {"In which year was {} founded?", "When was {} founded?",
                                  "What is the founding year of {}?"};

constexpr Forms<2> kNounCapital = {"the capital of {}", "the capital city of {}"};
constexpr Forms<1> kNounContinent = {"the continent of {}"};
constexpr Forms<2> kNounCurrency = {"the currency of {}", "the money of {}"};
constexpr Forms<1> kNounLanguage = {"the language of government in {}"};
constexpr Forms<2> kNounInCountry = {"the country of {}", "the country containing {}"};
constexpr Forms<3> kNounHome = {"the home country of {}", "the country of {}", "the homeland of {}"};
constexpr Forms<2> kNounBirth = {"the birth year of {}", "the year of birth of {}"};
constexpr Forms<3> kNounAuthor = {"the author of {}", "the writer of {}", "the person who wrote {}"};
constexpr Forms<2> kNounPublished = {"the publication year of {}", "the year of publication of {}"};
constexpr Forms<2> kNounSymbol = {"the symbol of {}", "the chemical symbol of {}"};
constexpr Forms<1> kNounNumber = {"the atomic number of {}"};
constexpr Forms<1> kNounFamily = {"the element family of {}"};
constexpr Forms<2> kNounDiscoverer = {"the discoverer of {}", "the scientist who discovered {}"};
constexpr Forms<2> kNounDiscovered = {"the discovery year of {}", "the year of discovery of {}"};
constexpr Forms<3> kNounInCity = {"the city of {}", "the city housing {}", "the home city of {}"};
constexpr Forms<1> kNounHeight = {"the height of {} in metres"};
constexpr Forms<1> kNounFounded = {"the founding year of {}"};

constexpr std::array<ComparisonForm, 16> kComparisons = {{
    {Kind::kAuthor, Relation::kBirthYear, false, "Who was born earlier, {a} or {b}?"},
    {Kind::kAuthor, Relation::kBirthYear, true, "Who was born later, {a} or {b}?"},
    {Kind::kAuthor, Relation::kBirthYear, false, "Which writer was born first, {a} or {b}?"},
    {Kind::kScientist, Relation::kBirthYear, false, "Who was born earlier, {a} or {b}?"},
    {Kind::kScientist, Relation::kBirthYear, true, "Who was born later, {a} or {b}?"},
    {Kind::kBook, Relation::kPublished, false, "Which book was published first, {a} or {b}?"},
    {Kind::kBook, Relation::kPublished, true, "Which book was published later, {a} or {b}?"},
    {Kind::kBook, Relation::kPublished, false, "Which book is older, {a} or {b}?"},
    {Kind::kElement, Relation::kAtomicNumber, true, "Which element has the higher atomic number, {a} or {b}?"},
    {Kind::kElement, Relation::kAtomicNumber, false, "Which element has the lower atomic number, {a} or {b}?"},
    {Kind::kElement, Relation::kDiscovered, false, "Which element was discovered first, {a} or {b}?"},
    {Kind::kMountain, Relation::kHeight, true, "Which mountain is higher, {a} or {b}?"},
    {Kind::kMountain, Relation::kHeight, false, "Which mountain is lower, {a} or {b}?"},
    {Kind::kUniversity, Relation::kFounded, false, "Which university is older, {a} or {b}?"},
    {Kind::kUniversity, Relation::kFounded, true, "Which university was founded later, {a} or {b}?"},
    {Kind::kMuseum, Relation::kFounded, false, "Which museum was founded first, {a} or {b}?"},
}};

constexpr std::array<AgreementForm, 8> kAgreements = {{
    {Kind::kCountry, Relation::kContinent, "Are {a} and {b} on the same continent?"},
    {Kind::kCountry, Relation::kCurrency, "Do {a} and {b} use the same currency?"},
    {Kind::kCountry, Relation::kLanguages, "Do {a} and {b} have the same language of government?"},
    {Kind::kAuthor, Relation::kHomeCountry, "Are {a} and {b} from the same country?"},
    {Kind::kScientist, Relation::kHomeCountry, "Are {a} and {b} from the same country?"},
    {Kind::kBook, Relation::kAuthor, "Were {a} and {b} written by the same author?"},
    {Kind::kMountain, Relation::kInCountry, "Are {a} and {b} in the same country?"},
    {Kind::kElement, Relation::kFamily, "Do {a} and {b} belong to the same family of elements?"},
}};

constexpr std::array<CheckForm, 6> kChecks = {{
    {Kind::kCountry, Relation::kCapital, "Is {b} the capital of {a}?"},
    {Kind::kCountry, Relation::kContinent, "Is {a} in {b}?"},
    {Kind::kBook, Relation::kAuthor, "Did {b} write {a}?"},
    {Kind::kAuthor, Relation::kHomeCountry, "Is {a} from {b}?"},
    {Kind::kElement, Relation::kDiscoverer, "Did {b} discover {a}?"},
    {Kind::kMountain, Relation::kInCountry, "Is {a} in {b}?"},
}};

}  // namespace

std::span<const string_view> QuestionForms(Relation relation) {
  switch (relation) {
    case Relation::kCapital:
      return kAskCapital;
    case Relation::kContinent:
      return kAskContinent;
    case Relation::kCurrency:
      return kAskCurrency;
    case Relation::kLanguages:
      return kAskLanguage;
    case Relation::kInCountry:
      return kAskInCountry;
    case Relation::kHomeCountry:
      return kAskHome;
    case Relation::kBirthYear:
      return kAskBirth;
    case Relation::kAuthor:
      return kAskAuthor;
    case Relation::kPublished:
      return kAskPublished;
    case Relation::kSymbol:
      return kAskSymbol;
    case Relation::kAtomicNumber:
      return kAskNumber;
    case Relation::kFamily:
      return kAskFamily;
    case Relation::kDiscoverer:
      return kAskDiscoverer;
    case Relation::kDiscovered:
      return kAskDiscovered;
    case Relation::kInCity:
      return kAskInCity;
    case Relation::kHeight:
      return kAskHeight;
    case Relation::kFounded:
      return kAskFounded;
  }
  return {};
}

std::span<const string_view> NounForms(Relation relation) {
  switch (relation) {
    case Relation::kCapital:
      return kNounCapital;
    case Relation::kContinent:
      return kNounContinent;
    case Relation::kCurrency:
      return kNounCurrency;
    case Relation::kLanguages:
      return kNounLanguage;
    case Relation::kInCountry:
      return kNounInCountry;
    case Relation::kHomeCountry:
      return kNounHome;
    case Relation::kBirthYear:
      return kNounBirth;
    case Relation::kAuthor:
      return kNounAuthor;
    case Relation::kPublished:
      return kNounPublished;
    case Relation::kSymbol:
      return kNounSymbol;
    case Relation::kAtomicNumber:
      return kNounNumber;
    case Relation::kFamily:
      return kNounFamily;
    case Relation::kDiscoverer:
      return kNounDiscoverer;
    case Relation::kDiscovered:
      return kNounDiscovered;
    case Relation::kInCity:
      return kNounInCity;
    case Relation::kHeight:
      return kNounHeight;
    case Relation::kFounded:
      return kNounFounded;
  }
  return {};
}

string_view ThatPhrase(Kind kind) {
  static constexpr std::array<string_view, kKindCount> kPhrases = {"that country",  "that city",       "that author",
                                                                   "that book",     "that element",    "that scientist",
                                                                   "that mountain", "that university", "that museum"};
  return kPhrases[static_cast<size_t>(kind)];
}

std::string Fill(string_view form, string_view subject) {
  size_t hole = form.find("{}");
  if (hole == form.npos) return std::string(form);
  std::string text(form.substr(0, hole));
  text += subject;
  text += form.substr(hole + 2);
  return text;
}

std::string FillTwo(string_view form, string_view a, string_view b) {
  std::string text;
  for (size_t i = 0; i < form.size();) {
    if (form.substr(i, 3) == "{a}" || form.substr(i, 3) == "{b}") {
      text += form[i + 1] == 'a' ? a : b;
      i += 3;
    } else {
      text += form[i++];
    }
  }
  return text;
}

std::string UpperFirst(std::string text) {
  if (text.empty()) return text;
  auto first = static_cast<unsigned char>(text[0]);
  if (first == 0xC3 && text.size() > 1) {
    text[1] = static_cast<char>(static_cast<unsigned char>(text[1]) & ~0x20u);
  } else if (first < 0x80) {
    text[0] = static_cast<char>(std::toupper(first));
  }
  return text;
}

std::string JoinValues(std::span<const std::string> values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += i + 1 == values.size() ? " and " : ", ";
    text += values[i];
  }
  return text;
}

std::span<const ComparisonForm> ComparisonForms() {
  return kComparisons;
}
std::span<const AgreementForm> AgreementForms() {
  return kAgreements;
}
std::span<const CheckForm> CheckForms() {
  return kChecks;
}

}  // namespace jade::data
