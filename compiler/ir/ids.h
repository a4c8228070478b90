#pragma once
// Handles into a Module and a Function: dense indices, so that passes and the interpreter use plain vectors.

#include <compare>
#include <cstdint>

namespace jade::ir {

inline constexpr uint32_t kInvalidIndex = 0xFFFFFFFFU;

// One handle type a table; they do not convert into each other.
template <typename Tag>
struct Id {
  uint32_t index = kInvalidIndex;
  bool valid() const { return index != kInvalidIndex; }
  friend bool operator==(Id, Id) = default;
  friend auto operator<=>(Id, Id) = default;
};

using TextId = Id<struct TextTag>;          // Module::text
using FunctionId = Id<struct FunctionTag>;  // Module::function
using CalleeId = Id<struct CalleeTag>;      // Module::callee: executor, planner or tool
using ValueId = Id<struct ValueTag>;        // Function::values
using OpId = Id<struct OpTag>;              // Function::ops
using RegionId = Id<struct RegionTag>;      // Function::regions; region 0 is the body
using SiteId = Id<struct SiteTag>;          // Function::sites

}  // namespace jade::ir
