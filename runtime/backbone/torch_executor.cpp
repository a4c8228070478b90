#include "runtime/backbone/torch_executor.h"

#include <cmath>
#include <limits>
#include <optional>

#include "compiler/result/check.h"
#include "runtime/backbone/fused_ops.h"

namespace jade::backbone {
namespace {

// Rows of a step that are one sequence's, or the single rows of several.
struct Group {
  std::vector<int64_t> rows;
  int64_t queries = 1;  // of each sequence
  int64_t keys = 0;     // of the longest
  at::Tensor row_index, slots_ST, unseen_SQT;
};

// Writes each layer's keys and values into their slots, then attends group by group.
class BlockAttention final : public AttentionOperator {
 public:
  // storage: [layers, 2, slots, K, E]
  BlockAttention(HeadLayout layout, at::Tensor storage, const Step& step);

  at::Tensor Attend(int64_t layer, const at::Tensor& qkv_NC) override {
    const auto parts = qkv_NC.split_with_sizes({layout_.q_width(), layout_.kv_width(), layout_.kv_width()}, 1);
    at::Tensor keys = storage_.select(0, layer).select(0, 0), values = storage_.select(0, layer).select(0, 1);
    const std::vector<int64_t> shape{qkv_NC.size(0), layout_.kv_heads, layout_.head_dim};
    keys.index_copy_(0, new_slots_, parts[1].reshape(shape).to(keys.scalar_type()));
    values.index_copy_(0, new_slots_, parts[2].reshape(shape).to(values.scalar_type()));
    at::Tensor out = at::empty({qkv_NC.size(0), layout_.q_width()}, qkv_NC.options());
    for (const Group& group : groups_) {
      out.index_copy_(0, group.row_index, AttendGroup(group, parts[0].index_select(0, group.row_index), keys, values));
    }
    return out;
  }

 private:
  void AddGroup(Group group, const std::vector<const StepSegment*>& segments);

  at::Tensor AttendGroup(const Group& group, const at::Tensor& q_rows, const at::Tensor& keys,
                         const at::Tensor& values) const {
    const int64_t sequences = group.slots_ST.size(0), shared = layout_.heads / layout_.kv_heads;
    const auto gather = [&](const at::Tensor& from) {
      return from.index_select(0, group.slots_ST.view({-1}))
          .view({sequences, group.keys, layout_.kv_heads, layout_.head_dim})
          .transpose(1, 2)
          .reshape({sequences * layout_.kv_heads, group.keys, layout_.head_dim});
    };
    const at::Tensor k = gather(keys), v = gather(values);
    // The query heads of a key head are further rows of one product: keys and values are not expanded.
    const at::Tensor q = q_rows.view({sequences, group.queries, layout_.kv_heads, shared, layout_.head_dim})
                             .permute({0, 2, 3, 1, 4})
                             .reshape({sequences * layout_.kv_heads, shared * group.queries, layout_.head_dim});
    at::Tensor scores = at::bmm(q.to(k.scalar_type()), k.transpose(1, 2)).to(at::kFloat) /
                        std::sqrt(static_cast<double>(layout_.head_dim));
    scores = scores.view({sequences, layout_.kv_heads * shared, group.queries, group.keys});
    scores.masked_fill_(group.unseen_SQT.unsqueeze(1), -std::numeric_limits<float>::infinity());
    const at::Tensor p = scores.softmax(-1).to(v.scalar_type());
    const at::Tensor mixed =
        at::bmm(p.view({sequences * layout_.kv_heads, shared * group.queries, group.keys}), v).to(q_rows.scalar_type());
    return mixed.view({sequences, layout_.kv_heads, shared, group.queries, layout_.head_dim})
        .permute({0, 3, 1, 2, 4})
        .reshape({sequences * group.queries, layout_.q_width()});
  }

  HeadLayout layout_;
  at::Tensor storage_;
  at::Tensor new_slots_;  // of each row
  std::vector<Group> groups_;
};

int64_t SlotOf(const StepSegment& segment, int64_t position) {
  return segment.blocks[static_cast<size_t>(position / kKvBlockTokens)] * kKvBlockTokens + position % kKvBlockTokens;
}

at::Tensor IndexOn(const at::Device& device, const std::vector<int64_t>& values) {
  return at::tensor(at::ArrayRef<int64_t>(values)).to(device);
}

BlockAttention::BlockAttention(HeadLayout layout, at::Tensor storage, const Step& step)
    : layout_(layout), storage_(std::move(storage)) {
  std::vector<int64_t> new_slots;
  Group decoding;
  std::vector<const StepSegment*> decoded;
  for (const StepSegment& segment : step.segments) {
    Group own;
    own.queries = static_cast<int64_t>(segment.tokens.size());
    for (int64_t t = 0; t < own.queries; ++t) {
      own.rows.push_back(static_cast<int64_t>(new_slots.size()));
      new_slots.push_back(SlotOf(segment, segment.past + t));
    }
    if (own.queries > 1) {
      AddGroup(std::move(own), {&segment});
    } else {
      decoding.rows.push_back(own.rows.front());
      decoded.push_back(&segment);
    }
  }
  if (!decoded.empty()) AddGroup(std::move(decoding), decoded);
  new_slots_ = IndexOn(storage_.device(), new_slots);
}

void BlockAttention::AddGroup(Group group, const std::vector<const StepSegment*>& segments) {
  for (const StepSegment* s : segments) group.keys = std::max(group.keys, s->past + group.queries);
  const auto count = static_cast<int64_t>(segments.size());
  std::vector<int64_t> slots;
  at::Tensor first_unseen = at::empty({count, group.queries, 1}, at::kLong);
  for (int64_t i = 0; i < count; ++i) {
    const StepSegment& s = *segments[static_cast<size_t>(i)];
    // Behind a sequence's own keys stand any, which nobody sees.
    for (int64_t t = 0; t < group.keys; ++t) slots.push_back(SlotOf(s, std::min(t, s.past + group.queries - 1)));
    for (int64_t q = 0; q < group.queries; ++q) {
      first_unseen.data_ptr<int64_t>()[i * group.queries + q] = s.past + q + 1;
    }
  }
  const at::Device device = storage_.device();
  group.row_index = IndexOn(device, group.rows);
  group.slots_ST = IndexOn(device, slots).view({count, group.keys});
  group.unseen_SQT = at::arange(group.keys, at::TensorOptions(at::kLong).device(device)).view({1, 1, group.keys}) >=
                     first_unseen.to(device);
  groups_.push_back(std::move(group));
}

class TorchExecutor final : public Executor {
 public:
  TorchExecutor(std::vector<std::shared_ptr<Decoder>> policies, const TorchExecutorOptions& options)
      : policies_(std::move(policies)), options_(options), weights_(policies_.size()) {
    const Decoder& first = *policies_.front();
    const ModelConfig& c = first.config();
    layout_ = {c.heads, c.kv_heads, c.head_dim};
    for (const auto& policy : policies_) {
      const ModelConfig& other = policy->config();
      JADE_CHECK(other.heads == c.heads && other.kv_heads == c.kv_heads && other.head_dim == c.head_dim &&
                 other.layers == c.layers && other.vocab_size == c.vocab_size && policy->device() == first.device());
    }
    at::set_num_threads(options.threads);
    // On the processor activations are fp32 whatever the weights are.
    const at::ScalarType number = first.device().is_cpu() ? at::kFloat : options.dtype;
    const auto element = static_cast<int64_t>(c10::elementSize(number));
    block_bytes_ = c.layers * 2 * kKvBlockTokens * layout_.kv_width() * element;
    blocks_ = options.kv_cache_bytes / block_bytes_;
    storage_ = at::empty({c.layers, 2, blocks_ * kKvBlockTokens, c.kv_heads, c.head_dim},
                         at::TensorOptions(number).device(first.device()));
  }

  int64_t vocab_size() const override { return policies_.front()->config().vocab_size; }
  int64_t block_bytes() const override { return block_bytes_; }
  int64_t block_count() const override { return blocks_; }
  bool batch_invariant() const override { return false; }

  void CopyBlock(BlockId from, BlockId to, int64_t tokens) override {
    storage_.narrow(2, to * kKvBlockTokens, tokens).copy_(storage_.narrow(2, from * kKvBlockTokens, tokens));
  }

  std::span<float> Run(const Step& step) override {
    at::NoGradGuard no_grad;
    const Decoder& decoder = *policies_[static_cast<size_t>(step.policy)];
    const DecoderWeights& weights = WeightsOf(step.policy);
    std::vector<int64_t> tokens, positions, wanted;
    for (const StepSegment& segment : step.segments) {
      for (size_t t = 0; t < segment.tokens.size(); ++t) {
        tokens.push_back(segment.tokens[t]);
        positions.push_back(segment.past + static_cast<int64_t>(t));
      }
      if (segment.wants_logits) wanted.push_back(static_cast<int64_t>(tokens.size()) - 1);
    }
    const at::Device device = decoder.device();
    BlockAttention attention(layout_, storage_, step);
    const at::Tensor hidden_ND =
        decoder.Forward(IndexOn(device, tokens), IndexOn(device, positions), weights, attention);
    if (wanted.empty()) return {};
    logits_ = Decoder::Logits(hidden_ND.index_select(0, IndexOn(device, wanted)), weights).to(at::kCPU).contiguous();
    return {logits_.data_ptr<float>(), static_cast<size_t>(logits_.numel())};
  }

  void Refresh(int policy) override { weights_[static_cast<size_t>(policy)].reset(); }

  void ParallelFor(int64_t count, const std::function<void(int64_t)>& work) override {
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) work(i);
    });
  }

 private:
  const DecoderWeights& WeightsOf(int policy) {
    auto& weights = weights_[static_cast<size_t>(policy)];
    if (!weights) weights = policies_[static_cast<size_t>(policy)]->Weights(options_.dtype);
    return *weights;
  }

  const std::vector<std::shared_ptr<Decoder>> policies_;
  const TorchExecutorOptions options_;
  HeadLayout layout_;
  int64_t block_bytes_ = 0, blocks_ = 0;
  at::Tensor storage_;  // [layers, 2, blocks · 16, K, E]
  std::vector<std::optional<DecoderWeights>> weights_;
  at::Tensor logits_;
};

}  // namespace

std::unique_ptr<Executor> MakeTorchExecutor(std::vector<std::shared_ptr<Decoder>> policies,
                                            const TorchExecutorOptions& options) {
  return std::make_unique<TorchExecutor>(std::move(policies), options);
}

}  // namespace jade::backbone
