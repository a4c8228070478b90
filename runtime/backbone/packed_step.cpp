#include "runtime/backbone/packed_step.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace jade::backbone {
namespace {

using kernels::Member;

constexpr int64_t kLongRun = 12;  // panels that a member reads one after the other
constexpr int64_t kFewRows = 64;  // so many still wait for the weights

// Runs work(unit) for all units, some here, and waits for the others.
template <typename Work>
void ForEach(Member& member, int64_t units, const Work& work) {
  for (int64_t unit = member.Next(units); unit >= 0; unit = member.Next(units)) work(unit);
  member.Barrier();
}

// Rows in a unit of a phase that goes over rows: few enough that every member gets some.
int64_t RowsInUnit(int64_t rows, int members) {
  return std::clamp<int64_t>(rows / (4 * members), 1, 16);
}

}  // namespace

void RotaryTable::GrowTo(int64_t positions) {
  const auto half = frequencies_.size();
  for (auto position = static_cast<int64_t>(cos_.size() / half); position < positions; ++position) {
    for (const float frequency : frequencies_) {
      const float angle = static_cast<float>(position) * frequency;
      cos_.push_back(std::cos(angle));
      sin_.push_back(std::sin(angle));
    }
  }
}

void StepBuffers::Reserve(const ModelConfig& c, int64_t rows, int64_t wanted) {
  if (rows <= rows_ && wanted <= wanted_) return;
  rows = std::max(rows, rows_);
  wanted = std::max(wanted, wanted_);
  rows_ = wanted_ = 0;
  arena_ = kernels::Arena();
  const auto bytes = [&](int64_t words) { return arena_.Take(static_cast<size_t>(words) * sizeof(float)); };
  const auto floats = [&](int64_t words) { return reinterpret_cast<float*>(bytes(words)); };
  const int64_t q_width = c.heads * c.head_dim;
  hidden = floats(rows * c.hidden_size);
  last = floats(wanted * c.hidden_size);
  input = bytes(rows * std::max(c.hidden_size, q_width));
  qkv = floats(rows * (c.heads + 2 * c.kv_heads) * c.head_dim);
  queries = bytes(rows * q_width);
  mixed = floats(rows * q_width);
  sums = floats(rows * c.heads * 2);
  ffn = bytes(rows * c.ffn_size);
  logits = floats(wanted * c.vocab_size);
  rows_ = rows;
  wanted_ = wanted;
}

PackedStep::PackedStep(const ModelConfig& config, const PackedWeights& weights, const KvSlab& slab,
                       const RotaryTable& rotary, const StepRows& rows, const StepBuffers& buffers,
                       const kernels::ServingTable& table)
    : config_(config),
      weights_(weights),
      slab_(slab),
      rotary_(rotary),
      rows_(rows),
      buffers_(buffers),
      table_(table),
      layout_{config.heads, config.kv_heads, config.head_dim},
      count_(static_cast<int64_t>(rows.tokens.size())),
      number_bytes_(kernels::NumberBytes(slab.number())) {}

void PackedStep::Run(Member& member) const {
  auto* hidden = buffers_.hidden;
  const auto wanted = static_cast<int64_t>(rows_.wanted.size());
  Embed(member);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    const PackedLayer& w = weights_.layers[static_cast<size_t>(layer)];
    const bool last = layer + 1 == config_.layers;
    Normalise(member, hidden, count_, w.attention_norm);
    Linear(member, w.qkv, buffers_.input, count_, kernels::Epilogue::kStore, buffers_.qkv, layout_.joint_width());
    WriteKeysValues(member, layer);
    if (!last) {
      FinishLayer(member, layer, {hidden, count_, &rows_.plan});
    } else if (wanted > 0) {
      KeepWanted(member);
      FinishLayer(member, layer, {buffers_.last, wanted, &rows_.last_plan});
    }
  }
  if (wanted == 0) return;
  Normalise(member, buffers_.last, wanted, weights_.norm);
  Linear(member, weights_.head, buffers_.input, wanted, kernels::Epilogue::kStore, buffers_.logits, config_.vocab_size);
}

// Attention, its output projection and the feed-forward part.
void PackedStep::FinishLayer(Member& member, int64_t layer, const Target& target) const {
  const PackedLayer& w = weights_.layers[static_cast<size_t>(layer)];
  Attend(member, layer, *target.plan);
  Linear(member, w.output, buffers_.input, target.rows, kernels::Epilogue::kAdd, target.hidden, config_.hidden_size);
  Normalise(member, target.hidden, target.rows, w.ffn_norm);
  Linear(member, w.gate_up, buffers_.input, target.rows, kernels::Epilogue::kSwiGlu, buffers_.ffn, config_.ffn_size);
  Linear(member, w.down, buffers_.ffn, target.rows, kernels::Epilogue::kAdd, target.hidden, config_.hidden_size);
}

void PackedStep::Embed(Member& member) const {
  const float* table = weights_.embedding_VD.data_ptr<float>();
  const int64_t width = config_.hidden_size;
  const int64_t unit_rows = RowsInUnit(count_, member.size());
  ForEach(member, (count_ + unit_rows - 1) / unit_rows, [&](int64_t unit) {
    for (int64_t r = unit * unit_rows; r < std::min(count_, (unit + 1) * unit_rows); ++r) {
      std::memcpy(buffers_.hidden + r * width, table + rows_.tokens[static_cast<size_t>(r)] * width,
                  static_cast<size_t>(width) * sizeof(float));
    }
  });
}

// Into `input`.
void PackedStep::Normalise(Member& member, const float* x, int64_t rows, const std::vector<float>& weight) const {
  const int64_t width = config_.hidden_size;
  const int64_t unit_rows = RowsInUnit(rows, member.size());
  ForEach(member, (rows + unit_rows - 1) / unit_rows, [&](int64_t unit) {
    for (int64_t r = unit * unit_rows; r < std::min(rows, (unit + 1) * unit_rows); ++r) {
      table_.rms_norm(x + r * width, weight.data(), buffers_.input + r * width * number_bytes_, slab_.number(), width,
                      static_cast<float>(config_.norm_eps));
    }
  });
}

void PackedStep::Linear(Member& member, const kernels::PackedMatrix& matrix, const void* x, int64_t rows,
                        kernels::Epilogue epilogue, void* y, int64_t y_stride) const {
  kernels::LinearTask task = matrix.Task(rows);
  task.x = x;
  task.y = y;
  task.y_stride = y_stride;
  task.epilogue = epilogue;
  const int64_t row_blocks = (rows + table_.row_block - 1) / table_.row_block;
  // Few rows wait for the weights: each member reads long runs of panels, fetching ahead. Many wait for arithmetic:
  // small units let the members end at the same time.
  const int64_t members = member.size();
  const int64_t runs = std::clamp(matrix.panels() / kLongRun, members, 4 * members);
  const int64_t units = rows <= kFewRows ? runs : (16 * members + row_blocks - 1) / row_blocks;
  const int64_t panel_groups = std::min(matrix.panels(), members == 1 ? 1 : units);
  const int64_t y_bytes = epilogue == kernels::Epilogue::kSwiGlu ? number_bytes_ : 4;
  ForEach(member, row_blocks * panel_groups, [&](int64_t unit) {
    const int64_t block = unit / panel_groups, group = unit % panel_groups;
    const int64_t first = block * table_.row_block, last = std::min(rows, first + table_.row_block);
    kernels::LinearTask part = task;
    part.rows = last - first;
    part.x = static_cast<const char*>(x) + first * task.words * 4;
    part.y = static_cast<char*>(y) + first * y_stride * y_bytes;
    table_.linear(part, group * matrix.panels() / panel_groups, (group + 1) * matrix.panels() / panel_groups);
  });
}

void PackedStep::WriteKeysValues(Member& member, int64_t layer) const {
  ForEach(member, static_cast<int64_t>(rows_.blocks.size()), [&](int64_t unit) {
    const BlockRows& block = rows_.blocks[static_cast<size_t>(unit)];
    for (int64_t r = 0; r < block.rows; ++r) WriteRow(layer, block, r);
  });
}

// A head after qk-norm and rotation; in `scratch`.
const float* PackedStep::PreparedHead(const float* head, const std::vector<float>& norm, int64_t position,
                                      float* scratch) const {
  const int64_t width = config_.head_dim;
  if (!norm.empty()) {
    table_.rms_norm(head, norm.data(), scratch, kernels::Number::kFp32, width, static_cast<float>(config_.norm_eps));
    head = scratch;
  }
  table_.rotate(head, rotary_.Cos(position), rotary_.Sin(position), scratch + kernels::kMostHeadDim, width);
  return scratch + kernels::kMostHeadDim;
}

void PackedStep::WriteRow(int64_t layer, const BlockRows& block, int64_t r) const {
  const PackedLayer& w = weights_.layers[static_cast<size_t>(layer)];
  const int64_t row = block.first_row + r, position = block.position + r, width = config_.head_dim;
  const float* joint = buffers_.qkv + row * layout_.joint_width();
  alignas(64) float scratch[2 * kernels::kMostHeadDim];
  for (int64_t head = 0; head < config_.heads; ++head) {
    const float* q = PreparedHead(joint + head * width, w.q_norm, position, scratch);
    table_.convert(q, buffers_.queries + (row * layout_.q_width() + head * width) * number_bytes_, slab_.number(),
                   width);
  }
  const float* keys = joint + layout_.q_width();
  const float* values = keys + layout_.kv_width();
  for (int64_t head = 0; head < config_.kv_heads; ++head) {
    const float* k = PreparedHead(keys + head * width, w.k_norm, position, scratch);
    table_.write_key_value(k, values + head * width, slab_.At(layer, head) + block.block * slab_.block_bytes(),
                           block.slot + r, slab_.number(), width);
  }
}

// The wanted rows' residual stream and queries, close together.
void PackedStep::KeepWanted(Member& member) const {
  if (member.index() == 0) {
    const auto width = static_cast<size_t>(config_.hidden_size);
    const auto q_bytes = static_cast<size_t>(layout_.q_width() * number_bytes_);
    for (size_t i = 0; i < rows_.wanted.size(); ++i) {
      const auto row = static_cast<size_t>(rows_.wanted[i]);
      std::memcpy(buffers_.last + i * width, buffers_.hidden + row * width, width * sizeof(float));
      // Wanted rows ascend, so that none is overwritten before it is moved.
      std::memmove(buffers_.queries + i * q_bytes, buffers_.queries + row * q_bytes, q_bytes);
    }
  }
  member.Barrier();
}

// Into `input`.
void PackedStep::Attend(Member& member, int64_t layer, const AttentionPlan& plan) const {
  for (const auto& level : plan.levels) {
    const auto tiles = static_cast<int64_t>(level.size());
    ForEach(member, tiles * config_.kv_heads, [&](int64_t unit) {
      AttendTile(layer, unit % config_.kv_heads, level[static_cast<size_t>(unit / config_.kv_heads)]);
    });
  }
}

void PackedStep::AttendTile(int64_t layer, int64_t kv_head, const PlannedTile& planned) const {
  const int64_t width = config_.head_dim, group = config_.heads / config_.kv_heads;
  kernels::AttentionState state;
  kernels::AttentionTile tile;
  tile.head_dim = width;
  tile.number = slab_.number();
  tile.rows = planned.rows;
  tile.state = &state;
  tile.blocks = planned.blocks;
  tile.storage = slab_.At(layer, kv_head);
  tile.block_stride = slab_.block_bytes();
  tile.scale = 1.0f / std::sqrt(static_cast<float>(width));
  tile.first_chunk = planned.first_chunk;
  tile.last_chunk = planned.last_chunk;
  float* sums[kernels::kMostTileQueries];
  int64_t at[kernels::kMostTileQueries];
  for (int r = 0; r < planned.rows; ++r) {
    const int64_t head = kv_head * group + planned.member[r];
    at[r] = planned.row[r] * layout_.q_width() + head * width;
    sums[r] = buffers_.sums + 2 * (planned.row[r] * config_.heads + head);
    tile.q[r] = buffers_.queries + at[r] * number_bytes_;
    tile.out[r] = buffers_.mixed + at[r];
    tile.limit[r] = planned.limit[r];
    if (planned.begins) {
      std::memset(tile.out[r], 0, static_cast<size_t>(width) * sizeof(float));
      sums[r][0] = -INFINITY;
      sums[r][1] = 0.0f;
    }
    state.highest[r] = sums[r][0];
    state.sum[r] = sums[r][1];
  }
  table_.attention(tile);
  for (int r = 0; r < planned.rows; ++r) {
    sums[r][0] = state.highest[r];
    sums[r][1] = state.sum[r];
    if (!planned.ends) continue;
    table_.finish_attention(tile.out[r], state.sum[r], buffers_.input + at[r] * number_bytes_, slab_.number(), width);
  }
}

}  // namespace jade::backbone
