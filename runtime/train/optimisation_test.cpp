// The loss, the optimiser and the schedule against plain LibTorch and hand-worked numbers.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/train/learning_rate.h"
#include "runtime/train/linear_cross_entropy.h"
#include "runtime/train/muon.h"
#include "runtime/train/optimiser.h"

namespace jade::train {
namespace {

TEST(LinearCrossEntropyTest, EqualsThePlainFormAndItsGradients) {
  at::manual_seed(5);
  const int64_t rows = 301;
  const int64_t vocabulary = 5000;  // several blocks, the last one short
  const at::Tensor hidden = at::randn({rows, 24}).requires_grad_(true);
  const at::Tensor head = at::randn({vocabulary, 24}).requires_grad_(true);
  const at::Tensor targets = at::randint(vocabulary, {rows}, at::kLong);
  const at::Tensor weights = at::rand({rows});
  const at::Tensor ours = LinearCrossEntropy(hidden, head, targets, weights) * 2.0;
  ours.backward();
  const at::Tensor hidden_grad = hidden.grad().clone();
  const at::Tensor head_grad = head.grad().clone();
  hidden.mutable_grad().reset();
  head.mutable_grad().reset();
  const at::Tensor log_p = at::log_softmax(at::matmul(hidden, head.t()), 1);
  const at::Tensor plain = -(log_p.gather(1, targets.unsqueeze(1)).squeeze(1) * weights).sum() * 2.0;
  plain.backward();
  EXPECT_NEAR(ours.item<double>(), plain.item<double>(), 1e-4 * plain.item<double>());
  EXPECT_LT((hidden_grad - hidden.grad()).abs().max().item<double>(), 1e-4);
  EXPECT_LT((head_grad - head.grad()).abs().max().item<double>(), 1e-4);
}

TEST(LinearCrossEntropyTest, ScoresSayLossAndMostLikely) {
  const at::Tensor hidden = at::eye(3) * 4.0;
  const at::Tensor head = at::eye(3);
  const RowScores scores = ScoreRows(hidden, head, at::tensor({0, 1, 0}, at::kLong));
  EXPECT_NEAR(scores.loss_M[0].item<double>(), std::log(std::exp(4.0) + 2) - 4, 1e-5);
  EXPECT_NEAR(scores.loss_M[2].item<double>(), std::log(std::exp(4.0) + 2), 1e-5);
  EXPECT_TRUE(scores.correct_M[1].item<bool>());
  EXPECT_FALSE(scores.correct_M[2].item<bool>());
}

TEST(AdamWTest, TwoStepsByHand) {
  at::Tensor matrix = at::full({1, 1}, 1.0, at::kFloat).requires_grad_(true);
  at::Tensor vector = at::full({1}, 1.0, at::kFloat).requires_grad_(true);
  OptimiserOptions options;
  options.beta1 = 0.9;
  options.beta2 = 0.99;
  options.weight_decay = 0.1;
  options.epsilon = 1e-8;
  Optimiser optimiser({{matrix}, {vector}}, options);
  double w = 1, u = 1, m = 0, v = 0;
  const double lr = 0.1;
  for (int step = 1; step <= 2; ++step) {
    const double g = step == 1 ? 0.5 : -2.0;
    matrix.mutable_grad() = at::full({1, 1}, 2 * g, at::kFloat);
    vector.mutable_grad() = at::full({1}, 2 * g, at::kFloat);
    EXPECT_NEAR(optimiser.GradientNorm(), 2 * std::abs(g) * std::sqrt(2.0), 1e-5);
    optimiser.Step(lr, 0.5);
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    const double move = lr * (m / (1 - std::pow(0.9, step))) / (std::sqrt(v / (1 - std::pow(0.99, step))) + 1e-8);
    w = w * (1 - lr * 0.1) - move;
    u = u - move;  // vectors do not decay
    EXPECT_NEAR(matrix.item<double>(), w, 1e-6);
    EXPECT_NEAR(vector.item<double>(), u, 1e-6);
    EXPECT_FALSE(matrix.grad().defined());
  }
}

// The singular values of an orthogonalised matrix lie near 1, and its singular vectors stay: A·Oᵀ is symmetric.
void ExpectOrthogonal(int64_t rows, int64_t columns, at::ScalarType type, double tolerance) {
  at::manual_seed(rows);
  const at::Tensor matrix = at::randn({rows, columns});
  const at::Tensor made = Orthogonalised(matrix, type);
  ASSERT_EQ(made.sizes(), matrix.sizes());
  ASSERT_EQ(made.scalar_type(), at::kFloat);
  const at::Tensor wide = rows > columns ? made.t() : made;
  const at::Tensor input = rows > columns ? matrix.t() : matrix;
  const at::Tensor values = at::linalg_eigvalsh(at::matmul(wide, wide.t())).sqrt();
  EXPECT_GT(values.min().item<double>(), 0.5);
  EXPECT_LT(values.max().item<double>(), 1.3);
  const at::Tensor product = at::matmul(input, wide.t());
  EXPECT_LT((product - product.t()).abs().max().item<double>(), tolerance * product.abs().max().item<double>());
}

TEST(MuonTest, OrthogonalisesWideTallAndSquare) {
  ExpectOrthogonal(8, 32, at::kFloat, 1e-4);
  ExpectOrthogonal(48, 12, at::kFloat, 1e-4);
  ExpectOrthogonal(8, 32, at::kBFloat16, 5e-2);
  EXPECT_EQ(Orthogonalised(at::zeros({4, 4}), at::kFloat).abs().max().item<double>(), 0.0);
}

TEST(MuonTest, TwoStepsByHand) {
  at::manual_seed(3);
  const at::Tensor start = at::randn({4, 16});
  at::Tensor matrix = start.clone().requires_grad_(true);
  at::Tensor table = start.clone().requires_grad_(true);  // not hidden: AdamW's
  OptimiserOptions options;
  options.kind = OptimiserKind::kMuon;
  options.momentum = 0.9;
  options.weight_decay = 0.1;
  Optimiser optimiser({{matrix, true}, {table, false}}, options);
  at::Tensor expected = start.clone();
  at::Tensor momentum = at::zeros({4, 16});
  const double lr = 0.01;
  for (int step = 0; step < 2; ++step) {
    const at::Tensor grad = at::randn({4, 16});
    matrix.mutable_grad() = grad * 2.0;
    table.mutable_grad() = grad * 2.0;
    optimiser.Step(lr, 0.5);
    momentum = momentum * 0.9 + grad;
    const at::Tensor direction = Orthogonalised(grad + momentum * 0.9, at::kFloat);
    expected = expected * (1 - lr * 0.1) - direction * (lr * 0.2 * 4.0);  // 4 = sqrt(16)
    EXPECT_LT((matrix - expected).abs().max().item<double>(), 1e-6);
    EXPECT_FALSE(matrix.grad().defined());
    EXPECT_GT((table - matrix).abs().max().item<double>(), 1e-3);
  }
}

TEST(LearningRateTest, RisesThenFalls) {
  SftStage stage;
  stage.tokens = 1000;
  stage.lr = 1.0;
  stage.final_lr = 0.2;
  stage.warm_up = 0.1;
  EXPECT_DOUBLE_EQ(LearningRate(stage, 0), 0.0);
  EXPECT_DOUBLE_EQ(LearningRate(stage, 50), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(stage, 100), 1.0);
  EXPECT_NEAR(LearningRate(stage, 550), 0.6, 1e-12);
  EXPECT_NEAR(LearningRate(stage, 1000), 0.2, 1e-12);
  EXPECT_NEAR(LearningRate(stage, 5000), 0.2, 1e-12);
}

TEST(LearningRateTest, ASharedScheduleIsAFunctionOfTheStep) {
  using Shape = RateSchedule::Shape;
  EXPECT_EQ(RateShare({}, 0), 1.0);
  EXPECT_EQ(RateShare({}, 1000), 1.0);
  const RateSchedule rising{.warm_up = 4};
  EXPECT_EQ(RateShare(rising, 0), 0.25);
  EXPECT_EQ(RateShare(rising, 3), 1.0);
  EXPECT_EQ(RateShare(rising, 4), 1.0);
  const RateSchedule linear{.shape = Shape::kLinear, .warm_up = 2, .steps = 12, .final = 0.1};
  EXPECT_EQ(RateShare(linear, 0), 0.5);
  EXPECT_EQ(RateShare(linear, 2), 1.0);
  EXPECT_NEAR(RateShare(linear, 7), 0.55, 1e-12);
  EXPECT_NEAR(RateShare(linear, 12), 0.1, 1e-12);
  EXPECT_NEAR(RateShare(linear, 500), 0.1, 1e-12);
  const RateSchedule cosine{.shape = Shape::kCosine, .steps = 40};
  EXPECT_EQ(RateShare(cosine, 0), 1.0);
  EXPECT_NEAR(RateShare(cosine, 10), 0.8535533905932737, 1e-12);  // (1 + cos(π / 4)) / 2
  EXPECT_NEAR(RateShare(cosine, 20), 0.5, 1e-12);
  EXPECT_NEAR(RateShare(cosine, 40), 0.0, 1e-12);
}

}  // namespace
}  // namespace jade::train
