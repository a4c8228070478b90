#include "runtime/backbone/tile_product.h"

#include <algorithm>

#include "compiler/result/check.h"
#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/tile_kernels.h"

namespace jade::backbone {
namespace {

constexpr int64_t kFewestRows = 16;  // below, packing costs more than tiles save

bool IsRowMajor(const at::Tensor& t) {
  return t.stride(1) == 1 || t.size(1) == 1;
}
bool IsColumnMajor(const at::Tensor& t) {
  return t.stride(0) == 1 || t.size(0) == 1;
}

bool RunsOnTiles(const at::Tensor& a, const at::Tensor& b) {
  const bool half = a.scalar_type() == at::kBFloat16 && b.scalar_type() == at::kBFloat16;
  return half && a.device().is_cpu() && UsesTiles() && a.size(0) >= kFewestRows && b.numel() > 0 && a.size(1) > 0;
}

TileOperand Operand(const at::Tensor& t) {
  const bool rows = IsRowMajor(t);
  JADE_CHECK(rows || IsColumnMajor(t), "a factor is neither row-major nor column-major");
  return {.data = reinterpret_cast<const uint16_t*>(t.data_ptr<at::BFloat16>()),
          .stride = rows ? t.stride(0) : t.stride(1),
          .transposed = !rows};
}

int64_t CountOf(int64_t whole, int64_t part) {
  return (whole + part - 1) / part;
}

// Blocks of rows small enough that every thread gets some.
int64_t BlockRows(const TileProduct& product) {
  const int64_t wanted = 4 * at::get_num_threads(), columns = CountOf(product.columns, kTileColumns);
  int64_t rows = product.depth > 1024 ? kTileRows : kTileRows / 2;  // how often b passes, or the sums of a block
  while (rows > 64 && CountOf(product.rows, rows) * columns < wanted) rows -= 32;
  return rows;
}

void Multiply(const TileProduct& product) {
  constexpr int64_t kPanel = 32;
  const auto half = at::TensorOptions(at::kBFloat16);
  const at::Tensor packed = at::empty({PackedTileElements(product.columns, product.depth)}, half);
  auto* packed_bits = reinterpret_cast<uint16_t*>(packed.data_ptr<at::BFloat16>());
  at::parallel_for(0, CountOf(product.columns, kPanel), 1,
                   [&](int64_t first, int64_t last) { PackTileColumns(product, first, last, packed_bits); });
  const int64_t rows = BlockRows(product), row_blocks = CountOf(product.rows, rows);
  const int64_t scratch = (TileScratchElements() + 63) / 64 * 64;
  const at::Tensor all_scratch = at::empty({at::get_num_threads() * scratch}, half);
  auto* scratch_bits = reinterpret_cast<uint16_t*>(all_scratch.data_ptr<at::BFloat16>());
  at::parallel_for(0, row_blocks * CountOf(product.columns, kTileColumns), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {  // rows pass by columns that stay in the cache
      TileBlock block{.row = i % row_blocks * rows, .column = i / row_blocks * kTileColumns};
      block.rows = std::min(rows, product.rows - block.row);
      block.columns = std::min(kTileColumns, product.columns - block.column);
      MultiplyTiles(product, packed_bits, block, scratch_bits + at::get_thread_num() * scratch);
    }
  });
}

}  // namespace

bool UsesTiles() {
  return ProcessorHasTiles();
}

namespace {

// LibTorch's product of a matrix and a vector sums bf16 in bf16: those are widened.
at::Tensor Multiplied(const at::Tensor& a, const at::Tensor& b) {
  const bool vector = a.size(0) == 1 || b.size(1) == 1;
  if (a.scalar_type() != at::kBFloat16 || !vector) return at::mm(a, b);
  return at::mm(a.to(at::kFloat), b.to(at::kFloat)).to(at::kBFloat16);
}

}  // namespace

at::Tensor Product(const at::Tensor& a, const at::Tensor& b) {
  if (!RunsOnTiles(a, b)) return Multiplied(a, b);
  const at::Tensor c = at::empty({a.size(0), b.size(1)}, a.options());
  ProductInto(a, b, c);
  return c;
}

void ProductInto(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, bool add) {
  JADE_CHECK(a.size(1) == b.size(0) && c.size(0) == a.size(0) && c.size(1) == b.size(1), "factors do not fit");
  if (RunsOnTiles(a, b)) {
    TileProduct product{.a = Operand(a), .b = Operand(b), .rows = a.size(0), .columns = b.size(1), .depth = a.size(1)};
    product.c = c.data_ptr();
    product.c_stride = c.stride(0);
    product.c_half = c.scalar_type() == at::kBFloat16;
    product.add = add;
    JADE_CHECK(IsRowMajor(c) && !(add && product.c_half), "sums are row-major, and added to in fp32 only");
    Multiply(product);
    return;
  }
  at::Tensor to = c;
  if (a.scalar_type() == c.scalar_type()) {
    at::addmm_out(to, to, a, b, add ? 1.0 : 0.0);
  } else if (add) {
    const at::Tensor product = Multiplied(a, b);
    if (c.is_contiguous() && c.device().is_cpu()) {
      AddConverted(product, c);
    } else {
      to.add_(product);
    }
  } else {
    to.copy_(at::mm(a, b));
  }
}

}  // namespace jade::backbone
