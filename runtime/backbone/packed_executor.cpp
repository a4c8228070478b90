#include "runtime/backbone/packed_executor.h"

#include <algorithm>

#include "compiler/result/check.h"
#include "runtime/backbone/packed_step.h"

namespace jade::backbone {
namespace {

class PackedExecutor final : public Executor {
 public:
  PackedExecutor(std::vector<std::shared_ptr<Decoder>> policies, const ExecutorOptions& options)
      : decoders_(std::move(policies)),
        packed_(decoders_.size()),
        config_(decoders_.at(0)->config()),
        options_(options),
        table_(options.kernels != nullptr ? *options.kernels : kernels::BestServingTable()),
        team_(options.threads),
        slab_({config_.heads, config_.kv_heads, config_.head_dim}, config_.layers,
              options.weights == kernels::Number::kFp32 ? kernels::Number::kFp32 : kernels::Number::kBf16,
              options.kv_cache_bytes),
        rotary_(weights::RopeInverseFrequencies(config_)) {}

  int64_t vocab_size() const override { return config_.vocab_size; }
  int64_t block_bytes() const override { return slab_.block_bytes(); }
  int64_t block_count() const override { return slab_.block_count(); }
  bool batch_invariant() const override { return true; }

  void CopyBlock(BlockId from, BlockId to, int64_t /*tokens*/) override { slab_.CopyBlock(from, to); }

  std::span<float> Run(const Step& step) override {
    const auto policy = static_cast<size_t>(step.policy);
    if (packed_.at(policy) == nullptr) {
      packed_[policy] = std::make_unique<PackedWeights>(PackWeights(*decoders_[policy], options_.weights, team_));
    }
    PlanRows(step);
    const auto wanted = static_cast<int64_t>(rows_.wanted.size());
    buffers_.Reserve(config_, static_cast<int64_t>(rows_.tokens.size()), wanted);
    const PackedStep run(config_, *packed_[policy], slab_, rotary_, rows_, buffers_, table_);
    team_.Run([&](kernels::Member& member) { run.Run(member); });
    return {buffers_.logits, static_cast<size_t>(wanted * config_.vocab_size)};
  }

  void Refresh(int policy) override { packed_.at(static_cast<size_t>(policy)).reset(); }

  void ParallelFor(int64_t count, const std::function<void(int64_t)>& work) override {
    if (count == 1) return work(0);
    team_.Run([&](kernels::Member& member) {
      for (int64_t i = member.Next(count); i >= 0; i = member.Next(count)) work(i);
    });
  }

 private:
  void PlanRows(const Step& step) {
    rows_.tokens.clear();
    rows_.blocks.clear();
    rows_.wanted.clear();
    std::vector<PlannedSegment> segments, last;
    int64_t longest = 0;
    for (const StepSegment& segment : step.segments) {
      const auto first = static_cast<int32_t>(rows_.tokens.size()), count = static_cast<int32_t>(segment.tokens.size());
      segments.push_back({segment.blocks, first, count, segment.past});
      AddBlocks(segment, first);
      rows_.tokens.insert(rows_.tokens.end(), segment.tokens.begin(), segment.tokens.end());
      longest = std::max(longest, segment.past + count);
      if (!segment.wants_logits) continue;
      last.push_back({segment.blocks, static_cast<int32_t>(rows_.wanted.size()), 1, segment.past + count - 1});
      rows_.wanted.push_back(first + count - 1);
    }
    const int64_t group = config_.heads / config_.kv_heads;
    const int64_t tile_queries = table_.TileQueries(slab_.number());
    rows_.plan = PlanAttention(segments, group, tile_queries);
    rows_.last_plan = PlanAttention(last, group, tile_queries);
    rotary_.GrowTo(longest);
  }

  void AddBlocks(const StepSegment& segment, int32_t first_row) {
    const auto end = segment.past + static_cast<int64_t>(segment.tokens.size());
    for (int64_t position = segment.past; position < end;) {
      const int64_t slot = position % kKvBlockTokens;
      const int64_t rows = std::min(kKvBlockTokens - slot, end - position);
      rows_.blocks.push_back({segment.blocks[static_cast<size_t>(position / kKvBlockTokens)],
                              first_row + static_cast<int32_t>(position - segment.past), static_cast<int32_t>(rows),
                              static_cast<int32_t>(slot), position});
      position += rows;
    }
  }

  std::vector<std::shared_ptr<Decoder>> decoders_;
  std::vector<std::unique_ptr<PackedWeights>> packed_;  // null: to be packed
  const ModelConfig& config_;
  const ExecutorOptions options_;
  const kernels::ServingTable& table_;
  kernels::Team team_;
  KvSlab slab_;
  RotaryTable rotary_;
  StepRows rows_;
  StepBuffers buffers_;
};

}  // namespace

std::unique_ptr<Executor> MakePackedExecutor(std::vector<std::shared_ptr<Decoder>> policies,
                                             const ExecutorOptions& options) {
  const int64_t head_dim = policies.at(0)->config().head_dim;
  JADE_CHECK(head_dim % 16 == 0 && head_dim <= kernels::kMostHeadDim, "heads of {} numbers", head_dim);
  return std::make_unique<PackedExecutor>(std::move(policies), options);
}

}  // namespace jade::backbone
