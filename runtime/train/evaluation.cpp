#include "runtime/train/evaluation.h"

#include "runtime/train/linear_cross_entropy.h"
#include "runtime/train/supervised_batch.h"

namespace jade::train {
namespace {

// Counts the demonstrations of one piece; rows come in the order of the demonstrations.
void Count(std::span<const Demonstration> piece, const at::Tensor& correct, DevScore* score) {
  const at::Tensor flags = correct.to(at::kCPU).contiguous();
  const bool* flag = flags.data_ptr<bool>();
  for (const Demonstration& demonstration : piece) {
    bool all = true;
    for (size_t i = 1; i < demonstration.reply.size(); ++i) {
      if (demonstration.reply[i] != 0) all = *flag++ && all;
    }
    MatchCount& role = score->by_role[*demonstration.role];
    role.matched += all ? 1 : 0;
    ++role.total;
    score->match.matched += all ? 1 : 0;
    ++score->match.total;
  }
}

}  // namespace

DevScore Evaluate(const backbone::Decoder& model, const std::vector<const DemonstrationSet*>& sets,
                  at::ScalarType dtype, int64_t micro_tokens) {
  const at::NoGradGuard no_grad;
  const backbone::DecoderWeights weights = model.Weights(dtype);
  DevScore score;
  double loss = 0;
  int64_t tokens = 0;
  for (const DemonstrationSet* set : sets) {
    std::vector<Demonstration> all;
    for (size_t i = 0; i < set->size(); ++i) {
      all.push_back(set->At(i));
      all.back().weight = 1.0;
    }
    for (const std::span<const Demonstration> piece : SplitByTokens(all, micro_tokens)) {
      const SupervisedBatch batch = PackDemonstrations(piece, {0.0, 1.0}, model.device());
      const at::Tensor hidden = model.ForwardPacked(batch.packed, weights).index_select(0, batch.rows_M);
      const RowScores rows = ScoreRows(hidden, weights.head_VD, batch.targets_M);
      loss += rows.loss_M.to(at::kDouble).sum().item<double>();
      tokens += batch.targets_M.numel();
      Count(piece, rows.correct_M, &score);
    }
  }
  score.loss = tokens == 0 ? 0.0 : loss / static_cast<double>(tokens);
  return score;
}

}  // namespace jade::train
