#include "runtime/train/policy_batch.h"

#include <algorithm>
#include <numeric>

namespace jade::train {
namespace {

// Which transitions go together: [first, last) of the order.
std::vector<std::pair<size_t, size_t>> MiniBatchRanges(size_t count, const BatchOptions& options) {
  std::vector<std::pair<size_t, size_t>> ranges;
  if (options.mini_transitions > 0) {
    const auto size = static_cast<size_t>(options.mini_transitions);
    for (size_t begin = 0; begin < count; begin += size) ranges.emplace_back(begin, std::min(count, begin + size));
    return ranges;
  }
  const auto parts = static_cast<size_t>(std::max<int64_t>(options.mini_batches, 1));
  for (size_t i = 0; i < parts; ++i) {
    const size_t begin = count * i / parts, end = count * (i + 1) / parts;
    if (begin < end) ranges.emplace_back(begin, end);
  }
  return ranges;
}

class Packer {
 public:
  Packer(const PolicyBatch& batch, const std::vector<std::vector<const engine::TokenMask*>>& masks, bool share_prefixes,
         at::Device device)
      : batch_(batch), masks_(masks), share_prefixes_(share_prefixes), device_(device) {}

  MicroBatch Pack(std::span<const uint32_t> indices) const {
    MicroBatch micro;
    micro.transitions.assign(indices.begin(), indices.end());
    std::vector<std::vector<int32_t>> sequences;
    std::vector<int64_t> rows, targets;
    int64_t first_row = 0;
    for (const uint32_t index : indices) {
      const rollout::Transition& transition = *batch_.transitions[index];
      std::vector<int32_t>& sequence = sequences.emplace_back(transition.observation);
      // The last token predicts nothing that is trained.
      sequence.insert(sequence.end(), transition.action.begin(), transition.action.end() - 1);
      const auto prompt = static_cast<int64_t>(transition.observation.size());
      for (size_t i = 0; i < transition.action.size(); ++i) {
        rows.push_back(first_row + prompt - 1 + static_cast<int64_t>(i));
        targets.push_back(transition.action[i]);
        micro.tokens.inverse_temperatures.push_back(1.0F / transition.temperature);
        micro.tokens.legal.push_back(masks_[index][i]);
        micro.flat.push_back(batch_.offsets[index] + static_cast<int64_t>(i));
      }
      first_row += static_cast<int64_t>(sequence.size());
    }
    const bool free = std::all_of(micro.tokens.legal.begin(), micro.tokens.legal.end(),
                                  [](const engine::TokenMask* mask) { return mask == nullptr; });
    if (free) micro.tokens.legal.clear();
    micro.packed = share_prefixes_ ? backbone::PackSharingPrefixes(sequences, device_)
                                   : backbone::PackSequences(sequences, device_);
    for (int64_t& row : rows) row = micro.packed.RowOf(row);
    micro.rows_M = at::tensor(rows, at::kLong).to(device_);
    micro.tokens.targets_M = at::tensor(targets, at::kLong).to(device_);
    return micro;
  }

 private:
  const PolicyBatch& batch_;
  const std::vector<std::vector<const engine::TokenMask*>>& masks_;
  bool share_prefixes_;
  at::Device device_;
};

int64_t LengthOf(const rollout::Transition& transition) {
  return static_cast<int64_t>(transition.observation.size() + transition.action.size()) - 1;
}

MiniBatch SplitByTokens(const PolicyBatch& batch, std::span<const uint32_t> indices, int64_t micro_tokens,
                        const Packer& packer) {
  MiniBatch pieces;
  size_t begin = 0;
  int64_t used = 0;
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t length = LengthOf(*batch.transitions[indices[i]]);
    if (i > begin && used + length > micro_tokens) {
      pieces.push_back(packer.Pack(indices.subspan(begin, i - begin)));
      begin = i;
      used = 0;
    }
    used += length;
  }
  if (begin < indices.size()) pieces.push_back(packer.Pack(indices.subspan(begin)));
  return pieces;
}

}  // namespace

double PolicyBatch::SharedPrefixes() const {
  int64_t tokens = 0, rows = 0;
  for (const MiniBatch& mini : mini_batches) {
    for (const MicroBatch& micro : mini) {
      tokens += micro.token_count();
      rows += micro.packed.row_count();
    }
  }
  return tokens == 0 ? 0 : 1 - static_cast<double>(rows) / static_cast<double>(tokens);
}

Result<PolicyBatch> MakePolicyBatch(const rollout::Batch& batch, const BatchOptions& options, LegalTokens& legal,
                                    at::Device device) {
  PolicyBatch out;
  std::vector<std::vector<const engine::TokenMask*>> masks;
  out.offsets.push_back(0);
  for (size_t i = 0; i < batch.transitions.size(); ++i) {
    const rollout::Transition& transition = batch.transitions[i];
    if (!transition.trained || (!options.chosen.empty() && options.chosen[i] == 0)) continue;
    out.transitions.push_back(&transition);
    out.offsets.push_back(out.offsets.back() + static_cast<int64_t>(transition.action.size()));
    JADE_ASSIGN_OR_RETURN(auto of, legal.Of(transition));
    for (const engine::TokenMask* mask : of) out.counted.push_back(legal.HasChoice(mask) ? 1 : 0);
    masks.push_back(std::move(of));
    out.rollout_log_probs.insert(out.rollout_log_probs.end(), transition.rollout_log_probs.begin(),
                                 transition.rollout_log_probs.end());
    out.rollout_log_probs.resize(static_cast<size_t>(out.offsets.back()));
    out.roles.resize(static_cast<size_t>(out.offsets.back()), transition.role);
  }
  if (!options.pack) return out;
  std::vector<uint32_t> order = options.order;
  if (order.empty()) {
    order.resize(out.transitions.size());
    std::iota(order.begin(), order.end(), 0U);
  }
  const Packer packer(out, masks, options.share_prefixes, device);
  for (const auto& [begin, end] : MiniBatchRanges(order.size(), options)) {
    out.mini_batches.push_back(
        SplitByTokens(out, std::span<const uint32_t>(order).subspan(begin, end - begin), options.micro_tokens, packer));
  }
  return out;
}

}  // namespace jade::train
