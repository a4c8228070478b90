#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <vector>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/kv_cache.h"

namespace jade::backbone {
namespace {

struct FreeMemory {
  void operator()(float* p) const { std::free(p); }
};
using Block = std::unique_ptr<float[], FreeMemory>;

// A block holds kBlockTokens tokens: for each layer and key head the keys [E][64], then the values [64][E].
struct BlockShape {
  HeadLayout layout;
  int64_t layers = 0;
  int64_t head_floats() const { return kBlockTokens * layout.head_dim; }
  int64_t floats() const { return layers * layout.kv_heads * 2 * head_floats(); }
  int64_t bytes() const { return floats() * static_cast<int64_t>(sizeof(float)); }
  int64_t KeysAt(int64_t layer, int64_t head) const { return (layer * layout.kv_heads + head) * 2 * head_floats(); }
  int64_t ValuesAt(int64_t layer, int64_t head) const { return KeysAt(layer, head) + head_floats(); }
};

// Blocks that were used before are kept for the next sequence.
struct BlockPool {
  BlockShape shape;
  std::vector<Block> free;
  int64_t* used_bytes = nullptr;

  Block Take() {
    *used_bytes += shape.bytes();
    if (!free.empty()) {
      Block block = std::move(free.back());
      free.pop_back();
      return block;
    }
    Block block(static_cast<float*>(std::calloc(static_cast<size_t>(shape.floats()), sizeof(float))));
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void Give(Block block) {
    if (block == nullptr) return;
    *used_bytes -= shape.bytes();
    free.push_back(std::move(block));
  }
};

class BlockSequence final : public KvSequence {
 public:
  BlockSequence(std::shared_ptr<BlockPool> pool, int64_t count) : pool_(std::move(pool)) {
    blocks.reserve(static_cast<size_t>(count));
    try {
      for (int64_t i = 0; i < count; ++i) blocks.push_back(pool_->Take());
    } catch (...) {
      GiveBack();
      throw;
    }
  }
  ~BlockSequence() override { GiveBack(); }

  std::vector<Block> blocks;

 private:
  void GiveBack() {
    for (Block& block : blocks) pool_->Give(std::move(block));
    blocks.clear();
  }
  std::shared_ptr<BlockPool> pool_;
};

// A piece of work: some queries of one sequence and key head.
struct Piece {
  const KvSegment* segment;
  int64_t head;
  int64_t first_query;
  int64_t queries;
};

constexpr int64_t kPieceQueries = 96;

class BlockAttention final : public AttentionOperator {
 public:
  BlockAttention(BlockShape shape, std::span<const KvSegment> segments)
      : shape_(shape), segments_(segments.begin(), segments.end()) {
    for (const KvSegment& segment : segments_) {
      longest_ = std::max(longest_, segment.sequence->length + segment.rows);
      for (int64_t q = 0; q < segment.rows; q += kPieceQueries) {
        for (int64_t head = 0; head < shape_.layout.kv_heads; ++head) {
          pieces_.push_back({&segment, head, q, std::min(kPieceQueries, segment.rows - q)});
        }
      }
    }
    const auto cost = [](const Piece& p) {
      return p.queries * (p.segment->sequence->length + p.first_query + p.queries);
    };
    std::stable_sort(pieces_.begin(), pieces_.end(), [&](const Piece& a, const Piece& b) { return cost(a) > cost(b); });
  }

  at::Tensor Attend(int64_t layer, const at::Tensor& qkv_NC) override {
    const at::Tensor qkv = qkv_NC.to(at::kFloat).contiguous();
    at::Tensor out = at::empty({qkv.size(0), shape_.layout.q_width()}, qkv.options());
    const float* rows = qkv.data_ptr<float>();
    float* result = out.data_ptr<float>();
    at::parallel_for(0, static_cast<int64_t>(segments_.size()), 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) Write(layer, segments_[static_cast<size_t>(i)], rows);
    });
    std::atomic<size_t> next{0};
    const int64_t threads = std::min<int64_t>(at::get_num_threads(), static_cast<int64_t>(pieces_.size()));
    at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
      std::vector<float> scratch(static_cast<size_t>(AttentionScratch(shape_.layout.head_dim, longest_)));
      std::vector<const float*> blocks;
      for (size_t i = next++; i < pieces_.size(); i = next++) {
        Compute(layer, pieces_[i], rows, result, &blocks, scratch.data());
      }
    });
    return out.to(qkv_NC.scalar_type());
  }

 private:
  void Write(int64_t layer, const KvSegment& segment, const float* rows) const {
    const HeadLayout& layout = shape_.layout;
    auto& blocks = static_cast<BlockSequence*>(segment.sequence)->blocks;
    for (int64_t r = 0; r < segment.rows; ++r) {
      const int64_t position = segment.sequence->length + r;
      float* block = blocks[static_cast<size_t>(position / kBlockTokens)].get();
      const int64_t slot = position % kBlockTokens;
      const float* k = rows + (segment.first_row + r) * layout.joint_width() + layout.q_width();
      const float* v = k + layout.kv_width();
      for (int64_t head = 0; head < layout.kv_heads; ++head) {
        float* keys = block + shape_.KeysAt(layer, head) + slot;
        float* values = block + shape_.ValuesAt(layer, head) + slot * layout.head_dim;
        for (int64_t d = 0; d < layout.head_dim; ++d) {
          keys[d * kBlockTokens] = k[head * layout.head_dim + d];
          values[d] = v[head * layout.head_dim + d];
        }
      }
    }
  }

  void Compute(int64_t layer, const Piece& piece, const float* rows, float* out, std::vector<const float*>* blocks,
               float* scratch) const {
    const HeadLayout& layout = shape_.layout;
    const auto& sequence = static_cast<const BlockSequence&>(*piece.segment->sequence);
    AttentionTask task;
    task.head_dim = layout.head_dim;
    task.queries = piece.queries;
    task.group = layout.heads / layout.kv_heads;
    task.first_position = sequence.length + piece.first_query;
    task.scale = 1.0f / std::sqrt(static_cast<float>(layout.head_dim));
    const int64_t count = (task.first_position + piece.queries + kBlockTokens - 1) / kBlockTokens;
    blocks->clear();
    for (int64_t b = 0; b < count; ++b) {
      blocks->push_back(sequence.blocks[static_cast<size_t>(b)].get() + shape_.KeysAt(layer, piece.head));
    }
    for (int64_t b = 0; b < count; ++b) {
      blocks->push_back(sequence.blocks[static_cast<size_t>(b)].get() + shape_.ValuesAt(layer, piece.head));
    }
    task.k_blocks = blocks->data();
    task.v_blocks = blocks->data() + count;
    task.v_stride = layout.head_dim;
    const int64_t row = piece.segment->first_row + piece.first_query;
    const int64_t column = piece.head * task.group * layout.head_dim;
    task.q = rows + row * layout.joint_width() + column;
    task.q_stride = layout.joint_width();
    task.out = out + row * layout.q_width() + column;
    task.out_stride = layout.q_width();
    task.scratch = scratch;
    CpuKernels().attention(task);
  }

  BlockShape shape_;
  std::vector<KvSegment> segments_;
  std::vector<Piece> pieces_;
  int64_t longest_ = 0;
};

class BlockKvCache final : public KvCache {
 public:
  BlockKvCache(BlockShape shape, int64_t budget_bytes) : KvCache(budget_bytes), pool_(std::make_shared<BlockPool>()) {
    pool_->shape = shape;
    pool_->used_bytes = &used_bytes_;
  }

  std::unique_ptr<KvSequence> Reserve(int64_t tokens) override {
    if (used_bytes_ + BytesFor(tokens) > budget_bytes_) return nullptr;
    return std::make_unique<BlockSequence>(pool_, Blocks(tokens));
  }
  std::unique_ptr<AttentionOperator> Attention(std::span<const KvSegment> segments) override {
    return std::make_unique<BlockAttention>(pool_->shape, segments);
  }
  int64_t BytesFor(int64_t tokens) const override { return Blocks(tokens) * pool_->shape.bytes(); }

 private:
  static int64_t Blocks(int64_t tokens) { return (tokens + kBlockTokens - 1) / kBlockTokens; }
  std::shared_ptr<BlockPool> pool_;
};

}  // namespace

std::unique_ptr<KvCache> MakeBlockKvCache(const ModelConfig& config, int64_t budget_bytes) {
  const BlockShape shape{{config.heads, config.kv_heads, config.head_dim}, config.layers};
  return std::make_unique<BlockKvCache>(shape, budget_bytes);
}

}  // namespace jade::backbone
