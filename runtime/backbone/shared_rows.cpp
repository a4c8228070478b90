#include "runtime/backbone/shared_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "compiler/result/check.h"

namespace jade::backbone {
namespace {

constexpr int64_t kGrain = 64;  // rows that are worth a thread

at::Tensor Like(const at::Tensor& x, int64_t rows) {
  JADE_CHECK(x.device().is_cpu() && x.dim() == 2 && x.is_contiguous(), "rows on the processor, end to end");
  return at::empty({rows, x.size(1)}, x.options());
}

char* Bytes(const at::Tensor& x) {
  return static_cast<char*>(x.data_ptr());
}

// to[i] = from[source[i]].
at::Tensor Gather(const at::Tensor& from, const std::vector<int64_t>& source) {
  at::Tensor to = Like(from, static_cast<int64_t>(source.size()));
  const auto width = static_cast<size_t>(from.size(1)) * from.element_size();
  at::parallel_for(0, to.size(0), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto row = static_cast<size_t>(source[static_cast<size_t>(i)]);
      std::memcpy(Bytes(to) + static_cast<size_t>(i) * width, Bytes(from) + row * width, width);
    }
  });
  return to;
}

template <typename Number>
void SumInto(const at::Tensor& x, const SharedRows& shared, const at::Tensor& out) {
  const int64_t width = x.size(1);
  const auto* from = x.data_ptr<Number>();
  auto* to = out.data_ptr<Number>();
  at::parallel_for(0, out.size(0), kGrain, [&](int64_t begin, int64_t end) {
    std::vector<float> sum(static_cast<size_t>(width));
    for (int64_t n = begin; n < end; ++n) {
      const auto first = static_cast<size_t>(shared.offset_N[static_cast<size_t>(n)]);
      const auto last = static_cast<size_t>(shared.offset_N[static_cast<size_t>(n) + 1]);
      if (last - first == 1) {
        std::memcpy(to + n * width, from + shared.token_T[first] * width, static_cast<size_t>(width) * sizeof(Number));
        continue;
      }
      std::fill(sum.begin(), sum.end(), 0.0F);
      for (size_t i = first; i < last; ++i) {
        const Number* row = from + shared.token_T[i] * width;
        for (int64_t w = 0; w < width; ++w) sum[static_cast<size_t>(w)] += static_cast<float>(row[w]);
      }
      for (int64_t w = 0; w < width; ++w) to[n * width + w] = static_cast<Number>(sum[static_cast<size_t>(w)]);
    }
  });
}

}  // namespace

SharedRows ShareRows(std::vector<int64_t> row_T, int64_t rows, const std::vector<int64_t>& cu_seqlens) {
  SharedRows shared;
  shared.first_N.assign(static_cast<size_t>(rows), -1);
  shared.offset_N.assign(static_cast<size_t>(rows) + 1, 0);
  for (const int64_t row : row_T) ++shared.offset_N[static_cast<size_t>(row) + 1];
  for (size_t n = 0; n < static_cast<size_t>(rows); ++n) shared.offset_N[n + 1] += shared.offset_N[n];
  std::vector<int64_t> place(shared.offset_N.begin(), shared.offset_N.end() - 1);
  shared.token_T.resize(row_T.size());
  for (size_t t = 0; t < row_T.size(); ++t) {
    const auto row = static_cast<size_t>(row_T[t]);
    if (shared.first_N[row] < 0) shared.first_N[row] = static_cast<int64_t>(t);
    shared.token_T[static_cast<size_t>(place[row]++)] = static_cast<int64_t>(t);
  }
  shared.row_T = std::move(row_T);
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    int64_t t = cu_seqlens[s];
    const auto is_first = [&] {
      return shared.first_N[static_cast<size_t>(shared.row_T[static_cast<size_t>(t)])] == t;
    };
    while (t < cu_seqlens[s + 1] && !is_first()) ++t;
    shared.known_S.push_back(t - cu_seqlens[s]);
  }
  return shared;
}

at::Tensor ExpandRows(const at::Tensor& x_NW, const SharedRows& shared) {
  return Gather(x_NW, shared.row_T);
}

at::Tensor PickRows(const at::Tensor& x_TW, const SharedRows& shared) {
  return Gather(x_TW, shared.first_N);
}

at::Tensor ScatterFirst(const at::Tensor& x_NW, const SharedRows& shared) {
  at::Tensor to = Like(x_NW, shared.tokens());
  const auto width = static_cast<size_t>(x_NW.size(1)) * x_NW.element_size();
  at::parallel_for(0, to.size(0), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto row = static_cast<size_t>(shared.row_T[static_cast<size_t>(t)]);
      char* place = Bytes(to) + static_cast<size_t>(t) * width;
      if (shared.first_N[row] == t)
        std::memcpy(place, Bytes(x_NW) + row * width, width);
      else
        std::memset(place, 0, width);  // 0.0 in both types
    }
  });
  return to;
}

at::Tensor SumRows(const at::Tensor& x_TW, const SharedRows& shared) {
  at::Tensor out = Like(x_TW, shared.rows());
  if (x_TW.scalar_type() == at::kBFloat16)
    SumInto<at::BFloat16>(x_TW, shared, out);
  else
    SumInto<float>(x_TW, shared, out);
  return out;
}

}  // namespace jade::backbone
