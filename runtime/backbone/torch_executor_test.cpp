#include "runtime/backbone/torch_executor.h"

#include <gtest/gtest.h>

#include "runtime/backbone/model.h"

namespace jade::backbone {
namespace {

ModelConfig SmallConfig() {
  ModelConfig c;
  c.vocab_size = 50, c.hidden_size = 48, c.layers = 2, c.heads = 6, c.kv_heads = 2, c.head_dim = 16;
  c.ffn_size = 40, c.max_positions = 512;
  return c;
}

std::vector<int32_t> Tokens(int64_t count, int32_t seed) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>((i * 7 + seed * 13 + i * i) % 50));
  return tokens;
}

at::Tensor LastLogits(const Decoder& decoder, std::vector<int32_t> tokens) {
  const std::vector<std::vector<int32_t>> one{std::move(tokens)};
  const at::Tensor hidden = decoder.ForwardPacked(PackSequences(one, decoder.device()));
  return decoder.Logits(hidden.narrow(0, hidden.size(0) - 1, 1)).view(-1).to(at::kCPU);
}

at::Tensor Row(std::span<float> logits, int64_t row) {
  return at::from_blob(logits.data() + row * 50, {50}, at::kFloat).clone();
}

class TorchExecution : public ::testing::TestWithParam<at::DeviceType> {
 protected:
  void SetUp() override {
    if (GetParam() == at::kCUDA && !CudaIsAvailable()) GTEST_SKIP() << "no CUDA device here";
    at::NoGradGuard no_grad;
    for (const uint64_t seed : {4, 5}) {
      decoders_.push_back(std::make_shared<Decoder>(SmallConfig(), at::Device(GetParam())));
      decoders_.back()->InitialiseRandom(seed);
    }
    TorchExecutorOptions options;
    options.kv_cache_bytes = 64 * 2 * 2 * 2 * 16 * 16 * 4;  // 64 blocks of 2 layers, keys and values, 2 heads of 16
    executor_ = MakeTorchExecutor(decoders_, options);
  }

  std::vector<std::shared_ptr<Decoder>> decoders_;
  std::unique_ptr<Executor> executor_;
};

TEST_P(TorchExecution, TheBudgetIsItsSize) {
  EXPECT_EQ(executor_->block_count(), 64);
  EXPECT_EQ(executor_->block_bytes(), 2 * 2 * 2 * 16 * 16 * 4);
}

// Prompts in slices beside single rows, blocks in any order: the logits of one forward pass of each sequence alone. The
// tolerance is that of fp32 sums in another order.
TEST_P(TorchExecution, StepsAgreeWithWholePasses) {
  at::NoGradGuard no_grad;
  const std::vector<std::vector<int32_t>> all{Tokens(150, 1), Tokens(70, 2), Tokens(9, 3)};
  const std::vector<std::vector<int64_t>> steps{{130, 5, 1}, {17, 60, 3}, {1, 3, 1}, {1, 1, 1}, {1, 1, 3}};
  std::vector<std::vector<BlockId>> blocks(3);
  BlockId next = 63;
  for (int64_t b = 0; b < 10; ++b) {
    for (auto& of : blocks) of.push_back(next--);
  }
  std::vector<int64_t> past(3, 0);
  for (const auto& rows : steps) {
    std::vector<StepSegment> segments;
    for (size_t s = 0; s < 3; ++s) {
      segments.push_back({blocks[s], past[s],
                          std::span(all[s]).subspan(static_cast<size_t>(past[s]), static_cast<size_t>(rows[s])),
                          s != 1 || rows[s] == 1});
    }
    const std::span<float> logits = executor_->Run({0, segments});
    int64_t row = 0;
    for (size_t s = 0; s < 3; ++s) {
      past[s] += rows[s];
      if (!segments[s].wants_logits) continue;
      const at::Tensor expected =
          LastLogits(*decoders_[0], {all[s].begin(), all[s].begin() + static_cast<std::ptrdiff_t>(past[s])});
      EXPECT_TRUE(at::allclose(Row(logits, row++), expected, 1e-4, 1e-5)) << s << " at " << past[s];
    }
    EXPECT_EQ(static_cast<int64_t>(logits.size()), row * 50);
  }
}

TEST_P(TorchExecution, ACopiedBlockGoesOnByItself) {
  at::NoGradGuard no_grad;
  const std::vector<int32_t> first = Tokens(30, 1);
  const std::vector<BlockId> blocks{7, 3}, forked{7, 9};
  const StepSegment whole{blocks, 0, first, true};
  executor_->Run({0, {&whole, 1}});
  executor_->CopyBlock(3, 9, 10);
  std::vector<int32_t> other(first.begin(), first.begin() + 26);
  const std::vector<int32_t> rest{11, 12, 13};
  other.insert(other.end(), rest.begin(), rest.end());
  const StepSegment segment{forked, 26, rest, true};
  EXPECT_TRUE(at::allclose(Row(executor_->Run({0, {&segment, 1}}), 0), LastLogits(*decoders_[0], other), 1e-4, 1e-5));
  // The original is as it was.
  const std::vector<int32_t> more{5};
  std::vector<int32_t> continued = first;
  continued.push_back(5);
  const StepSegment after{blocks, 30, more, true};
  EXPECT_TRUE(at::allclose(Row(executor_->Run({0, {&after, 1}}), 0), LastLogits(*decoders_[0], continued), 1e-4, 1e-5));
}

TEST_P(TorchExecution, PoliciesHaveTheirOwnWeightsAndChangeThem) {
  at::NoGradGuard no_grad;
  const std::vector<int32_t> tokens = Tokens(20, 1);
  const std::vector<BlockId> blocks{0, 1};
  const StepSegment segment{blocks, 0, tokens, true};
  EXPECT_TRUE(at::allclose(Row(executor_->Run({1, {&segment, 1}}), 0), LastLogits(*decoders_[1], tokens), 1e-4, 1e-5));
  for (const Parameter& p : decoders_[1]->parameters()) p.tensor.mul_(1.5);
  executor_->Refresh(1);
  EXPECT_TRUE(at::allclose(Row(executor_->Run({1, {&segment, 1}}), 0), LastLogits(*decoders_[1], tokens), 1e-4, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(Devices, TorchExecution, ::testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) { return info.param == at::kCPU ? "Processor" : "Cuda"; });

}  // namespace
}  // namespace jade::backbone
