#include "runtime/data/copying.h"

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
  Demonstration made{"recall", {}, names[pairs + asked[0]], {}, {}};
  made.messages.push_back({"user", text + names[asked[0]] + "?"});
  for (size_t i = 1; all && i < pairs; ++i) {
    made.messages.push_back({"assistant", std::move(made.reply), 1.0});
    made.messages.push_back({"user", names[asked[i]] + "?"});
    made.reply = names[pairs + asked[i]];
  }
  return made;
}

}  // namespace jade::data
