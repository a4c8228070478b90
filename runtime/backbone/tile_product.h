#pragma once
// Products of matrices for training on the processor: bf16 on the processor's matrix tiles where it has them
// (tile_kernels.h), and whatever LibTorch does otherwise. Any thread; a product runs on LibTorch's.

#include "runtime/backbone/torch_compat.h"

namespace jade::backbone {

// Whether bf16 products and attention of training run on tiles here.
bool UsesTiles();

// a·b, of their type. Either may be a transposed matrix (`.t()`).
at::Tensor Product(const at::Tensor& a, const at::Tensor& b);

// c = a·b, or c + a·b with `add`. c is row-major, of the type of a and b or fp32: then bf16 products are summed in fp32
// on tiles, and rounded to bf16 before they are added elsewhere.
void ProductInto(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, bool add = false);

}  // namespace jade::backbone
