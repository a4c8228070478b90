#pragma once
// Batches for tests: arrays that are owned, and the view of them.

#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/advantage/batch.h"

namespace jade::advantage {

struct OwnedBatch {
  std::vector<int64_t> offsets{0};
  std::vector<uint8_t> counted;
  std::vector<int32_t> role;
  int32_t roles = 1;
  std::vector<int64_t> question;
  std::vector<int64_t> run;
  std::vector<uint64_t> site;
  std::vector<double> penalty;
  std::vector<double> team;
  std::vector<float> values;
  std::vector<float> log_probs;
  std::vector<float> reference;
  std::vector<std::vector<int32_t>> users;  // consumers of each transition; empty: no edges
  std::vector<uint8_t> in_result;
  std::vector<std::vector<double>> alternatives;  // team rewards; empty: none
  std::vector<double> alternative_penalties;

  struct Call {
    int32_t role = 0;
    int64_t question = 0;
    int64_t run = 0;
    uint64_t site = 0;
    double team = 0.0;
    double penalty = 0.0;
    std::vector<uint8_t> counted{1};
    std::vector<float> values{};  // as many as `counted`, or empty: 0
  };

  void Add(const Call& call) {
    role.push_back(call.role);
    question.push_back(call.question);
    run.push_back(call.run);
    site.push_back(call.site);
    team.push_back(call.team);
    penalty.push_back(call.penalty);
    counted.insert(counted.end(), call.counted.begin(), call.counted.end());
    values.insert(values.end(), call.values.begin(), call.values.end());
    values.resize(counted.size(), 0.0F);
    offsets.push_back(static_cast<int64_t>(counted.size()));
  }

  size_t size() const { return role.size(); }

  // Valid until the next change of this.
  Batch View() {
    Flatten(users, &consumer_offsets_, &consumers_);
    Flatten(alternatives, &alternative_offsets_, &alternative_rewards_);
    return {.offsets = offsets,
            .counted = counted,
            .role = role,
            .roles = roles,
            .question = question,
            .run = run,
            .site = site,
            .penalty = penalty,
            .team_reward = team,
            .values = values,
            .log_probs = log_probs,
            .reference_log_probs = reference,
            .consumer_offsets = consumer_offsets_,
            .consumers = consumers_,
            .in_result = in_result,
            .alternative_offsets = alternative_offsets_,
            .alternative_rewards = alternative_rewards_,
            .alternative_penalties = alternative_penalties};
  }

  // Transition order[i] comes at place i; edges follow.
  OwnedBatch Picked(const std::vector<int32_t>& order) const {
    OwnedBatch out;
    out.roles = roles;
    std::vector<int32_t> place(size(), -1);
    for (size_t i = 0; i < order.size(); ++i) place[static_cast<size_t>(order[i])] = static_cast<int32_t>(i);
    const auto copy = [](const auto& from, size_t begin, size_t end, auto* to) {
      if (from.empty()) return;
      to->insert(to->end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
                 from.begin() + static_cast<std::ptrdiff_t>(end));
    };
    for (const int32_t next : order) {
      const auto t = static_cast<size_t>(next);
      const auto begin = static_cast<size_t>(offsets[t]);
      const auto end = static_cast<size_t>(offsets[t + 1]);
      copy(counted, begin, end, &out.counted);
      copy(values, begin, end, &out.values);
      copy(log_probs, begin, end, &out.log_probs);
      copy(reference, begin, end, &out.reference);
      copy(role, t, t + 1, &out.role);
      copy(question, t, t + 1, &out.question);
      copy(run, t, t + 1, &out.run);
      copy(site, t, t + 1, &out.site);
      copy(penalty, t, t + 1, &out.penalty);
      copy(team, t, t + 1, &out.team);
      copy(in_result, t, t + 1, &out.in_result);
      copy(alternatives, t, t + 1, &out.alternatives);
      out.offsets.push_back(static_cast<int64_t>(out.counted.size()));
      if (users.empty()) continue;
      out.users.emplace_back();
      for (const int32_t user : users[t]) out.users.back().push_back(place[static_cast<size_t>(user)]);
    }
    return out;
  }

 private:
  template <typename T>
  static void Flatten(const std::vector<std::vector<T>>& rows, std::vector<int64_t>* offsets, std::vector<T>* flat) {
    offsets->clear();
    flat->clear();
    if (rows.empty()) return;
    offsets->push_back(0);
    for (const auto& row : rows) {
      flat->insert(flat->end(), row.begin(), row.end());
      offsets->push_back(static_cast<int64_t>(flat->size()));
    }
  }

  std::vector<int64_t> consumer_offsets_;
  std::vector<int32_t> consumers_;
  std::vector<int64_t> alternative_offsets_;
  std::vector<double> alternative_rewards_;
};

// `questions` with `runs` each, of a few calls of three roles, with forced tokens, penalties, log-probabilities, edges
// and some alternatives. The transitions of a run lie together.
inline OwnedBatch RandomBatch(uint32_t seed, int questions, int runs) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  OwnedBatch batch;
  batch.roles = 3;
  for (int question = 0; question < questions; ++question) {
    for (int run = 0; run < runs; ++run) {
      const double team = unit(rng);
      const auto calls = static_cast<int32_t>(2 + rng() % 5);
      const auto first = static_cast<int32_t>(batch.size());
      for (int32_t call = 0; call < calls; ++call) {
        const auto role = call == 0 ? 0 : static_cast<int32_t>(1 + rng() % 2);
        OwnedBatch::Call next{.role = role,
                              .question = question,
                              .run = question * runs + run,
                              .site = static_cast<uint64_t>(role),
                              .team = team,
                              .penalty = unit(rng) < 0.2 ? 2.0 : 0.0,
                              .counted = {}};
        for (auto length = 1 + rng() % 6; length > 0; --length) {
          next.counted.push_back(unit(rng) < 0.75 ? 1 : 0);
          next.values.push_back(static_cast<float>(unit(rng)));
          batch.log_probs.push_back(static_cast<float>(-unit(rng)));
          batch.reference.push_back(static_cast<float>(-unit(rng)));
        }
        batch.Add(next);
        batch.users.emplace_back();
        for (int32_t later = call + 1; later < calls; ++later) {
          if (unit(rng) < 0.5) batch.users.back().push_back(first + later);
        }
        batch.in_result.push_back(call + 1 == calls || unit(rng) < 0.1 ? 1 : 0);
        batch.alternatives.emplace_back();
        if (unit(rng) < 0.1) batch.alternatives.back() = {unit(rng), unit(rng), unit(rng)};
      }
    }
  }
  return batch;
}

inline std::vector<int32_t> Shuffled(size_t count, uint32_t seed) {
  std::vector<int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 rng(seed);
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[rng() % i]);
  return order;
}

}  // namespace jade::advantage
