#include "runtime/kernels/tile_permission.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace jade::kernels {

#if defined(__x86_64__) && defined(__linux__)
namespace {

constexpr unsigned kAmxBf16 = 1U << 22U, kAmxTile = 1U << 24U;  // of edx, leaf 7
constexpr unsigned kOsxsave = 1U << 27U;                        // of ecx, leaf 1
constexpr uint64_t kTileState = 3U << 17U;                      // of XCR0: configuration and registers
constexpr int kRequestPermission = 0x1023;                      // ARCH_REQ_XCOMP_PERM
constexpr int kTileData = 18;                                   // XFEATURE_XTILEDATA

uint64_t EnabledState() {
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32U | low;
}

// Eight registers of 16 rows of 64 bytes, which the kernels count on.
bool HasExpectedTiles() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(0x1d, 1, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (ebx & 0xffffU) == 64 && ebx >> 16U >= 8 && (ecx & 0xffffU) >= 16;
}

bool Ask() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kOsxsave) == 0) return false;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & kAmxBf16) == 0 || (edx & kAmxTile) == 0) return false;
  if ((EnabledState() & kTileState) != kTileState || !HasExpectedTiles()) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool TilesPermitted() {
  static const bool permitted = Ask();
  return permitted;
}
#else
bool TilesPermitted() {
  return false;
}
#endif

}  // namespace jade::kernels
