#include "runtime/kernels/packed_matrix.h"

#include <algorithm>
#include <cmath>

namespace jade::kernels {

PackedMatrix::PackedMatrix(Arena& arena, Number number, int64_t columns, int64_t depth, ColumnOrder order)
    : number_(number), columns_(columns), depth_(depth), order_(order) {
  words_ = number == Number::kFp32 ? depth : (depth + 1) / 2;
  const int64_t half = kPanelColumns / 2;
  panels_ =
      order == ColumnOrder::kGateUp ? (columns / 2 + half - 1) / half : (columns + kPanelColumns - 1) / kPanelColumns;
  const int64_t word_bytes = number == Number::kInt8 ? 2 : 4;
  data_ = arena.Take(static_cast<size_t>(panels_ * kPanelColumns * PanelWords(words_) * word_bytes));
  const size_t row = static_cast<size_t>(panels_ * kPanelColumns) * sizeof(float);
  if (number == Number::kInt8) scale_ = reinterpret_cast<float*>(arena.Take(row));
  bias_ = reinterpret_cast<float*>(arena.Take(row));
}

int64_t PackedMatrix::SourceColumn(int64_t panel, int64_t column) const {
  if (order_ == ColumnOrder::kPlain) {
    const int64_t source = panel * kPanelColumns + column;
    return source < columns_ ? source : -1;
  }
  const int64_t half = kPanelColumns / 2, width = columns_ / 2;
  const int64_t gate = panel * half + column % half;
  if (gate >= width) return -1;
  return column < half ? gate : width + gate;
}

void PackedMatrix::PackPanel(const float* weights, const float* bias, int64_t panel) {
  const int64_t numbers = number_ == Number::kFp32 ? 1 : 2;  // in a word
  char* base = data_ + panel * kPanelColumns * PanelWords(words_) * numbers * NumberBytes(number_);
  for (int64_t c = 0; c < kPanelColumns; ++c) {
    const int64_t source = SourceColumn(panel, c);
    if (source < 0) continue;
    if (bias != nullptr) bias_[panel * kPanelColumns + c] = bias[source];
    const float* row = weights + source * depth_;
    float scale = 1.0f;
    if (number_ == Number::kInt8) {
      float largest = 0.0f;
      for (int64_t k = 0; k < depth_; ++k) largest = std::max(largest, std::fabs(row[k]));
      scale = largest > 0.0f ? largest / 127.0f : 1.0f;
      scale_[panel * kPanelColumns + c] = scale;
    }
    for (int64_t k = 0; k < depth_; ++k) {
      const int64_t at = (k / numbers * kPanelColumns + c) * numbers + k % numbers;
      switch (number_) {
        case Number::kFp32:
          reinterpret_cast<float*>(base)[at] = row[k];
          break;
        case Number::kBf16:
          reinterpret_cast<uint16_t*>(base)[at] = RoundToBf16(row[k]);
          break;
        case Number::kInt8:
          reinterpret_cast<int8_t*>(base)[at] = static_cast<int8_t>(std::lrint(row[k] / scale));
          break;
      }
    }
  }
}

void PackedMatrix::Pack(const float* weights, const float* bias, Member& member) {
  if (member.index() == 0) has_bias_ = bias != nullptr;
  for (int64_t panel = member.Next(panels_); panel >= 0; panel = member.Next(panels_)) {
    PackPanel(weights, bias, panel);
  }
  member.Barrier();
}

LinearTask PackedMatrix::Task(int64_t rows) const {
  LinearTask task;
  task.rows = rows;
  task.words = words_;
  task.weights = number_;
  task.panels = data_;
  task.scale = scale_;
  task.bias = has_bias_ ? bias_ : nullptr;
  task.columns = columns_;
  return task;
}

}  // namespace jade::kernels
