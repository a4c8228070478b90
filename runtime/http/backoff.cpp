#include "runtime/http/backoff.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

namespace jade::http {

bool IsPassing(int status) {
  switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

int64_t PauseMicros(int attempt, uint64_t seed, std::optional<int64_t> retry_after_us) {
  const int doublings = std::clamp(attempt - 1, 0, 16);
  const int64_t most = std::min(kLongestPauseUs, kFirstPauseUs << doublings);
  const std::array<uint64_t, 2> key{seed, static_cast<uint64_t>(attempt)};
  const auto drawn = static_cast<int64_t>(XXH3_64bits(key.data(), sizeof(key)) % static_cast<uint64_t>(most + 1));
  // The jitter is added: many who were told the same time do not come back at once.
  return retry_after_us ? *retry_after_us + drawn / 4 : drawn;
}

}  // namespace jade::http
