#include "runtime/backbone/fused_ops.h"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/grid_attention.h"

namespace jade::backbone {
namespace {

using Operator = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

// Values and gradients of the fused operator against plain LibTorch.
void ExpectAlike(const Operator& fused, const Operator& plain, const std::vector<at::Tensor>& inputs,
                 double tolerance) {
  const auto run = [&](const Operator& op, at::Tensor* value) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& t : inputs) leaves.push_back(t.detach().clone().set_requires_grad(true));
    *value = op(leaves);
    const at::Tensor weights = at::sin(at::arange(value->numel(), at::kFloat)).view(value->sizes());
    (*value * weights).sum().backward();
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& t : leaves) gradients.push_back(t.grad());
    return gradients;
  };
  at::Tensor value, expected;
  const auto gradients = run(fused, &value), expected_gradients = run(plain, &expected);
  EXPECT_TRUE(at::allclose(value, expected, tolerance, tolerance)) << (value - expected).abs().max().item<float>();
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(at::allclose(gradients[i], expected_gradients[i], tolerance, tolerance))
        << "input " << i << ": " << (gradients[i] - expected_gradients[i]).abs().max().item<float>();
  }
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::allclose(fused(inputs), expected, tolerance, tolerance));
}

class FusedOps : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(11); }
};

TEST_F(FusedOps, RmsNorm) {
  for (const int64_t width : {1, 7, 16, 64, 99}) {
    ExpectAlike([](const auto& in) { return RmsNorm(in[0], in[1], 1e-5); },
                [](const auto& in) { return reference::RmsNorm(in[0], in[1], 1e-5); },
                {at::randn({131, width}), at::randn({width})}, 2e-5);
  }
}

TEST_F(FusedOps, SwiGlu) {
  for (const int64_t width : {1, 8, 33, 64}) {
    ExpectAlike([](const auto& in) { return SwiGlu(in[0]); }, [](const auto& in) { return reference::SwiGlu(in[0]); },
                {at::randn({57, 2 * width}) * 6}, 2e-5);
  }
}

TEST_F(FusedOps, Rotary) {
  const HeadLayout layout{6, 2, 10};
  const at::Tensor angles = at::randn({9, 5}) * 20;
  ExpectAlike([&](const auto& in) { return Rotary(in[0], angles.cos(), angles.sin(), layout); },
              [&](const auto& in) { return reference::Rotary(in[0], angles.cos(), angles.sin(), layout); },
              {at::randn({9, layout.joint_width()})}, 1e-5);
}

TEST_F(FusedOps, PackedAttention) {
  for (const HeadLayout layout :
       {HeadLayout{4, 2, 64}, HeadLayout{3, 3, 16}, HeadLayout{9, 3, 10}, HeadLayout{2, 1, 80}}) {
    const std::vector<int64_t> cu_seqlens{0, 1, 1, 64, 193, 258};
    ExpectAlike([&](const auto& in) { return PackedAttention(in[0], cu_seqlens, layout); },
                [&](const auto& in) { return reference::PackedAttention(in[0], cu_seqlens, layout); },
                {at::randn({258, layout.joint_width()}) * 2}, 1e-4);
  }
}

TEST_F(FusedOps, GridAttention) {
  for (const HeadLayout layout : {HeadLayout{4, 2, 64}, HeadLayout{3, 3, 16}, HeadLayout{9, 3, 10}}) {
    const std::vector<int64_t> cu_seqlens{0, 1, 1, 64, 193, 258};
    GridAttention grid(cu_seqlens, layout, at::kCPU);
    ExpectAlike([&](const auto& in) { return grid.Attend(0, in[0]); },
                [&](const auto& in) { return reference::PackedAttention(in[0], cu_seqlens, layout); },
                {at::randn({258, layout.joint_width()}) * 2}, 1e-4);
  }
}

TEST_F(FusedOps, TokenLogProbs) {
  const at::Tensor targets = at::randint(0, 301, {1100}, at::kLong);
  ExpectAlike([&](const auto& in) { return TokenLogProbs(in[0], in[1], targets); },
              [&](const auto& in) { return reference::TokenLogProbs(in[0], in[1], targets); },
              {at::randn({1100, 24}), at::randn({301, 24})}, 1e-4);
}

TEST_F(FusedOps, LinearRowsDoNotDependOnTheirNeighbours) {
  const at::Tensor x = at::randn({kSkinnyRows, 83}), weight = at::randn({41, 83}), bias = at::randn({41});
  const at::Tensor all = Linear(x, weight, bias);
  EXPECT_TRUE(at::allclose(all, at::linear(x, weight, bias), 1e-5, 1e-5));
  for (int64_t row = 0; row < kSkinnyRows; ++row) {
    EXPECT_TRUE(at::equal(Linear(x.narrow(0, row, 1), weight, bias), all.narrow(0, row, 1))) << row;
  }
}

TEST_F(FusedOps, LinearOfBf16Weights) {
  const at::Tensor x = at::randn({kSkinnyRows + 30, 83}), bias = at::randn({41});
  const at::Tensor weight = at::randn({41, 83}).to(at::kBFloat16), wide = weight.to(at::kFloat);
  const at::Tensor few = x.narrow(0, 0, kSkinnyRows);
  EXPECT_TRUE(at::allclose(Linear(few, weight, bias), at::linear(few, wide, bias), 1e-5, 1e-5));
  const at::Tensor rounded = x.to(at::kBFloat16).to(at::kFloat);
  const at::Tensor many = Linear(x, weight, bias);
  EXPECT_EQ(many.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(many, at::linear(rounded, wide, bias), 8e-3, 8e-2));
  ExpectAlike([](const auto& in) { return Linear(in[0], in[1].to(at::kBFloat16), {}); },
              [](const auto& in) { return at::linear(in[0], in[1], {}); },
              {at::randn({90, 64}) * 0.1, wide.narrow(1, 0, 64)}, 3e-2);
}

TEST_F(FusedOps, EveryInstructionSetAgrees) {
  const KernelTable* tables[3] = {};
  const int count = AvailableKernels(tables);
  const at::Tensor x = at::randn({301}) * 30;
  const double expected = at::logsumexp(x.to(at::kDouble), 0).item<double>();
  const at::Tensor probabilities = at::softmax(x, 0);
  for (int i = 0; i < count; ++i) {
    const float log_sum = tables[i]->log_sum_exp(x.data_ptr<float>(), 301);
    EXPECT_NEAR(log_sum, expected, 1e-4) << tables[i]->name;
    at::Tensor y = at::empty_like(x);
    tables[i]->scaled_softmax(x.data_ptr<float>(), log_sum, 1.0f, y.data_ptr<float>(), 301);
    EXPECT_TRUE(at::allclose(y, probabilities, 1e-5, 1e-6)) << tables[i]->name;
    const at::Tensor rows = at::randn({5, 83}), weight = at::randn({7, 83}).to(at::kBFloat16);
    at::Tensor product = at::empty({5, 7});
    const auto* bits = reinterpret_cast<const uint16_t*>(weight.data_ptr<at::BFloat16>());
    tables[i]->skinny_linear_bf16(rows.data_ptr<float>(), bits, product.data_ptr<float>(), 5, 83, 0, 7, 7);
    EXPECT_TRUE(at::allclose(product, at::linear(rows, weight.to(at::kFloat)), 1e-5, 1e-5)) << tables[i]->name;
    at::Tensor gate_up = at::randn({3, 46}), activated = at::empty({3, 23});
    tables[i]->swiglu(gate_up.data_ptr<float>(), activated.data_ptr<float>(), 3, 23);
    EXPECT_TRUE(at::allclose(activated, reference::SwiGlu(gate_up), 1e-5, 1e-6)) << tables[i]->name;
  }
}

}  // namespace
}  // namespace jade::backbone
