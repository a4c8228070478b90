#pragma once
// A weight matrix in the order in which the serving kernels read it, in the numbers it is multiplied in. Derived from
// fp32 masters; made anew when they change. Immutable once packed: any thread may read.

#include <cstdint>

#include "runtime/kernels/arena.h"
#include "runtime/kernels/serving_kernels.h"
#include "runtime/kernels/team.h"

namespace jade::kernels {

enum class ColumnOrder : uint8_t {
  kPlain,
  kGateUp,  // the first half are gates, the second what they gate: 16 of each in a panel (Epilogue::kSwiGlu)
};

class PackedMatrix {
 public:
  PackedMatrix() = default;
  // For a matrix [columns][depth]; Pack fills it. Its numbers lie in the arena, which must outlive it. Throws
  // std::bad_alloc.
  PackedMatrix(Arena& arena, Number number, int64_t columns, int64_t depth, ColumnOrder order = ColumnOrder::kPlain);

  // All members call it. `weights` is [columns][depth], `bias` [columns] or null. bf16 rounds to nearest even; int8 has
  // a scale for each column, its largest magnitude / 127. Ends with a barrier.
  void Pack(const float* weights, const float* bias, Member& member);

  int64_t panels() const { return panels_; }
  int64_t columns() const { return columns_; }
  int64_t depth() const { return depth_; }
  // A task over `rows` rows; x, y, y_stride and epilogue are left to the caller.
  LinearTask Task(int64_t rows) const;

 private:
  int64_t SourceColumn(int64_t panel, int64_t column) const;  // -1: padding
  void PackPanel(const float* weights, const float* bias, int64_t panel);

  Number number_ = Number::kFp32;
  int64_t columns_ = 0, depth_ = 0, words_ = 0, panels_ = 0;
  ColumnOrder order_ = ColumnOrder::kPlain;
  bool has_bias_ = false;
  char* data_ = nullptr;
  float* scale_ = nullptr;  // int8 only
  float* bias_ = nullptr;
};

}  // namespace jade::kernels
