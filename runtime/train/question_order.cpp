#include "runtime/train/question_order.h"

#include <numeric>
#include <random>
#include <utility>

namespace jade::train {
namespace {

std::vector<uint64_t> OrderOfEpoch(uint64_t count, uint64_t epoch, uint64_t seed) {
  std::vector<uint64_t> order(count);
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::mt19937_64 random(seed * 0x9E3779B97F4A7C15ULL ^ (epoch + 1) * 0xD1B54A32D192ED03ULL);
  for (uint64_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

}  // namespace

std::vector<uint64_t> QuestionsOfStep(uint64_t count, uint64_t size, int64_t step, uint64_t seed) {
  std::vector<uint64_t> chosen;
  if (count == 0) return chosen;
  chosen.reserve(size);
  uint64_t at = static_cast<uint64_t>(step) * size;
  while (chosen.size() < size) {
    const std::vector<uint64_t> order = OrderOfEpoch(count, at / count, seed);
    for (uint64_t i = at % count; i < count && chosen.size() < size; ++i, ++at) chosen.push_back(order[i]);
  }
  return chosen;
}

}  // namespace jade::train
