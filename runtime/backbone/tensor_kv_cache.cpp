#include <cmath>
#include <limits>
#include <vector>

#include "runtime/backbone/kv_cache.h"

namespace jade::backbone {
namespace {

class TensorSequence final : public KvSequence {
 public:
  TensorSequence(at::Tensor storage, int64_t bytes, int64_t* used_bytes)
      : keys_values(std::move(storage)), bytes_(bytes), used_bytes_(used_bytes) {
    *used_bytes_ += bytes_;
  }
  ~TensorSequence() override { *used_bytes_ -= bytes_; }

  at::Tensor keys_values;  // [layers, 2, K, capacity, E]

 private:
  int64_t bytes_;
  int64_t* used_bytes_;
};

class TensorAttention final : public AttentionOperator {
 public:
  TensorAttention(HeadLayout layout, std::span<const KvSegment> segments)
      : layout_(layout), segments_(segments.begin(), segments.end()) {}

  at::Tensor Attend(int64_t layer, const at::Tensor& qkv_NC) override {
    at::Tensor out = at::empty({qkv_NC.size(0), layout_.q_width()}, qkv_NC.options());
    for (const KvSegment& segment : segments_) {
      const at::Tensor rows = qkv_NC.narrow(0, segment.first_row, segment.rows);
      out.narrow(0, segment.first_row, segment.rows).copy_(AttendOne(layer, segment, rows));
    }
    return out;
  }

 private:
  at::Tensor AttendOne(int64_t layer, const KvSegment& segment, const at::Tensor& rows) const {
    const int64_t past = segment.sequence->length, total = past + segment.rows,
                  group = layout_.heads / layout_.kv_heads;
    const auto parts = rows.split_with_sizes({layout_.q_width(), layout_.kv_width(), layout_.kv_width()}, 1);
    const at::Tensor storage = static_cast<TensorSequence*>(segment.sequence)->keys_values.select(0, layer);
    for (int64_t which = 0; which < 2; ++which) {
      storage.select(0, which)
          .narrow(1, past, segment.rows)
          .copy_(parts[static_cast<size_t>(which) + 1]
                     .reshape({segment.rows, layout_.kv_heads, layout_.head_dim})
                     .transpose(0, 1));
    }
    const at::Tensor k_KTE = storage.select(0, 0).narrow(1, 0, total), v_KTE = storage.select(0, 1).narrow(1, 0, total);
    // The group's queries are further rows of one product: keys and values are not expanded.
    const at::Tensor q = parts[0]
                             .reshape({segment.rows, layout_.kv_heads, group, layout_.head_dim})
                             .permute({1, 2, 0, 3})
                             .reshape({layout_.kv_heads, group * segment.rows, layout_.head_dim});
    at::Tensor scores =
        at::bmm(q, k_KTE.transpose(1, 2)).to(at::kFloat) / std::sqrt(static_cast<double>(layout_.head_dim));
    if (segment.rows > 1) {
      const at::Tensor unseen = at::ones({segment.rows, total}, scores.options().dtype(at::kBool)).triu(past + 1);
      scores.view({layout_.kv_heads, group, segment.rows, total})
          .masked_fill_(unseen, -std::numeric_limits<float>::infinity());
    }
    const at::Tensor mixed = at::bmm(scores.softmax(-1).to(v_KTE.scalar_type()), v_KTE);
    return mixed.view({layout_.kv_heads, group, segment.rows, layout_.head_dim})
        .permute({2, 0, 1, 3})
        .reshape({segment.rows, layout_.q_width()});
  }

  HeadLayout layout_;
  std::vector<KvSegment> segments_;
};

class TensorKvCache final : public KvCache {
 public:
  TensorKvCache(const ModelConfig& config, at::ScalarType dtype, at::Device device, int64_t budget_bytes)
      : KvCache(budget_bytes), config_(config), options_(at::TensorOptions(dtype).device(device)) {}

  std::unique_ptr<KvSequence> Reserve(int64_t tokens) override {
    const int64_t bytes = BytesFor(tokens);
    if (used_bytes_ + bytes > budget_bytes_) return nullptr;
    at::Tensor storage = at::zeros({config_.layers, 2, config_.kv_heads, tokens, config_.head_dim}, options_);
    return std::make_unique<TensorSequence>(std::move(storage), bytes, &used_bytes_);
  }
  std::unique_ptr<AttentionOperator> Attention(std::span<const KvSegment> segments) override {
    return std::make_unique<TensorAttention>(HeadLayout{config_.heads, config_.kv_heads, config_.head_dim}, segments);
  }
  int64_t BytesFor(int64_t tokens) const override {
    const auto element = static_cast<int64_t>(options_.dtype().itemsize());
    return config_.layers * 2 * config_.kv_heads * tokens * config_.head_dim * element;
  }

 private:
  ModelConfig config_;
  at::TensorOptions options_;
};

}  // namespace

std::unique_ptr<KvCache> MakeTensorKvCache(const ModelConfig& config, at::ScalarType dtype, at::Device device,
                                           int64_t budget_bytes) {
  return std::make_unique<TensorKvCache>(config, dtype, device, budget_bytes);
}

}  // namespace jade::backbone
