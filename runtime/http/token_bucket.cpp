#include "runtime/http/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace jade::http {

TokenBucket::TokenBucket(double rate) : rate_(rate), capacity_(std::max(1.0, rate)), tokens_(capacity_) {}

void TokenBucket::Refill(int64_t now_us) {
  if (started_) tokens_ = std::min(capacity_, tokens_ + static_cast<double>(now_us - filled_at_) * 1e-6 * rate_);
  started_ = true;
  filled_at_ = now_us;
}

bool TokenBucket::Take(int64_t now_us) {
  if (rate_ <= 0) return true;
  Refill(now_us);
  // A token is there when it is but for rounding: NextAt named this time.
  if (tokens_ < 1.0 - 1e-6) return false;
  tokens_ -= 1.0;
  return true;
}

int64_t TokenBucket::NextAt(int64_t now_us) const {
  if (rate_ <= 0 || !started_) return now_us;
  const double missing = 1.0 - tokens_ - static_cast<double>(now_us - filled_at_) * 1e-6 * rate_;
  return missing <= 0 ? now_us : now_us + static_cast<int64_t>(std::ceil(missing / rate_ * 1e6));
}

}  // namespace jade::http
