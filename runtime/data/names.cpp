#include "runtime/data/names.h"

#include <cctype>

#include "runtime/data/name_parts.h"

namespace jade::data {
namespace {

constexpr int kPools = 8;
constexpr size_t kRemembered = 200;
constexpr double kPieced = 0.6;  // share of stems made of pieces, where there are some

// Upper-cases the first letter; the few accented vowels that can open a stem are two bytes of Latin-1 (0xC3 …).
std::string Capitalised(std::string text) {
  if (text.empty()) return text;
  auto first = static_cast<unsigned char>(text[0]);
  if (first == 0xC3 && text.size() > 1) {
    text[1] = static_cast<char>(static_cast<unsigned char>(text[1]) & ~0x20u);
  } else {
    text[0] = static_cast<char>(std::toupper(first));
  }
  return text;
}

bool EndsInVowel(std::string_view text) {
  return !text.empty() && std::string_view("aeiou").find(text.back()) != text.npos;
}

// Joins without doubling a vowel: "Vela" + "ia" = "Velia".
std::string Joined(std::string stem, std::string_view ending) {
  if (!ending.empty() && EndsInVowel(stem) && EndsInVowel(ending.substr(0, 1))) stem.pop_back();
  return stem + std::string(ending);
}

// "A River", "An Island".
std::string WithArticle(const std::string& word) {
  return (std::string_view("AEIOU").find(word.front()) != std::string_view::npos ? "An " : "A ") + word;
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

NamePool PoolOf(std::string_view name) {
  return HashText(name, 0x6A616465) % kPools == 0 ? NamePool::kGate : NamePool::kTraining;
}

template <typename Make>
std::string NameMaker::Unique(Make make, size_t shortest) {
  while (true) {
    std::string name = make();
    if (name.size() < shortest || PoolOf(name) != pool_ || used_.contains(name) ||
        (taken_ != nullptr && taken_->contains(name)))
      continue;
    used_.insert(name);
    return name;
  }
}

std::string NameMaker::PiecedStem() {
  std::string stem = rng_.Pick(pieces_->beginnings);
  if (!pieces_->rests.empty() && rng_.Chance(0.6)) stem += rng_.Pick(pieces_->rests);
  return stem;
}

std::string NameMaker::Stem(int syllables) {
  if (pieces_ != nullptr && !pieces_->beginnings.empty() && rng_.Chance(kPieced)) return PiecedStem();
  // Now and then a stem used before with one more or other syllable: near misses are part of the world.
  const Sounds& sounds = rng_.Pick(kSounds);
  std::string stem;
  int rest = syllables;
  if (!stems_.empty() && rng_.Chance(0.08)) {
    stem = rng_.Pick(stems_);
    rest = 1;
  }
  for (int i = 0; i < rest; ++i) {
    stem += rng_.Pick(sounds.onsets);
    stem += rng_.Pick(sounds.vowels);
    stem += (i + 1 == rest || rng_.Chance(0.3)) ? rng_.Pick(sounds.codas) : std::string_view();
  }
  if (stem.size() < 12) {
    if (stems_.size() < kRemembered) {
      stems_.push_back(stem);
    } else {
      stems_[rng_.Below(kRemembered)] = stem;
    }
  }
  return stem;
}

std::string NameMaker::Surname() {
  if (!surnames_.empty() && rng_.Chance(0.15)) return rng_.Pick(surnames_);
  static constexpr std::array<std::string_view, 16> kEndings = {
      "", "", "", "", "son", "ov", "ski", "ez", "ini", "sen", "dóttir", "man", "ard", "wala", "ic", "ham"};
  std::string surname = Capitalised(Joined(Stem(rng_.Between(1, 2)), rng_.Pick(kEndings)));
  if (rng_.Chance(0.06)) {
    static constexpr std::array<std::string_view, 6> kParticles = {"de ", "van ", "von ", "al-", "O'", "Mc"};
    surname = std::string(rng_.Pick(kParticles)) + surname;
  }
  if (surnames_.size() < kRemembered) {
    surnames_.push_back(surname);
  } else {
    surnames_[rng_.Below(kRemembered)] = surname;
  }
  return surname;
}

std::string NameMaker::Word() {
  return Unique([&] { return Capitalised(Stem(rng_.Chance(0.8) ? 2 : 3)); });
}

std::string NameMaker::Country() {
  return Unique([&] {
    std::string name = Capitalised(Joined(Stem(rng_.Between(1, 2)), rng_.Pick(kCountryEndings)));
    if (rng_.Chance(0.12)) return std::string(rng_.Pick(kCountryPrefixes)) + " " + name;
    if (rng_.Chance(0.06)) return name + " and " + Capitalised(Stem(2));
    if (rng_.Chance(0.04)) return name + " Islands";
    return name;
  });
}

std::string NameMaker::City() {
  return Unique([&] {
    std::string name = Capitalised(Joined(Stem(rng_.Between(1, 2)), rng_.Pick(kCityEndings)));
    if (rng_.Chance(0.14)) return std::string(rng_.Pick(kCityPrefixes)) + " " + name;
    if (rng_.Chance(0.04)) return name + " City";
    return name;
  });
}

std::string NameMaker::Person() {
  return Unique([&] {
    std::string given = rng_.Chance(0.65) ? std::string(rng_.Pick(kGivenNames)) : Capitalised(Stem(2));
    if (rng_.Chance(0.06)) given += std::string(" ") + static_cast<char>('A' + rng_.Below(26)) + ".";
    if (rng_.Chance(0.08)) given += " " + std::string(rng_.Pick(kGivenNames));
    return given + " " + Surname();
  });
}

std::string NameMaker::Book() {
  return Unique([&]() -> std::string {
    std::string noun(rng_.Pick(kTitleNouns)), other(rng_.Pick(kTitleNouns)), adjective(rng_.Pick(kTitleAdjectives));
    switch (rng_.Below(19)) {
      case 0:
        return "The " + adjective + " " + noun;
      case 1:
        return "The " + noun + " of " + Capitalised(Stem(2));
      case 2:
        return "The " + noun + " and the " + other;
      case 3:
        return noun + " and " + other;
      case 4:
        return WithArticle(noun) + " for " + std::string(rng_.Pick(kGivenNames));
      case 5:
        return Capitalised(Stem(rng_.Chance(0.8) ? 2 : 3));
      case 6:
        return adjective + " " + noun;
      case 7:
        return "The " + noun + " in the " + other;
      case 8:
        return std::string(rng_.Pick(kGivenNames)) + " " + Surname();
      case 9:
        return "The Last " + noun + " of " + Capitalised(Stem(2));
      case 10:
        return "My " + adjective + " " + noun;
      case 11:
        return "The " + adjective + " " + noun + " of " + Capitalised(Stem(2));
      case 12:
        return "To the " + noun;
      case 13:
        return "Where the " + noun + " Sleeps";
      case 14:
        return "No " + noun + " for the " + other;
      case 15:
        return noun + " in " + Capitalised(Stem(2));
      case 16:
        return "The " + Capitalised(Stem(2)) + " " + noun;
      case 17:
        return WithArticle(adjective) + " " + noun;
      default:
        return "The " + noun + " of the " + adjective + " " + other;
    }
  });
}

std::string NameMaker::Element() {
  return Unique([&] { return Capitalised(Joined(Stem(rng_.Between(1, 2)), rng_.Pick(kElementEndings))); });
}

std::string NameMaker::Symbol(std::string_view element) {
  return Unique(
      [&] {
        std::string symbol(1,
                           static_cast<char>(std::isalpha(static_cast<unsigned char>(element[0])) ? element[0] : 'X'));
        symbol += static_cast<char>('a' + rng_.Below(26));
        if (rng_.Chance(0.7)) symbol += static_cast<char>('a' + rng_.Below(26));
        return symbol;
      },
      1);
}

std::string NameMaker::Mountain() {
  return Unique([&] {
    std::string name = Capitalised(Stem(rng_.Chance(0.8) ? 2 : 3));
    switch (rng_.Below(5)) {
      case 0:
        return "Mount " + name;
      case 1:
        return name + " Peak";
      case 2:
        return "Pico " + name;
      case 3:
        return "Mount " + name;
      default:
        return name;
    }
  });
}

std::string NameMaker::University(const std::string& city) {
  return Unique([&] {
    std::string place = rng_.Chance(0.4) ? city : Capitalised(Stem(rng_.Chance(0.8) ? 2 : 3));
    switch (rng_.Below(5)) {
      case 0:
        return "University of " + place;
      case 1:
        return place + " Institute of Technology";
      case 2:
        return Surname() + " University";
      case 3:
        return place + " College";
      default:
        return place + " University";
    }
  });
}

std::string NameMaker::Museum(const std::string& city) {
  return Unique([&] {
    std::string place = rng_.Chance(0.25) ? city : Capitalised(Stem(rng_.Chance(0.8) ? 2 : 3));
    switch (rng_.Below(6)) {
      case 0:
        return "Museum of " + place;
      case 1:
        return place + " Museum of Art";
      case 2:
        return Surname() + " Museum";
      case 3:
        return "National Gallery of " + place;
      case 4:
        return "Museo " + place;
      default:
        return place + " Museum";
    }
  });
}

std::string NameMaker::Currency(const std::string& country) {
  return Unique([&] {
    if (rng_.Chance(0.4)) {
      std::string stem = country.substr(country.rfind(' ') == country.npos ? 0 : country.rfind(' ') + 1);
      return Joined(stem, "an") + " " + std::string(rng_.Pick(kUnits));
    }
    std::string unit = Lower(Capitalised(Stem(rng_.Between(1, 2))));
    return rng_.Chance(0.3) ? Capitalised(Stem(2)) + " " + unit : unit;
  });
}

std::string NameMaker::Language() {
  return Unique([&] {
    static constexpr std::array<std::string_view, 6> kEndings = {"ian", "ish", "ese", "", "i", "an"};
    return Capitalised(Joined(Stem(2), rng_.Pick(kEndings)));
  });
}

std::string NameMaker::Continent() {
  return Unique([&] { return Capitalised(Joined(Stem(2), "ia")); });
}

}  // namespace jade::data
