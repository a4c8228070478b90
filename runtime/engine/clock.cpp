#include "runtime/engine/clock.h"

#include <chrono>

namespace jade::engine {

int64_t SteadyClock::NowMicros() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace jade::engine
