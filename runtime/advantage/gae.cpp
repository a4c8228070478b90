#include "runtime/advantage/gae.h"

namespace jade::advantage {

GaeEntry Gae(const GaeInput& input, std::span<double> advantages, std::span<double> returns) {
  const double decay = input.gamma * input.lambda;
  // What the counted token before is told: rewards not yet given to one, and what comes after it.
  double shared = input.shared_reward;
  double local = input.local_reward;
  double next_value = input.next.value;
  double next_flow = input.next.advantage;
  double next_local = 0.0;
  GaeEntry entry{.value = input.next.value + input.shared_reward, .advantage = input.next.advantage};
  for (size_t i = input.counted.size(); i-- > 0;) {
    if (!input.kl.empty()) local -= input.kl[i];
    if (input.counted[i] == 0) {
      advantages[i] = 0.0;
      returns[i] = 0.0;
      continue;
    }
    const double value = input.values.empty() ? 0.0 : static_cast<double>(input.values[i]);
    const double flow = shared + next_value - value + next_flow;
    const double own = local + next_local;
    advantages[i] = flow + own;
    returns[i] = flow + own + value;
    entry = {.value = value, .advantage = flow};
    next_value = input.gamma * value;
    next_flow = decay * flow;
    next_local = decay * own;
    shared = 0.0;
    local = 0.0;
  }
  return entry;
}

void RewardToGo(std::span<const uint8_t> counted, std::span<const double> kl, double last_reward, double gamma,
                std::span<double> returns) {
  double reward = last_reward;
  double next = 0.0;
  for (size_t i = counted.size(); i-- > 0;) {
    if (!kl.empty()) reward -= kl[i];
    if (counted[i] == 0) {
      returns[i] = 0.0;
      continue;
    }
    returns[i] = reward + gamma * next;
    next = returns[i];
    reward = 0.0;
  }
}

}  // namespace jade::advantage
