#pragma once
// What runtime/call and compiler/parse read at most, and how much of it is written: a text nearer to the end than the
// longest token is brought to its end. Constants.

#include <cstddef>
#include <cstdint>

namespace jade::constrain {

inline constexpr uint32_t kMaxItems = 64;                           // numbered tags
inline constexpr size_t kMaxReplyBytes = (size_t{1} << 20) - 4096;  // of 1 MiB
inline constexpr size_t kMaxPlanBytes = (size_t{8} << 10) - 1024;   // of 8 KiB

}  // namespace jade::constrain
