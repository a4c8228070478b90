#include "runtime/data/copying.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/data/names.h"

namespace jade::data {
namespace {

std::vector<std::string> DistinctNames(const World& world, size_t count, Rng& rng) {
  std::vector<std::string> names;
  while (names.size() < count) {
    std::string name = rng.Pick(world.entities).name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

constexpr double kDirect = 0.2;      // share of judgements of two values themselves, nothing to be looked up
constexpr double kNearMisses = 0.4;  // share of contexts whose names share parts
constexpr size_t kPoolOfParts = 3;   // first and last parts that near misses are made of
constexpr size_t kDrillTurns = 12;   // a judgement is one word: many of them make a lesson of it
constexpr size_t kJudgements = 9;    // of one context

// Names that share first or last parts, as "Ida Nolt", "Ida Verse" and "Omar Nolt" do. Fewer than `count` when the
// names drawn have too few parts to make so many.
std::vector<std::string> NearMisses(const World& world, size_t count, Rng& rng) {
  std::vector<std::string> firsts, lasts;
  while (firsts.size() < kPoolOfParts + count / 3) {
    const std::string& name = rng.Pick(world.entities).name;
    const size_t space = name.rfind(' ');
    if (space == std::string::npos) continue;
    firsts.push_back(name.substr(0, space));
    lasts.push_back(name.substr(space));
  }
  const bool gate = PoolOf(world.entities.front().name) == NamePool::kGate;
  std::vector<std::string> names;
  for (const std::string& first : firsts) {
    for (const std::string& last : lasts) {
      std::string name = first + last;
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      if (gate || PoolOf(name) == NamePool::kTraining) names.push_back(std::move(name));
    }
  }
  rng.Shuffle(names);
  names.resize(std::min(names.size(), count));
  return names;
}

std::vector<std::string> SomeNames(const World& world, size_t count, Rng& rng) {
  if (rng.Chance(kNearMisses)) {
    std::vector<std::string> names = NearMisses(world, count, rng);
    if (names.size() == count) return names;
  }
  return DistinctNames(world, count, rng);
}

// Of one to four digits, short ones as often as long ones; `like` has as many digits when it is not zero.
int SomeNumber(Rng& rng, int like = 0) {
  constexpr std::array<int, 5> kPowers = {1, 10, 100, 1000, 10000};
  size_t digits = like == 0 ? 1 + rng.Below(4) : std::to_string(like).size();
  if (digits == 4 && rng.Chance(0.6)) return rng.Between(1100, 2025);
  return rng.Between(kPowers[digits - 1], kPowers[digits] - 1);
}

struct Turn {
  std::string question;
  std::string reply;
};

// The first turn follows `text`; the others come after it as trained turns.
Demonstration Conversation(std::string role, const std::string& text, std::vector<Turn> turns) {
  Demonstration made{std::move(role), {{"user", text + turns[0].question}}, std::move(turns[0].reply), {}, {}};
  for (size_t i = 1; i < turns.size(); ++i) {
    made.messages.push_back({"assistant", std::move(made.reply), 1.0});
    made.messages.push_back({"user", std::move(turns[i].question)});
    made.reply = std::move(turns[i].reply);
  }
  return made;
}

// Two different numbers below `count`.
std::pair<size_t, size_t> TwoOf(size_t count, Rng& rng) {
  const size_t a = rng.Below(count);
  const size_t b = rng.Below(count - 1);
  return {a, b < a ? b : b + 1};
}

Turn CompareNumbers(const std::vector<std::string>& names, const std::vector<int>& numbers, Rng& rng) {
  const auto [a, b] = TwoOf(numbers.size(), rng);
  const bool more = rng.Chance(0.5);
  if (rng.Chance(kDirect)) {
    const int wanted = more ? std::max(numbers[a], numbers[b]) : std::min(numbers[a], numbers[b]);
    return {fmt::format("{}, {} or {}?", more ? "More" : "Less", numbers[a], numbers[b]), std::to_string(wanted)};
  }
  return {(more ? "More, " : "Less, ") + names[a] + " or " + names[b] + "?",
          names[(numbers[a] > numbers[b]) == more ? a : b]};
}

// `values` holds repeats, so both answers come up about as often.
Turn CompareValues(const std::vector<std::string>& names, const std::vector<std::string>& values, Rng& rng) {
  auto [a, b] = TwoOf(values.size(), rng);
  if (rng.Chance(kDirect)) {
    return {"Same, " + values[a] + " and " + values[b] + "?", values[a] == values[b] ? "yes" : "no"};
  }
  if (rng.Chance(0.5)) {
    const bool right = rng.Chance(0.5);
    for (size_t i = 0; !right && i < values.size() && values[b] == values[a]; ++i) b = (b + 1) % values.size();
    const std::string& said = values[right ? a : b];
    return {"Is " + names[a] + " " + said + "?", said == values[a] ? "yes" : "no"};
  }
  return {"Same, " + names[a] + " and " + names[b] + "?", values[a] == values[b] ? "yes" : "no"};
}

}  // namespace

Demonstration SayAgain(const World& world, Rng& rng) {
  std::string list;
  for (const std::string& name : DistinctNames(world, 2 + rng.Below(5), rng)) list += (list.empty() ? "" : ", ") + name;
  return {"copy", {{"user", "Say again: " + list}}, list, {}, {}};
}

Demonstration Recall(const World& world, Rng& rng, bool all) {
  const size_t pairs = 2 + rng.Below(5);
  std::vector<std::string> names = SomeNames(world, pairs, rng);
  std::vector<std::string> values = SomeNames(world, pairs, rng);
  std::string text;
  std::vector<size_t> asked;
  for (size_t i = 0; i < pairs; ++i) {
    std::string& value = values[i];
    if (rng.Chance(0.3)) value = std::to_string(rng.Between(1, 2025));
    text += names[i] + ": " + value + "\n";
    asked.push_back(i);
  }
  rng.Shuffle(asked);
  std::vector<Turn> turns;
  for (size_t i : asked) turns.push_back({names[i] + "?", values[i]});
  if (!all) turns.resize(1);
  return Conversation("recall", text, std::move(turns));
}

Demonstration Drill(const World& world, Rng& rng, bool all) {
  const bool numeric = rng.Chance(0.5);
  const bool more = rng.Chance(0.5);
  std::vector<std::string> names = SomeNames(world, kDrillTurns, rng);
  std::vector<Turn> turns;
  for (size_t i = 0; i < (all ? kDrillTurns : 1); ++i) {
    const int a = SomeNumber(rng);
    int b = SomeNumber(rng, rng.Chance(0.75) ? a : 0);
    while (b == a) b = SomeNumber(rng);
    if (numeric) {
      turns.push_back({fmt::format("{}, {} or {}?", more ? "More" : "Less", a, b),
                       std::to_string(more ? std::max(a, b) : std::min(a, b))});
      continue;
    }
    const bool same = rng.Chance(0.5);
    const bool named = rng.Chance(0.65);
    std::string left = named ? names[i] : std::to_string(a);
    std::string right = same    ? left
                        : named ? names[(i + 1 + rng.Below(names.size() - 1)) % names.size()]
                                : std::to_string(b);
    turns.push_back({"Same, " + left + " and " + right + "?", same ? "yes" : "no"});
  }
  return Conversation("drill", "", std::move(turns));
}

Demonstration Judge(const World& world, Rng& rng, bool all) {
  const size_t pairs = (all ? 3 : 2) + rng.Below(3);
  const bool numeric = rng.Chance(0.5);
  std::vector<std::string> names = SomeNames(world, pairs, rng);
  std::vector<std::string> said = SomeNames(world, pairs, rng);
  std::vector<std::string> values;
  std::vector<int> numbers;
  std::string text;
  for (size_t i = 0; i < pairs; ++i) {
    if (numeric) {
      int number = 0;
      do number = SomeNumber(rng, i > 0 ? numbers[0] : 0);
      while (std::find(numbers.begin(), numbers.end(), number) != numbers.end());
      numbers.push_back(number);
      values.push_back(std::to_string(number));
    } else {
      const bool repeat = i > 0 && rng.Chance(0.5);
      values.push_back(repeat ? values[rng.Below(i)] : said[i]);
    }
    text += names[i] + ": " + values[i] + "\n";
  }
  std::vector<Turn> turns;
  for (size_t i = 0; i < (all ? kJudgements : 1); ++i) {
    Turn turn = numeric ? CompareNumbers(names, numbers, rng) : CompareValues(names, values, rng);
    const bool asked =
        std::any_of(turns.begin(), turns.end(), [&](const Turn& other) { return other.question == turn.question; });
    if (!asked) turns.push_back(std::move(turn));
  }
  return Conversation("judge", text, std::move(turns));
}

}  // namespace jade::data
