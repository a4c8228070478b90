#pragma once
// Facts of the machine that set the limits of figures. Any thread; the machine should have nothing else to do.

#include <cstddef>
#include <cstdint>

namespace jade::bench {

// Of the largest cache that the system tells of; 32 MiB where it tells of none.
size_t LastLevelCacheBytes();

// Bytes a second at which `threads` threads together read `bytes` bytes of memory once, the fastest of `rounds`.
double ReadBytesPerSecond(int threads, size_t bytes, int rounds);

// The most memory that this process has held, in bytes; 0 where the system does not tell.
int64_t PeakResidentBytes();

}  // namespace jade::bench
