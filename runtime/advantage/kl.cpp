#include "runtime/advantage/kl.h"

namespace jade::advantage {

void KlController::Update(double kl, int64_t calls) {
  if (horizon <= 0.0) return;
  const double error = std::clamp(kl / target - 1.0, -0.2, 0.2);
  coefficient *= 1.0 + error * static_cast<double>(calls) / horizon;
}

KlController MakeKlController(const KlOptions& options) {
  KlController controller{.coefficient = options.coefficient};
  if (options.adaptive) {
    controller.target = options.adaptive->target;
    controller.horizon = options.adaptive->horizon;
  }
  return controller;
}

}  // namespace jade::advantage
