#include "runtime/train/muon.h"

namespace jade::train {
namespace {

// The quintic a·x + b·x³ + c·x⁵ whose repetition sends singular values of (0, 1] near 1 fastest (ibid.).
constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
constexpr int kSteps = 5;
constexpr double kTiny = 1e-7;

}  // namespace

at::Tensor Orthogonalised(const at::Tensor& matrix_NM, at::ScalarType type) {
  const bool tall = matrix_NM.size(0) > matrix_NM.size(1);
  const at::Tensor wide = tall ? matrix_NM.t() : matrix_NM;  // the smaller Gram matrix
  at::Tensor x_NM = (wide / (wide.norm() + kTiny)).to(type).contiguous();
  for (int step = 0; step < kSteps; ++step) {
    const at::Tensor gram_NN = at::matmul(x_NM, x_NM.t());
    const at::Tensor mix_NN = at::addmm(gram_NN, gram_NN, gram_NN, kB, kC);
    x_NM = at::addmm(x_NM, mix_NN, x_NM, kA, 1.0);
  }
  return (tall ? x_NM.t() : x_NM).to(at::kFloat).contiguous();
}

}  // namespace jade::train
