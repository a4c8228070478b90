#include "runtime/data/scene.h"

#include <utility>

namespace jade::data {
namespace {

std::vector<bool> Shown(const World& world, const Library& library, std::optional<Split> split) {
  if (split != Split::kTrain) return {};
  std::vector<bool> shown;
  for (const Passage& passage : library.passages) shown.push_back(world.At(passage.subject).split == *split);
  return shown;
}

}  // namespace

Scene::Scene(World world, uint64_t passage_seed, std::optional<Split> split, size_t questions, uint64_t seed)
    : world_(std::move(world)),
      library_(WritePassages(world_, passage_seed)),
      lookup_(library_, Shown(world_, library_, split)),
      asker_(world_, library_, split) {
  Rng rng(seed);
  for (size_t i = 0; i < questions; ++i) {
    std::optional<Question> question = AskAtRandom(asker_, rng);
    if (!question) continue;
    auto& stock = question->steps.size() == 1 ? singles_ : question->parallel ? parallels_ : serials_;
    stock.push_back(std::move(*question));
  }
}

}  // namespace jade::data
