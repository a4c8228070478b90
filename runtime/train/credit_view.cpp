#include "runtime/train/credit_view.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>

namespace jade::train {

CreditView::CreditView(const rollout::Batch& batch, const PolicyBatch& flat, const std::vector<TokenFigures>& tokens,
                       CreditViewOptions options) {
  for (const rollout::Transition* transition : flat.transitions) {
    const rollout::Run& run = batch.runs[transition->run];
    role_.push_back(static_cast<int32_t>(transition->role));
    question_.push_back(run.question);
    run_.push_back(transition->run);
    site_.push_back(XXH3_64bits(transition->site.data(), transition->site.size()));
    penalty_.push_back(transition->penalty);
    team_reward_.push_back(run.reward);
  }
  for (const TokenFigures& token : tokens) {
    if (options.values) values_.push_back(token.value);
    if (options.reference) {
      log_probs_.push_back(token.old_log_prob);
      reference_.push_back(token.reference_log_prob);
    }
  }
  AddEdges(batch, flat);
  AddAlternatives(flat);
  view_.offsets = flat.offsets;
  view_.counted = flat.counted;
  view_.role = role_;
  view_.roles = static_cast<int32_t>(batch.roles.size());
  view_.question = question_;
  view_.run = run_;
  view_.site = site_;
  view_.penalty = penalty_;
  view_.team_reward = team_reward_;
  view_.values = values_;
  view_.log_probs = log_probs_;
  view_.reference_log_probs = reference_;
  view_.consumer_offsets = consumer_offsets_;
  view_.consumers = consumers_;
  view_.in_result = in_result_;
  view_.alternative_offsets = alternative_offsets_;
  view_.alternative_rewards = alternative_rewards_;
  view_.alternative_penalties = alternative_penalties_;
}

// Calls that are not trained are passed through: whoever used their value used what they were made from.
void CreditView::AddEdges(const rollout::Batch& batch, const PolicyBatch& flat) {
  const bool any = std::any_of(batch.transitions.begin(), batch.transitions.end(),
                               [](const rollout::Transition& t) { return !t.consumers.empty() || t.in_result; });
  if (!any) return;
  std::map<std::pair<uint32_t, uint32_t>, const rollout::Transition*> by_call;
  std::map<const rollout::Transition*, int32_t> trained;
  for (const rollout::Transition& t : batch.transitions) by_call[{t.run, t.call}] = &t;
  for (size_t i = 0; i < flat.transitions.size(); ++i) trained[flat.transitions[i]] = static_cast<int32_t>(i);
  consumer_offsets_.push_back(0);
  for (const rollout::Transition* transition : flat.transitions) {
    std::set<int32_t> found;
    std::set<uint32_t> seen;
    bool in_result = transition->in_result;
    std::vector<uint32_t> ahead = transition->consumers;
    while (!ahead.empty()) {
      const uint32_t call = ahead.back();
      ahead.pop_back();
      if (!seen.insert(call).second) continue;
      const auto at = by_call.find({transition->run, call});
      if (at == by_call.end()) continue;
      if (const auto index = trained.find(at->second); index != trained.end()) {
        found.insert(index->second);
        continue;
      }
      in_result |= at->second->in_result;
      ahead.insert(ahead.end(), at->second->consumers.begin(), at->second->consumers.end());
    }
    consumers_.insert(consumers_.end(), found.begin(), found.end());
    consumer_offsets_.push_back(static_cast<int64_t>(consumers_.size()));
    in_result_.push_back(in_result ? 1 : 0);
  }
}

void CreditView::AddAlternatives(const PolicyBatch& flat) {
  const bool any = std::any_of(flat.transitions.begin(), flat.transitions.end(),
                               [](const rollout::Transition* t) { return !t->alternative_rewards.empty(); });
  if (!any) return;
  alternative_offsets_.push_back(0);
  for (const rollout::Transition* t : flat.transitions) {
    alternative_rewards_.insert(alternative_rewards_.end(), t->alternative_rewards.begin(),
                                t->alternative_rewards.end());
    alternative_penalties_.insert(alternative_penalties_.end(), t->alternative_penalties.begin(),
                                  t->alternative_penalties.end());
    alternative_offsets_.push_back(static_cast<int64_t>(alternative_rewards_.size()));
  }
}

Status SumMoments(Collective& collective, std::span<advantage::Moments> moments) {
  std::vector<double> values;
  for (const advantage::Moments& m : moments) values.insert(values.end(), {m.count, m.sum, m.sum_squares});
  JADE_TRY(collective.Sum(std::span<double>(values)));
  for (size_t i = 0; i < moments.size(); ++i) moments[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
  return {};
}

Status SumMoments(Collective& collective, std::span<advantage::RoleRewards> rewards) {
  std::vector<advantage::Moments> all;
  for (const advantage::RoleRewards& role : rewards) all.insert(all.end(), {role.whole, role.team, role.penalty});
  JADE_TRY(SumMoments(collective, std::span<advantage::Moments>(all)));
  for (size_t i = 0; i < rewards.size(); ++i) rewards[i] = {all[3 * i], all[3 * i + 1], all[3 * i + 2]};
  return {};
}

}  // namespace jade::train
