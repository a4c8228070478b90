#include "runtime/backbone/random_weights.h"

#include <cmath>
#include <numbers>

#include "runtime/backbone/random_stream.h"

namespace jade::backbone {
void FillNormal(at::Tensor& tensor, double deviation, uint64_t seed, uint64_t stream) {
  const int64_t count = tensor.numel();
  at::Tensor values = at::empty({count}, at::kFloat);
  auto* data = values.data_ptr<float>();
  RandomStream random({seed, stream});
  for (int64_t i = 0; i < count; i += 2) {
    // Box and Muller 1958.
    const double radius = deviation * std::sqrt(-2.0 * std::log(1.0 - random.NextUniform()));
    const double angle = 2.0 * std::numbers::pi * random.NextUniform();
    data[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) data[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  tensor.copy_(values.view_as(tensor));
}

}  // namespace jade::backbone
