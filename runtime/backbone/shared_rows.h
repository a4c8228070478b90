#pragma once
// Rows that several sequences of a packed batch share. Sequences that begin with the same tokens have the same hidden
// states there, since attention is causal: what they have in common is computed once, and attention alone sees whole
// sequences. T tokens of whole sequences, N rows, N ≤ T; W the width of a row.

#include <cstdint>
#include <vector>

#include "runtime/backbone/torch_compat.h"

namespace jade::backbone {

struct SharedRows {
  std::vector<int64_t> row_T;     // the row that stands for each token
  std::vector<int64_t> first_N;   // the first token that each row stands for
  std::vector<int64_t> offset_N;  // [N + 1] into `token_T`
  std::vector<int64_t> token_T;   // the tokens of row 0, in their order, then those of row 1, …
  std::vector<int64_t> known_S;   // how many of a sequence's tokens, from its beginning, one before it had

  int64_t rows() const { return static_cast<int64_t>(first_N.size()); }
  int64_t tokens() const { return static_cast<int64_t>(row_T.size()); }
};

// Of `rows` rows those of each token of the sequences; every row stands for a token at least. Rows that two sequences
// share are of what both begin with. cu_seqlens: [S + 1] first token of each sequence, and T.
SharedRows ShareRows(std::vector<int64_t> row_T, int64_t rows, const std::vector<int64_t>& cu_seqlens);

// On the processor, fp32 or bf16, contiguous. Not differentiable: they are parts of operators that are.
at::Tensor ExpandRows(const at::Tensor& x_NW, const SharedRows& shared);  // [T, W]: a copy of its row for each token
at::Tensor PickRows(const at::Tensor& x_TW, const SharedRows& shared);    // [N, W]: of each row its first token
// [T, W]: rows at their first tokens, 0 elsewhere.
at::Tensor ScatterFirst(const at::Tensor& x_NW, const SharedRows& shared);
// [N, W]: of each row the sum over its tokens, in fp32 and in their order, so that it does not depend on threads.
at::Tensor SumRows(const at::Tensor& x_TW, const SharedRows& shared);

}  // namespace jade::backbone
