// The fused token loss against LibTorch's own operators and finite differences.

#include "runtime/train/token_loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace jade::train {
namespace {

constexpr int64_t kRows = 7, kHidden = 16, kVocabulary = 50;

struct Case {
  at::Tensor hidden, head;
  TokenRows rows;
  std::vector<engine::TokenMask> masks;
};

Case MakeCase(bool masked) {
  Case c;
  at::manual_seed(3);
  c.hidden = at::randn({kRows, kHidden});
  c.head = at::randn({kVocabulary, kHidden});
  c.rows.targets_M = at::tensor(std::vector<int64_t>{3, 49, 0, 17, 17, 8, 30});
  c.rows.inverse_temperatures = {1.0F, 1.0F, 0.5F, 2.0F, 1.0F, 1.25F, 1.0F};
  if (!masked) return c;
  c.masks.reserve(kRows);
  c.rows.legal.assign(kRows, nullptr);
  for (int64_t r = 0; r < kRows; r += 2) {
    engine::TokenMask mask(kVocabulary);
    for (int32_t v = static_cast<int32_t>(r); v < kVocabulary; v += 3) mask.Add(v);
    mask.Add(static_cast<int32_t>(c.rows.targets_M[r].item<int64_t>()));
    c.masks.push_back(mask);
    c.rows.legal[static_cast<size_t>(r)] = &c.masks.back();
  }
  return c;
}

// [M, V] log-probabilities, differentiable.
at::Tensor ReferenceLogProbs(const Case& c, const at::Tensor& hidden, const at::Tensor& head) {
  at::Tensor logits = at::matmul(hidden, head.t()) * at::tensor(c.rows.inverse_temperatures).unsqueeze(1);
  at::Tensor illegal = at::zeros({kRows, kVocabulary}, at::kBool);
  for (size_t r = 0; r < c.rows.legal.size(); ++r) {
    if (c.rows.legal[r] == nullptr) continue;
    for (int32_t v = 0; v < kVocabulary; ++v) {
      illegal[static_cast<int64_t>(r)][v] = !c.rows.legal[r]->Has(v);
    }
  }
  return logits.masked_fill(illegal, -1e30).log_softmax(1);
}

// A loss that is nonlinear in both scores, and different in every row.
TokenGradient Loss(int64_t row, const TokenScore& score) {
  const float scale = 0.3F + 0.1F * static_cast<float>(row);
  const float e = std::exp(0.5F * score.log_prob);
  return {scale * (e - 0.7 * score.entropy), scale * 0.5F * e, -0.7F * scale};
}

class TokenLossTest : public testing::TestWithParam<bool> {};

TEST_P(TokenLossTest, ScoresAreThoseOfLogSoftmax) {
  const Case c = MakeCase(GetParam());
  const std::vector<TokenScore> scores = ScoreTokens(c.hidden, c.head, c.rows, /*entropy=*/true);
  const at::Tensor log_p = ReferenceLogProbs(c, c.hidden, c.head);
  const at::Tensor entropy = -(log_p.exp() * log_p.clamp_min(-1e4)).sum(1);
  for (int64_t r = 0; r < kRows; ++r) {
    const auto& score = scores[static_cast<size_t>(r)];
    EXPECT_NEAR(score.log_prob, log_p[r][c.rows.targets_M[r].item<int64_t>()].item<float>(), 2e-5);
    EXPECT_NEAR(score.entropy, entropy[r].item<float>(), 2e-5);
  }
}

TEST_P(TokenLossTest, GradientsAreThoseOfAutograd) {
  const Case c = MakeCase(GetParam());
  const at::Tensor hidden = c.hidden.clone().set_requires_grad(true), head = c.head.clone().set_requires_grad(true);
  const at::Tensor total = LinearTokenLoss(hidden, head, c.rows, /*entropy=*/true, Loss);
  (total * 2).backward();

  const at::Tensor slow_hidden = c.hidden.clone().set_requires_grad(true);
  const at::Tensor slow_head = c.head.clone().set_requires_grad(true);
  const at::Tensor log_p = ReferenceLogProbs(c, slow_hidden, slow_head);
  const at::Tensor chosen = log_p.gather(1, c.rows.targets_M.unsqueeze(1)).squeeze(1);
  const at::Tensor entropy = -(log_p.exp() * log_p.clamp_min(-1e4)).sum(1);
  const at::Tensor scale = 0.3 + 0.1 * at::arange(kRows, at::kFloat);
  const at::Tensor expected = (scale * ((0.5 * chosen).exp() - 0.7 * entropy)).sum();
  (expected * 2).backward();

  EXPECT_NEAR(total.item<float>(), expected.item<float>(), 1e-4);
  EXPECT_TRUE(at::allclose(hidden.grad(), slow_hidden.grad(), 1e-4, 2e-5));
  EXPECT_TRUE(at::allclose(head.grad(), slow_head.grad(), 1e-4, 2e-5));
}

TEST_P(TokenLossTest, TheLossIsGivenTheScoresToTheBit) {
  const Case c = MakeCase(GetParam());
  const std::vector<TokenScore> scores = ScoreTokens(c.hidden, c.head, c.rows, /*entropy=*/false);
  std::vector<float> given(kRows);
  (void)LinearTokenLoss(c.hidden, c.head, c.rows, /*entropy=*/false, [&](int64_t row, const TokenScore& score) {
    given[static_cast<size_t>(row)] = score.log_prob;
    return TokenGradient{};
  });
  for (size_t r = 0; r < given.size(); ++r) EXPECT_EQ(given[r], scores[r].log_prob);
}

INSTANTIATE_TEST_SUITE_P(FreeAndMasked, TokenLossTest, testing::Bool());

TEST(TokenLoss, ATokenThatIsTheOnlyLegalOneIsCertain) {
  Case c = MakeCase(false);
  engine::TokenMask only(kVocabulary);
  only.Add(3);
  c.rows.legal.assign(kRows, nullptr);
  c.rows.legal[0] = &only;
  const std::vector<TokenScore> scores = ScoreTokens(c.hidden, c.head, c.rows, /*entropy=*/true);
  EXPECT_EQ(scores[0].log_prob, 0.0F);
  EXPECT_NEAR(scores[0].entropy, 0.0F, 1e-6);
}

}  // namespace
}  // namespace jade::train
