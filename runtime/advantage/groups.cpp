#include "runtime/advantage/groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace jade::advantage {
namespace {

struct Pair {
  uint64_t first = 0;
  uint64_t second = 0;
  friend bool operator==(const Pair&, const Pair&) = default;
};

struct PairHash {
  size_t operator()(const Pair& pair) const {
    uint64_t mixed = (pair.first ^ 0x9E3779B97F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL;
    mixed ^= (mixed >> 29U) ^ (pair.second * 0x94D049BB133111EBULL);
    mixed *= 0xD6E8FEB86659FD93ULL;
    return static_cast<size_t>(mixed ^ (mixed >> 32U));
  }
};

// Pairs numbered densely in order of first appearance.
class Numbering {
 public:
  explicit Numbering(size_t expected) { numbers_.reserve(expected); }
  int32_t Number(uint64_t first, uint64_t second) {
    return numbers_.try_emplace({first, second}, static_cast<int32_t>(numbers_.size())).first->second;
  }
  size_t size() const { return numbers_.size(); }

 private:
  std::unordered_map<Pair, int32_t, PairHash> numbers_;
};

struct Tally {
  Moments whole;
  double team = 0.0;
  double penalty = 0.0;
  double smallest = std::numeric_limits<double>::infinity();
  double largest = -std::numeric_limits<double>::infinity();
  int64_t runs = 0;  // of groups only

  void Add(const Rewards& rewards, size_t transition) {
    whole.Add(rewards.whole[transition]);
    team += rewards.team[transition];
    penalty += rewards.penalty[transition];
    smallest = std::min(smallest, rewards.whole[transition]);
    largest = std::max(largest, rewards.whole[transition]);
  }
};

struct Tallies {
  std::vector<int32_t> group_of;  // [T]
  std::vector<int32_t> cell_of;   // [T]: what one run has in a group; −1 of transitions that are in no group
  std::vector<Tally> groups;
  std::vector<Tally> cells;
};

Tallies CountRewards(const Batch& batch, const Options& options, const Rewards& rewards) {
  const size_t count = batch.transitions();
  Tallies tallies{NumberGroups(batch), std::vector<int32_t>(count, -1), {}, {}};
  Numbering cells(count);
  for (size_t t = 0; t < count; ++t) {
    if (!UsesGroups(options.For(batch.role[t]).estimator)) continue;
    const auto group = static_cast<size_t>(tallies.group_of[t]);
    if (group >= tallies.groups.size()) tallies.groups.resize(group + 1);
    tallies.cell_of[t] = cells.Number(group, static_cast<uint64_t>(batch.run[t]));
    const auto cell = static_cast<size_t>(tallies.cell_of[t]);
    if (cell == tallies.cells.size()) {
      tallies.cells.emplace_back();
      ++tallies.groups[group].runs;
    }
    tallies.groups[group].Add(rewards, t);
    tallies.cells[cell].Add(rewards, t);
  }
  return tallies;
}

double Scale(const EstimatorOptions& options, const Moments& moments) {
  if (options.estimator != Estimator::kGrpo || !options.divide_by_std || moments.count < 2.0) return 1.0;
  return 1.0 / (std::sqrt(moments.Variance()) + options.epsilon);
}

GroupEstimate Fallback(const EstimatorOptions& options, const RoleRewards& role, const RoleRewards& all) {
  const RoleRewards& source = role.whole.count > 1.0 ? role : all;
  return {.baseline = source.whole.Mean(),
          .team_baseline = source.team.Mean(),
          .penalty_baseline = source.penalty.Mean(),
          .scale = Scale(options, source.whole),
          .fallback = true};
}

GroupEstimate FromGroup(const EstimatorOptions& options, const Tally& group, const Tally& own_run) {
  const bool leave_out = options.estimator == Estimator::kRloo;
  const double members = group.whole.count - (leave_out ? own_run.whole.count : 0.0);
  return {.baseline = (group.whole.sum - (leave_out ? own_run.whole.sum : 0.0)) / members,
          .team_baseline = (group.team - (leave_out ? own_run.team : 0.0)) / members,
          .penalty_baseline = (group.penalty - (leave_out ? own_run.penalty : 0.0)) / members,
          .scale = Scale(options, group.whole)};
}

GroupCounts Count(std::span<const Tally> groups) {
  GroupCounts counts;
  for (const Tally& group : groups) {
    if (group.runs == 0) continue;
    ++counts.groups;
    if (group.runs == 1) ++counts.single_run;
    if (group.runs > 1 && group.smallest == group.largest) ++counts.flat;
  }
  return counts;
}

}  // namespace

bool UsesGroups(Estimator estimator) {
  return estimator == Estimator::kGrpo || estimator == Estimator::kRloo || estimator == Estimator::kReinforceBaseline;
}

Result<std::vector<uint8_t>> CallsWithoutSignal(const Batch& batch, const Options& options) {
  JADE_ASSIGN_OR_RETURN(const Rewards rewards, MakeRewards(batch, options));
  const Tallies tallies = CountRewards(batch, options, rewards);
  std::vector<uint8_t> without(batch.transitions(), 0);
  for (size_t t = 0; t < without.size(); ++t) {
    if (tallies.cell_of[t] < 0) continue;
    const Tally& group = tallies.groups[static_cast<size_t>(tallies.group_of[t])];
    const auto& alternatives = batch.alternative_offsets;
    const bool own = !alternatives.empty() && alternatives[t + 1] > alternatives[t];
    without[t] = group.runs > 1 && group.smallest == group.largest && !own ? 1 : 0;
  }
  return without;
}

std::vector<int32_t> NumberGroups(const Batch& batch) {
  std::vector<int32_t> numbers(batch.transitions());
  Numbering groups(numbers.size());
  for (size_t t = 0; t < numbers.size(); ++t) {
    numbers[t] = groups.Number(static_cast<uint64_t>(batch.question[t]), batch.site[t]);
  }
  return numbers;
}

GroupEstimates EstimateGroups(const Batch& batch, const Options& options, const Rewards& rewards,
                              std::span<const RoleRewards> by_role) {
  const Tallies tallies = CountRewards(batch, options, rewards);
  RoleRewards all;
  for (const RoleRewards& role : by_role) all.Add(role);
  GroupEstimates out{std::vector<GroupEstimate>(batch.transitions()), Count(tallies.groups)};
  for (size_t t = 0; t < batch.transitions(); ++t) {
    if (tallies.cell_of[t] < 0) continue;
    const EstimatorOptions& own = options.For(batch.role[t]);
    const Tally& group = tallies.groups[static_cast<size_t>(tallies.group_of[t])];
    if (group.runs > 1) {
      out.estimates[t] = FromGroup(own, group, tallies.cells[static_cast<size_t>(tallies.cell_of[t])]);
    } else {
      out.estimates[t] = Fallback(own, by_role[static_cast<size_t>(batch.role[t])], all);
      ++out.counts.fallback_calls;
    }
  }
  return out;
}

}  // namespace jade::advantage
