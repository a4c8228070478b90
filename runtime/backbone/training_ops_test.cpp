// The operators of ForwardPacked against plain LibTorch, and the kernels under them on every instruction set.
#include "runtime/backbone/training_ops.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/tile_product.h"

namespace jade::backbone {
namespace {

class TrainingOps : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(11); }
};

double RelativeError(const at::Tensor& value, const at::Tensor& expected) {
  const at::Tensor exact = expected.to(at::kDouble);
  return ((value.to(at::kDouble) - exact).norm() / exact.norm()).item<double>();
}

// Sums of bf16 products in fp32: exact but for the order, when the result is fp32 and tiles do it.
TEST_F(TrainingOps, ProductsOfAnyLayoutAndSize) {
  const auto factor = [](int64_t rows, int64_t columns, bool transposed) {
    const at::Tensor t = at::randn({transposed ? columns : rows, transposed ? rows : columns}).to(at::kBFloat16);
    return transposed ? t.t() : t;
  };
  for (const auto& [rows, depth, columns] :
       {std::array<int64_t, 3>{1, 5, 3}, {33, 64, 31}, {70, 83, 45}, {300, 330, 640}, {260, 1000, 580}, {16, 32, 1}}) {
    for (const bool a_transposed : {false, true}) {
      for (const bool b_transposed : {false, true}) {
        const at::Tensor a = factor(rows, depth, a_transposed), b = factor(depth, columns, b_transposed);
        const at::Tensor exact = at::mm(a.to(at::kDouble), b.to(at::kDouble));
        EXPECT_LT(RelativeError(Product(a, b), exact), 8e-3) << rows << " " << depth << " " << columns;
        const at::Tensor before = at::randn({rows, columns + 7});
        const at::Tensor sum = before.clone().narrow(1, 3, columns);  // rows with something beside them
        ProductInto(a, b, sum, /*add=*/true);
        const double tolerance = UsesTiles() && rows >= 16 ? 1e-6 : 8e-3;
        EXPECT_LT(RelativeError(sum, exact + before.narrow(1, 3, columns)), tolerance);
      }
    }
  }
}

TEST_F(TrainingOps, ProductsKeepWhatLiesBesideThem) {
  const float beside = 1e4f;  // no product is as large
  const at::Tensor whole = at::full({64, 100}, beside);
  const at::Tensor a = at::randn({40, 50}).to(at::kBFloat16), b = at::randn({50, 33}).to(at::kBFloat16);
  ProductInto(a, b, whole.narrow(0, 5, 40).narrow(1, 10, 33));
  EXPECT_EQ(whole.eq(beside).sum().item<int64_t>(), 64 * 100 - 40 * 33);
}

TEST_F(TrainingOps, NotANumberGoesThroughProducts) {
  at::Tensor a = at::randn({64, 64}).to(at::kBFloat16);
  a[3][5] = std::nan("");
  const at::Tensor c = Product(a, at::randn({64, 64}).to(at::kBFloat16));
  EXPECT_EQ(c.isnan().sum().item<int64_t>(), 64);
}

// Values and gradients in bf16 against fp32: errors of a rounding or two.
TEST_F(TrainingOps, RotaryAttentionInBothTypes) {
  for (const HeadLayout layout :
       {HeadLayout{6, 2, 32}, HeadLayout{4, 2, 64}, HeadLayout{3, 3, 16}, HeadLayout{2, 1, 128}}) {
    const std::vector<int64_t> cu_seqlens{0, 1, 1, 64, 193, 258};
    const at::Tensor angles = at::randn({258, layout.head_dim / 2}) * 20, cos = angles.cos(), sin = angles.sin();
    const at::Tensor rows = at::randn({258, layout.joint_width()}).to(at::kBFloat16).to(at::kFloat);
    const at::Tensor weights = at::randn({258, layout.q_width()}).to(at::kBFloat16).to(at::kFloat);
    const auto run = [&](const auto& attend, at::ScalarType type, at::Tensor* value) {
      const at::Tensor leaf = rows.to(type).detach().requires_grad_(true);
      *value = attend(leaf);
      (*value * weights.to(type)).sum().backward();
      return leaf.grad();
    };
    at::Tensor exact, wide, half;
    const at::Tensor exact_gradient = run(
        [&](const at::Tensor& qkv) {
          return reference::PackedAttention(reference::Rotary(qkv, cos, sin, layout), cu_seqlens, layout);
        },
        at::kFloat, &exact);
    const auto ours = [&](const at::Tensor& qkv) { return RotaryAttention(qkv, cos, sin, cu_seqlens, layout); };
    const at::Tensor wide_gradient = run(ours, at::kFloat, &wide), half_gradient = run(ours, at::kBFloat16, &half);
    EXPECT_LT(RelativeError(wide, exact), 1e-5) << layout.head_dim;
    EXPECT_LT(RelativeError(wide_gradient, exact_gradient), 1e-5) << layout.head_dim;
    EXPECT_EQ(half.scalar_type(), at::kBFloat16);
    EXPECT_LT(RelativeError(half, exact), 6e-3) << layout.head_dim;
    EXPECT_LT(RelativeError(half_gradient, exact_gradient), 1e-2) << layout.head_dim;
  }
}

// The same values as with a copy of every row, and the gradients of the copies summed.
TEST_F(TrainingOps, RotaryAttentionOverSharedRows) {
  const std::vector<int64_t> cu_seqlens{0, 70, 120, 121};
  std::vector<int64_t> row_T;
  for (int64_t t = 0; t < 70; ++t) row_T.push_back(t);
  for (int64_t t = 0; t < 50; ++t)
    row_T.push_back(t < 40 ? t : 30 + t);  // 40 rows of the first sequence, 10 of its own
  row_T.push_back(0);
  const auto shared = std::make_shared<const SharedRows>(ShareRows(row_T, 80, cu_seqlens));
  for (const HeadLayout layout : {HeadLayout{6, 2, 32}, HeadLayout{3, 3, 16}}) {
    at::Tensor angles = at::empty({121, layout.head_dim / 2});
    for (int64_t t = 0; t < 121; ++t) angles[t].fill_(0.1F * static_cast<float>(t < 70 ? t : t < 120 ? t - 70 : 0));
    const at::Tensor cos = angles.cos(), sin = angles.sin();
    for (const auto& [type, tolerance] : {std::pair(at::kFloat, 1e-6), std::pair(at::kBFloat16, 1e-2)}) {
      const at::Tensor rows = at::randn({80, layout.joint_width()}).to(type).requires_grad_(true);
      const at::Tensor weights = at::randn({80, layout.q_width()}).to(type);
      const at::Tensor out = RotaryAttention(rows, cos, sin, cu_seqlens, layout, shared);
      (out * weights).sum().backward();
      const at::Tensor copies = ExpandRows(rows.detach(), *shared).requires_grad_(true);
      const at::Tensor whole = RotaryAttention(copies, cos, sin, cu_seqlens, layout);
      EXPECT_TRUE(at::equal(out, PickRows(whole, *shared)));
      (whole * ScatterFirst(weights, *shared)).sum().backward();
      const at::Tensor expected = at::zeros({80, layout.joint_width()})
                                      .index_add(0, at::tensor(row_T, at::kLong), copies.grad().to(at::kFloat));
      EXPECT_LT(RelativeError(rows.grad(), expected), tolerance) << layout.head_dim;
    }
  }
}

// Scores of a few hundred: weights far below the smallest number and far above none.
TEST_F(TrainingOps, SharpAttentionStaysFinite) {
  const HeadLayout layout{4, 2, 32};
  const at::Tensor angles = at::zeros({100, 16});
  const at::Tensor qkv = (at::randn({100, layout.joint_width()}) * 30).to(at::kBFloat16).requires_grad_(true);
  const at::Tensor out = RotaryAttention(qkv, angles.cos(), angles.sin(), {0, 100}, layout);
  out.sum().backward();
  EXPECT_TRUE(out.isfinite().all().item<bool>());
  EXPECT_TRUE(qkv.grad().isfinite().all().item<bool>());
}

TEST_F(TrainingOps, AddRmsNormInEveryType) {
  for (const int64_t width : {7, 64, 99}) {
    const at::Tensor hidden = at::randn({131, width}), delta = at::randn({131, width}).to(at::kBFloat16);
    const at::Tensor weight = at::randn({width});
    for (const auto& [delta_type, type] : {std::pair(at::kFloat, at::kFloat), std::pair(at::kBFloat16, at::kBFloat16),
                                           std::pair(at::kBFloat16, at::kFloat)}) {
      const at::Tensor x = hidden.clone().requires_grad_(true);
      const at::Tensor d = delta.detach().clone().to(delta_type);
      d.requires_grad_(true);
      const at::Tensor master = weight.clone().requires_grad_(true);
      const auto gradient = c10::make_intrusive<MasterGradient>(std::vector<at::Tensor>{master});
      const auto [sum, norm] = AddRmsNorm(x, d, {weight, gradient}, 1e-5, type);
      EXPECT_EQ(norm.scalar_type(), type);
      const at::Tensor along = at::randn({131, width}).to(at::kBFloat16);
      ((norm * along.to(type)).sum().to(at::kFloat) + (sum * 0.3).sum()).backward();

      const at::Tensor x2 = hidden.clone().requires_grad_(true),
                       d2 = delta.to(at::kFloat).detach().requires_grad_(true);
      const at::Tensor w2 = weight.clone().requires_grad_(true);
      const at::Tensor sum2 = x2 + d2, norm2 = reference::RmsNorm(sum2, w2, 1e-5);
      ((norm2 * along).sum() + (sum2 * 0.3).sum()).backward();
      const double tolerance = type == at::kFloat && delta_type == at::kFloat ? 1e-6 : 5e-3;
      EXPECT_TRUE(at::equal(sum, sum2));
      EXPECT_LT(RelativeError(norm, norm2), tolerance);
      EXPECT_LT(RelativeError(x.grad(), x2.grad()), tolerance);
      EXPECT_LT(RelativeError(d.grad(), d2.grad()), tolerance);
      EXPECT_LT(RelativeError(master.grad(), w2.grad()), tolerance);
    }
  }
}

TEST_F(TrainingOps, SwiGluInBf16) {
  for (const int64_t width : {1, 33, 64}) {
    const at::Tensor x = (at::randn({57, 2 * width}) * 4).to(at::kBFloat16).requires_grad_(true);
    const at::Tensor wide = x.detach().to(at::kFloat).requires_grad_(true);
    const at::Tensor y = SwiGlu(x), expected = reference::SwiGlu(wide);
    const at::Tensor along = at::randn({57, width}).to(at::kBFloat16);
    (y * along).sum().backward();
    (expected * along).sum().backward();
    EXPECT_LT(RelativeError(y, expected), 4e-3);
    EXPECT_LT(RelativeError(x.grad(), wide.grad()), 4e-3);
  }
}

TEST_F(TrainingOps, TokenLogProbsInBf16) {
  const at::Tensor hidden = at::randn({70, 24}), head = at::randn({301, 24}).to(at::kBFloat16);
  const at::Tensor targets = at::randint(301, {70}, at::kLong), along = at::randn({70});
  const at::Tensor x = hidden.clone().requires_grad_(true), w = head.clone().requires_grad_(true);
  (TokenLogProbs(x, w, targets) * along).sum().backward();
  const at::Tensor x2 = hidden.clone().requires_grad_(true), w2 = head.to(at::kFloat).requires_grad_(true);
  (reference::TokenLogProbs(x2, w2, targets) * along).sum().backward();
  EXPECT_LT(RelativeError(x.grad(), x2.grad()), 2e-2);
  EXPECT_LT(RelativeError(w.grad(), w2.grad()), 2e-2);
}

TEST(TrainingKernels, EveryInstructionSetAgrees) {
  at::manual_seed(3);
  const KernelTable* tables[3] = {};
  const int count = AvailableKernels(tables);
  const at::Tensor x = at::randn({4099}), half = x.to(at::kBFloat16);
  const auto* bits = reinterpret_cast<const uint16_t*>(half.data_ptr<at::BFloat16>());
  const double squares = x.to(at::kDouble).square().sum().item<double>();
  for (int i = 0; i < count; ++i) {
    const KernelTable& t = *tables[i];
    at::Tensor rounded = at::empty({4099}, at::kBFloat16), wide = at::empty({4099});
    t.round(x.data_ptr<float>(), reinterpret_cast<uint16_t*>(rounded.data_ptr<at::BFloat16>()), 4099);
    EXPECT_TRUE(at::equal(rounded, half)) << t.name;
    t.widen(bits, wide.data_ptr<float>(), 4099);
    EXPECT_TRUE(at::equal(wide, half.to(at::kFloat))) << t.name;
    t.accumulate_bf16(bits, wide.data_ptr<float>(), 4099);
    t.accumulate(x.data_ptr<float>(), wide.data_ptr<float>(), 4099);
    EXPECT_TRUE(at::allclose(wide, half.to(at::kFloat) * 2 + x)) << t.name;
    EXPECT_NEAR(t.sum_of_squares(x.data_ptr<float>(), 4099), squares, 1e-4 * squares) << t.name;

    at::Tensor logits = half.clone();
    const float loss =
        t.cross_entropy_gradient_bf16(reinterpret_cast<uint16_t*>(logits.data_ptr<at::BFloat16>()), 4099, 17, 0.5f);
    const at::Tensor log_p = at::log_softmax(half.to(at::kFloat), 0);
    EXPECT_NEAR(loss, -log_p[17].item<float>(), 1e-4) << t.name;
    at::Tensor expected = log_p.exp() * 0.5;
    expected[17] -= 0.5;
    EXPECT_TRUE(at::allclose(logits.to(at::kFloat), expected, 8e-3, 1e-7)) << t.name;
  }
}

TEST(TrainingKernels, RoundingKeepsInfinitiesAndWhatIsNotANumber) {
  const KernelTable* tables[3] = {};
  const int count = AvailableKernels(tables);
  std::vector<float> values(40, 1.0f);
  values[3] = std::nanf("");
  values[4] = INFINITY;
  values[5] = -INFINITY;
  values[37] = -std::nanf("");
  for (int i = 0; i < count; ++i) {
    at::Tensor rounded = at::empty({40}, at::kBFloat16);
    tables[i]->round(values.data(), reinterpret_cast<uint16_t*>(rounded.data_ptr<at::BFloat16>()), 40);
    EXPECT_TRUE(std::isnan(rounded[3].item<float>()) && std::isnan(rounded[37].item<float>())) << tables[i]->name;
    EXPECT_EQ(rounded[4].item<float>(), INFINITY) << tables[i]->name;
    EXPECT_EQ(rounded[5].item<float>(), -INFINITY) << tables[i]->name;
    EXPECT_EQ(rounded[39].item<float>(), 1.0f) << tables[i]->name;
  }
}

}  // namespace
}  // namespace jade::backbone
