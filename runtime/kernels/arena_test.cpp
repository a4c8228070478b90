#include "runtime/kernels/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace jade::kernels {
namespace {

TEST(Arena, GivesZeroedMemoryThatDoesNotOverlap) {
  Arena arena;
  std::vector<std::pair<char*, size_t>> taken;
  for (const size_t bytes : {1u, 64u, 1000u, 40u << 20, 5u, 31u << 20, 3u << 20}) {
    char* p = arena.Take(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
    EXPECT_TRUE(std::all_of(p, p + bytes, [](char c) { return c == 0; }));
    std::memset(p, static_cast<int>(taken.size()) + 1, bytes);
    taken.emplace_back(p, bytes);
  }
  for (size_t i = 0; i < taken.size(); ++i) {
    const auto [p, bytes] = taken[i];
    EXPECT_TRUE(std::all_of(p, p + bytes, [&](char c) { return c == static_cast<char>(i + 1); }));
  }
  EXPECT_GE(arena.bytes(), size_t{74} << 20);
}

TEST(Arena, CanBeMoved) {
  Arena arena;
  char* p = arena.Take(100);
  Arena other = std::move(arena);
  *p = 1;
  other = Arena();
  EXPECT_EQ(other.bytes(), 0u);
  EXPECT_NE(arena.Take(1), nullptr);  // NOLINT(bugprone-use-after-move): empty, and usable
}

}  // namespace
}  // namespace jade::kernels
