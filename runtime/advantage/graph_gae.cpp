#include "runtime/advantage/graph_gae.h"

#include <fmt/format.h>

#include <cmath>

#include "runtime/advantage/gae.h"

namespace jade::advantage {
namespace {

std::span<const int32_t> ConsumersOf(const Batch& batch, size_t transition) {
  if (batch.consumer_offsets.empty()) return {};
  const auto begin = static_cast<size_t>(batch.consumer_offsets[transition]);
  return batch.consumers.subspan(begin, static_cast<size_t>(batch.consumer_offsets[transition + 1]) - begin);
}

bool InResult(const Batch& batch, size_t transition) {
  return batch.in_result.empty() ? ConsumersOf(batch, transition).empty() : batch.in_result[transition] != 0;
}

// Edges turned round: the producers of each transition.
struct Producers {
  std::vector<size_t> offsets;
  std::vector<int32_t> transitions;
};

Producers TurnRound(const Batch& batch) {
  const size_t count = batch.transitions();
  Producers producers{std::vector<size_t>(count + 1, 0), std::vector<int32_t>(batch.consumers.size())};
  for (const int32_t consumer : batch.consumers) ++producers.offsets[static_cast<size_t>(consumer) + 1];
  for (size_t t = 0; t < count; ++t) producers.offsets[t + 1] += producers.offsets[t];
  std::vector<size_t> next(producers.offsets.begin(), producers.offsets.end() - 1);
  for (size_t t = 0; t < count; ++t) {
    for (const int32_t consumer : ConsumersOf(batch, t)) {
      producers.transitions[next[static_cast<size_t>(consumer)]++] = static_cast<int32_t>(t);
    }
  }
  return producers;
}

// Any transition that still waits for a consumer has one that waits too: following them ends in a cycle.
size_t OnCycle(const Batch& batch, std::span<const size_t> waiting) {
  std::vector<uint8_t> seen(waiting.size(), 0);
  size_t at = 0;
  while (waiting[at] == 0) ++at;
  while (seen[at] == 0) {
    seen[at] = 1;
    for (const int32_t consumer : ConsumersOf(batch, at)) {
      if (waiting[static_cast<size_t>(consumer)] == 0) continue;
      at = static_cast<size_t>(consumer);
      break;
    }
  }
  return at;
}

// What a call hands to those before it: the flow, and the same of the team's part alone (all values 0).
struct Entry {
  GaeEntry flow;
  GaeEntry team;
};

// The mean over the uses of a call's value, the result being one that hands over nothing but its share of the reward.
struct Uses {
  Entry mean;
  double result_share = 0.0;
  bool reached = false;
};

Uses GatherUses(const Batch& batch, std::span<const Entry> entries, std::span<const uint8_t> reached,
                size_t transition) {
  Entry sum;
  double count = InResult(batch, transition) ? 1.0 : 0.0;
  const double in_result = count;
  for (const int32_t consumer : ConsumersOf(batch, transition)) {
    const auto index = static_cast<size_t>(consumer);
    if (reached[index] == 0) continue;
    count += 1.0;
    sum.flow.value += entries[index].flow.value;
    sum.flow.advantage += entries[index].flow.advantage;
    sum.team.value += entries[index].team.value;
    sum.team.advantage += entries[index].team.advantage;
  }
  if (count == 0.0) return {};
  return {.mean = {.flow = {sum.flow.value / count, sum.flow.advantage / count},
                   .team = {sum.team.value / count, sum.team.advantage / count}},
          .result_share = in_result / count,
          .reached = true};
}

Bootstrap Discounted(const GaeEntry& mean, const EstimatorOptions& options) {
  return {.value = options.gamma_graph * mean.value,
          .advantage = options.gamma_graph * options.lambda_graph * mean.advantage};
}

// Gae with values 0 knows its result beforehand: `at_last`, decayed once for each choice before the last.
GaeEntry TeamEntry(const Bootstrap& next, double reward, double decay, int64_t counted, double* at_last) {
  *at_last = reward + next.value + next.advantage;
  if (counted == 0) return {.value = next.value + reward, .advantage = next.advantage};
  return {.value = 0.0, .advantage = *at_last * std::pow(decay, static_cast<double>(counted - 1))};
}

}  // namespace

Result<std::vector<int32_t>> ReversedFlow(const Batch& batch) {
  const size_t count = batch.transitions();
  const Producers producers = TurnRound(batch);
  std::vector<size_t> waiting(count);
  std::vector<int32_t> order;
  order.reserve(count);
  for (size_t t = 0; t < count; ++t) {
    waiting[t] = ConsumersOf(batch, t).size();
    if (waiting[t] == 0) order.push_back(static_cast<int32_t>(t));
  }
  for (size_t done = 0; done < order.size(); ++done) {
    const auto consumer = static_cast<size_t>(order[done]);
    for (size_t edge = producers.offsets[consumer]; edge < producers.offsets[consumer + 1]; ++edge) {
      const int32_t producer = producers.transitions[edge];
      if (--waiting[static_cast<size_t>(producer)] == 0) order.push_back(producer);
    }
  }
  if (order.size() < count) {
    const size_t culprit = OnCycle(batch, waiting);
    return Error(
        ErrorCode::kInvalidArgument,
        fmt::format("batch: transition {} of run {} uses, over others, its own value; a data-flow graph has no "
                    "cycles",
                    culprit, batch.run[culprit]));
  }
  return order;
}

Result<GraphGae> EstimateGraphGae(const Batch& batch, const Options& options, const Rewards& rewards) {
  if (batch.values.size() != batch.tokens()) {
    return Error(ErrorCode::kInvalidArgument, "batch: `graph-gae` needs `values` of a critic");
  }
  JADE_ASSIGN_OR_RETURN(const std::vector<int32_t> order, ReversedFlow(batch));
  const size_t count = batch.transitions();
  GraphGae graph;
  graph.advantages.resize(batch.tokens());
  graph.returns.resize(batch.tokens());
  graph.team_at_last.resize(count);
  graph.reached.resize(count);
  std::vector<Entry> entries(count);
  for (const int32_t next : order) {
    const auto t = static_cast<size_t>(next);
    const EstimatorOptions& own = options.For(batch.role[t]);
    const Uses uses = GatherUses(batch, entries, graph.reached, t);
    graph.reached[t] = uses.reached ? 1 : 0;
    graph.unreached += uses.reached ? 0 : 1;
    const size_t begin = batch.begin(t);
    const size_t length = batch.end(t) - begin;
    const GaeInput input{
        .counted = batch.counted.subspan(begin, length),
        .values = batch.values.subspan(begin, length),
        .kl = rewards.kl.empty() ? std::span<const double>() : std::span(rewards.kl).subspan(begin, length),
        .shared_reward = uses.result_share * rewards.team[t],
        .local_reward = -rewards.penalty[t],
        .next = Discounted(uses.mean.flow, own),
        .gamma = own.gamma,
        .lambda = own.lambda,
    };
    entries[t].flow =
        Gae(input, std::span(graph.advantages).subspan(begin, length), std::span(graph.returns).subspan(begin, length));
    entries[t].team = TeamEntry(Discounted(uses.mean.team, own), input.shared_reward, own.gamma * own.lambda,
                                CountedTokens(batch, t), &graph.team_at_last[t]);
  }
  return graph;
}

}  // namespace jade::advantage
