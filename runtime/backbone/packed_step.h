#pragma once
// One forward pass over packed weights, as the members of a team go through it: what a row is, the buffers between the
// phases, and the phases. packed_executor.cpp sets it up; packed_step.cpp runs it. Engine's thread and its team.

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/backbone/attention_plan.h"
#include "runtime/backbone/executor.h"
#include "runtime/backbone/kv_slab.h"
#include "runtime/backbone/packed_weights.h"
#include "runtime/kernels/arena.h"
#include "runtime/kernels/packed_matrix.h"
#include "runtime/kernels/team.h"

namespace jade::backbone {

// cos and sin of every position and pair, [positions][E / 2]; grows as longer sequences come.
class RotaryTable {
 public:
  explicit RotaryTable(std::vector<float> frequencies) : frequencies_(std::move(frequencies)) {}
  void GrowTo(int64_t positions);
  const float* Cos(int64_t position) const { return cos_.data() + static_cast<size_t>(position) * frequencies_.size(); }
  const float* Sin(int64_t position) const { return sin_.data() + static_cast<size_t>(position) * frequencies_.size(); }

 private:
  std::vector<float> frequencies_, cos_, sin_;
};

// Tokens of one segment that lie in one block: written by one member.
struct BlockRows {
  BlockId block = 0;
  int32_t first_row = 0, rows = 0;
  int32_t slot = 0;      // of the first
  int64_t position = 0;  // of the first
};

struct StepRows {
  std::vector<int32_t> tokens;    // [N]
  std::vector<BlockRows> blocks;  // all rows
  std::vector<int32_t> wanted;    // [M] rows whose logits are wanted
  AttentionPlan plan;             // of all rows
  AttentionPlan last_plan;        // of the wanted rows, numbered 0 … M - 1: the last layer needs no others
};

// Buffers of a step, [rows][…]; they grow and are kept.
struct StepBuffers {
  float* hidden = nullptr;  // [N][D], the residual stream
  float* last = nullptr;    // [M][D], of the wanted rows
  char* input = nullptr;    // numbers [N][max(D, H·E)], what is multiplied
  float* qkv = nullptr;     // [N][C]
  char* queries = nullptr;  // numbers [N][H·E]
  float* mixed = nullptr;   // [N][H·E], attention before division
  float* sums = nullptr;    // [N][H][2], running maximum and sum
  char* ffn = nullptr;      // numbers [N][F]
  float* logits = nullptr;  // [M][V]

  // Throws std::bad_alloc; what was there is then lost.
  void Reserve(const ModelConfig& config, int64_t rows, int64_t wanted);

 private:
  kernels::Arena arena_;
  int64_t rows_ = 0, wanted_ = 0;
};

class PackedStep {
 public:
  PackedStep(const ModelConfig& config, const PackedWeights& weights, const KvSlab& slab, const RotaryTable& rotary,
             const StepRows& rows, const StepBuffers& buffers, const kernels::ServingTable& table);

  // Every member of the team.
  void Run(kernels::Member& member) const;

 private:
  struct Target {  // the rows a part of a layer works on
    float* hidden;
    int64_t rows;
    const AttentionPlan* plan;
  };

  void Embed(kernels::Member& member) const;
  void Normalise(kernels::Member& member, const float* x, int64_t rows, const std::vector<float>& weight) const;
  void Linear(kernels::Member& member, const kernels::PackedMatrix& matrix, const void* x, int64_t rows,
              kernels::Epilogue epilogue, void* y, int64_t y_stride) const;
  void WriteKeysValues(kernels::Member& member, int64_t layer) const;
  void WriteRow(int64_t layer, const BlockRows& block, int64_t row) const;
  const float* PreparedHead(const float* head, const std::vector<float>& norm, int64_t position, float* scratch) const;
  void KeepWanted(kernels::Member& member) const;
  void Attend(kernels::Member& member, int64_t layer, const AttentionPlan& plan) const;
  void AttendTile(int64_t layer, int64_t kv_head, const PlannedTile& tile) const;
  void FinishLayer(kernels::Member& member, int64_t layer, const Target& target) const;

  const ModelConfig& config_;
  const PackedWeights& weights_;
  const KvSlab& slab_;
  const RotaryTable& rotary_;
  const StepRows& rows_;
  const StepBuffers& buffers_;
  const kernels::ServingTable& table_;
  const HeadLayout layout_;
  const int64_t count_;  // N
  const int64_t number_bytes_;
};

}  // namespace jade::backbone
