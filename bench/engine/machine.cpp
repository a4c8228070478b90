#include "bench/engine/machine.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <vector>

#include "runtime/kernels/arena.h"
#include "runtime/kernels/team.h"

namespace jade::bench {
namespace {

using Vector = uint64_t __attribute__((vector_size(64)));
constexpr size_t kChains = 4;  // independent sums, so that no addition waits for the one before
constexpr size_t kStride = kChains * sizeof(Vector);

// The sum keeps the reads from being dropped. Inlined into functions for each width of registers.
[[gnu::always_inline]] inline uint64_t Sum(const std::byte* data, size_t bytes) {
  Vector sums[kChains] = {};
  for (size_t at = 0; at + kStride <= bytes; at += kStride) {
    for (size_t chain = 0; chain < kChains; ++chain) {
      Vector loaded;
      std::memcpy(&loaded, data + at + chain * sizeof(Vector), sizeof(Vector));
      sums[chain] += loaded;
    }
  }
  uint64_t sum = 0;
  for (const Vector& part : sums) {
    for (size_t i = 0; i < sizeof(Vector) / sizeof(uint64_t); ++i) sum += part[i];
  }
  return sum;
}

uint64_t SumBaseline(const std::byte* data, size_t bytes) {
  return Sum(data, bytes);
}
#if defined(__x86_64__)
__attribute__((target("avx2"))) uint64_t SumAvx2(const std::byte* data, size_t bytes) {
  return Sum(data, bytes);
}
__attribute__((target("avx512f"))) uint64_t SumAvx512(const std::byte* data, size_t bytes) {
  return Sum(data, bytes);
}
#endif

using SumFunction = uint64_t (*)(const std::byte*, size_t);
SumFunction ChooseSum() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return SumAvx512;
  if (__builtin_cpu_supports("avx2")) return SumAvx2;
#endif
  return SumBaseline;
}

}  // namespace

// The C library asks the processor, which under a hypervisor may tell of other machines' caches too.
size_t LastLevelCacheBytes() {
  size_t most = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    size_t size = 0;
    char unit = 0;
    if (file >> size >> unit && unit == 'K') most = std::max(most, size << 10);
  }
  const long told = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (most == 0 && told > 0) most = static_cast<size_t>(told);
  return most > 0 ? most : size_t{32} << 20;
}

double ReadBytesPerSecond(int threads, size_t bytes, int rounds) {
  using Clock = std::chrono::steady_clock;
  const int count = std::max(1, threads);
  const size_t part = std::max(kStride, bytes / static_cast<size_t>(count) / kStride * kStride);
  const SumFunction sum = ChooseSum();
  kernels::Arena arena;
  std::byte* data = reinterpret_cast<std::byte*>(arena.Take(part * static_cast<size_t>(count)));
  std::memset(data, 1, part * static_cast<size_t>(count));
  std::atomic<uint64_t> sink{0};
  // Each reader reads the clock itself: whoever waits for them may be the last to be given a processor.
  std::vector<Clock::time_point> began(static_cast<size_t>(count)), ended(began.size());
  kernels::Team team(count);
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    team.Run([&](kernels::Member& member) {
      const auto index = static_cast<size_t>(member.index());
      member.Barrier();
      began[index] = Clock::now();
      sink += sum(data + index * part, part);
      ended[index] = Clock::now();
    });
    const auto begin = *std::min_element(began.begin(), began.end()),
               end = *std::max_element(ended.begin(), ended.end());
    const double seconds = std::chrono::duration<double>(end - begin).count();
    best = std::max(best, static_cast<double>(part * began.size()) / seconds);
  }
  return best;
}

int64_t PeakResidentBytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace jade::bench
