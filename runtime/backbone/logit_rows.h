#pragma once
// Internal to losses over a vocabulary: logits are of the type that is multiplied, and taken in blocks of rows, so that
// neither a [M, V] matrix nor a copy of it in another type is made.

#include <algorithm>
#include <cstdint>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/torch_compat.h"

namespace jade::backbone {

// Rows whose logits take about 64 MiB: many enough for a good matrix product with the vocabulary.
inline int64_t LogitBlockRows(const at::Tensor& head_VD) {
  constexpr int64_t kBytes = int64_t{1} << 26;
  const int64_t row = head_VD.size(0) * static_cast<int64_t>(head_VD.element_size());
  return std::clamp<int64_t>(kBytes / row, 32, 2048);
}

// Row `row` of contiguous logits on the processor, fp32 or bf16, as the kernels take it.
class LogitRow {
 public:
  LogitRow(const at::Tensor& logits, int64_t row)
      : width_(logits.size(1)),
        half_(logits.scalar_type() == at::kBFloat16),
        data_(static_cast<char*>(logits.data_ptr()) + row * width_ * (half_ ? 2 : 4)) {}

  float LogSumExp() const {
    return half_ ? CpuKernels().log_sum_exp_bf16(Bits(), width_) : CpuKernels().log_sum_exp(Floats(), width_);
  }
  float At(int64_t column) const {
    return half_ ? static_cast<float>(reinterpret_cast<const at::BFloat16*>(data_)[column]) : Floats()[column];
  }
  // `to` becomes scale · softmax of this row; `to` may be this row.
  void ScaledSoftmax(float log_sum, float scale, const LogitRow& to) const {
    if (half_) {
      CpuKernels().scaled_softmax_bf16(Bits(), log_sum, scale, to.Bits(), width_);
    } else {
      CpuKernels().scaled_softmax(Floats(), log_sum, scale, to.Floats(), width_);
    }
  }
  void Set(int64_t column, float value) const {
    if (half_) {
      reinterpret_cast<at::BFloat16*>(data_)[column] = at::BFloat16(value);
    } else {
      Floats()[column] = value;
    }
  }
  // KernelTable::cross_entropy_gradient.
  float CrossEntropyGradient(int64_t target, float weight) const {
    return half_ ? CpuKernels().cross_entropy_gradient_bf16(Bits(), width_, target, weight)
                 : CpuKernels().cross_entropy_gradient(Floats(), width_, target, weight);
  }

 private:
  uint16_t* Bits() const { return reinterpret_cast<uint16_t*>(data_); }
  float* Floats() const { return reinterpret_cast<float*>(data_); }

  int64_t width_;
  bool half_;
  char* data_;
};

}  // namespace jade::backbone
