#pragma once
// Generalised advantage estimation over the response tokens of one transition. Pure functions, any thread.

#include <cstdint>
#include <span>

namespace jade::advantage {

// What follows the last counted token of a transition. Nothing for an episode that ends there.
struct Bootstrap {
  double value = 0.0;      // expected, already discounted: joins the last temporal difference
  double advantage = 0.0;  // running advantage, already discounted
};

// One transition of n tokens. Spans of n; `kl` may be empty.
struct GaeInput {
  std::span<const uint8_t> counted;
  std::span<const float> values;  // empty: 0
  std::span<const double> kl;     // subtracted from the reward of its token
  double shared_reward = 0.0;     // on the last token: the team's
  double local_reward = 0.0;      // on the last token: minus the penalty
  Bootstrap next;
  double gamma = 1.0;
  double lambda = 1.0;
};

// The first counted token's part of what flows to the calls before, without local rewards: penalties and KL terms stay
// with the call that earned them.
struct GaeEntry {
  double value = 0.0;
  double advantage = 0.0;
};

// Schulman et al. 2016 (arXiv 1506.02438, eq. 16): δ_t = r_t + γ V_{t+1} − V_t, A_t = δ_t + γλ A_{t+1}, over counted
// tokens only: t+1 is the next counted token, and the reward of a token that is not counted belongs to the counted one
// before it. returns_t = A_t + V_t. Both outputs [n], 0 where not counted. A transition without counted tokens passes
// on what it was given: its entry is `next` and the shared reward as value.
GaeEntry Gae(const GaeInput& input, std::span<double> advantages, std::span<double> returns);

// Σ_{s ≥ t} γ^(s−t) r_s over counted tokens: the return that reinforce++ normalises, and the value target of the group
// estimators. `last_reward` lies on the last token.
void RewardToGo(std::span<const uint8_t> counted, std::span<const double> kl, double last_reward, double gamma,
                std::span<double> returns);

}  // namespace jade::advantage
