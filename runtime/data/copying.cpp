#include "runtime/data/copying.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

constexpr double kDirect = 0.35;  // share of judgements of two values themselves, nothing to be looked up

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
  std::vector<std::string> names = DistinctNames(world, pairs * 2, rng);
  std::string text;
  std::vector<size_t> asked;
  for (size_t i = 0; i < pairs; ++i) {
    std::string& value = names[pairs + i];
    if (rng.Chance(0.3)) value = std::to_string(rng.Between(1, 2025));
    text += names[i] + ": " + value + "\n";
    asked.push_back(i);
  }
  rng.Shuffle(asked);
  std::vector<Turn> turns;
  for (size_t i : asked) turns.push_back({names[i] + "?", names[pairs + i]});
  if (!all) turns.resize(1);
  return Conversation("recall", text, std::move(turns));
}

Demonstration Judge(const World& world, Rng& rng, bool all) {
  const size_t pairs = 2 + rng.Below(4);
  const bool numeric = rng.Chance(0.5);
  std::vector<std::string> names = DistinctNames(world, pairs * 2, rng);
  std::vector<std::string> values;
  std::vector<int> numbers;
  std::string text;
  for (size_t i = 0; i < pairs; ++i) {
    if (numeric) {
      int number = 0;
      do number = rng.Chance(0.6) ? rng.Between(1100, 2025) : rng.Between(1, 9000);
      while (std::find(numbers.begin(), numbers.end(), number) != numbers.end());
      numbers.push_back(number);
      values.push_back(std::to_string(number));
    } else {
      const bool repeat = i > 0 && rng.Chance(0.5);
      values.push_back(repeat ? values[rng.Below(i)] : names[pairs + i]);
    }
    text += names[i] + ": " + values[i] + "\n";
  }
  std::vector<Turn> turns;
  for (size_t i = 0; i < (all ? pairs + 1 : 1); ++i) {
    turns.push_back(numeric && rng.Chance(0.8) ? CompareNumbers(names, numbers, rng)
                                               : CompareValues(names, values, rng));
  }
  return Conversation("judge", text, std::move(turns));
}

}  // namespace jade::data
