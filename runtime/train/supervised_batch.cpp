#include "runtime/train/supervised_batch.h"

namespace jade::train {

SupervisedBatch PackDemonstrations(std::span<const Demonstration> demonstrations, const LossWeights& loss,
                                   at::Device device) {
  SupervisedBatch batch;
  std::vector<std::vector<int32_t>> sequences;
  std::vector<int64_t> rows;
  std::vector<int64_t> targets;
  std::vector<float> weights;
  int64_t first_row = 0;
  for (const Demonstration& demonstration : demonstrations) {
    const auto length = static_cast<int64_t>(demonstration.tokens.size());
    sequences.emplace_back(demonstration.tokens.begin(), demonstration.tokens.end());
    for (int64_t i = 1; i < length; ++i) {
      const bool reply = demonstration.reply[static_cast<size_t>(i)] != 0;
      if (reply) ++batch.reply_tokens;
      const double weight = demonstration.weight * (reply ? loss.reply : loss.prompt);
      if (weight <= 0) continue;
      rows.push_back(first_row + i - 1);
      targets.push_back(demonstration.tokens[static_cast<size_t>(i)]);
      weights.push_back(static_cast<float>(weight));
      batch.weight_sum += weight;
    }
    first_row += length;
  }
  batch.packed = backbone::PackSequences(sequences, device);
  batch.rows_M = at::tensor(rows, at::kLong).to(device);
  batch.targets_M = at::tensor(targets, at::kLong).to(device);
  batch.weights_M = at::tensor(weights, at::kFloat).to(device);
  return batch;
}

std::vector<std::span<const Demonstration>> SplitByTokens(std::span<const Demonstration> demonstrations,
                                                          int64_t micro_tokens) {
  std::vector<std::span<const Demonstration>> pieces;
  size_t begin = 0;
  int64_t used = 0;
  for (size_t i = 0; i < demonstrations.size(); ++i) {
    const auto length = static_cast<int64_t>(demonstrations[i].tokens.size());
    if (i > begin && used + length > micro_tokens) {
      pieces.push_back(demonstrations.subspan(begin, i - begin));
      begin = i;
      used = 0;
    }
    used += length;
  }
  if (begin < demonstrations.size()) pieces.push_back(demonstrations.subspan(begin));
  return pieces;
}

}  // namespace jade::train
