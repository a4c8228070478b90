#pragma once
// When a request is tried again, and after how long. Pure functions; any thread.

#include <cstdint>
#include <optional>

namespace jade::http {

inline constexpr int64_t kFirstPauseUs = 250'000;
inline constexpr int64_t kLongestPauseUs = 30'000'000;
// A server that asks for more than this is not waited for.
inline constexpr int64_t kLongestRetryAfterUs = 120'000'000;

// 408, 425, 429, and those of 5xx that may pass.
bool IsPassing(int status);

// Full jitter: the pause after attempt `attempt` (from 1) is anything from 0 to 0.25 s · 2^(attempt - 1), 30 s at most,
// drawn from `seed`. When the server said when to come back, that and a quarter of the pause.
int64_t PauseMicros(int attempt, uint64_t seed, std::optional<int64_t> retry_after_us);

}  // namespace jade::http
