#pragma once
// What the units of a function have in common, and what is known of its operations before any of them is laid out.
// Without LLVM, as frame_layout.h.

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/codegen/frame_layout.h"

namespace jade::codegen {

// What all units of a function share. Refers to the function and the module. Not copied: its units refer to it.
struct FunctionLayout {
  FunctionLayout(const ir::Module& module, const ir::Function& function);
  FunctionLayout(const FunctionLayout&) = delete;
  FunctionLayout& operator=(const FunctionLayout&) = delete;

  const FrameLayout& UnitOf(uint32_t region) const;

  std::vector<uint32_t> definers;     // by value: the operation that defines it; invalid for parameters
  std::vector<bool> keeps_position;   // by region: the runtime is told of it, for calls are made in it
  std::vector<uint32_t> raise_order;  // by operation: the order its trap has among its region's children
  // By value: a `range` that loops without calls run over and nothing else uses: it is its length, and no list is made.
  std::vector<bool> counted;
  // By operation: an `await` that is the only use of its future, which it takes.
  std::vector<bool> takes;
  // By operation that the runtime does: steps to charge for it and the computing before it.
  std::vector<uint32_t> charges;
  std::vector<ir::TextId> constants;                   // constant k + 1 of the function's code; constant 0 is none
  std::unordered_map<uint32_t, uint32_t> constant_of;  // by TextId
  std::deque<FrameLayout> units;                       // the body's first
};

// "jade.Solve" for a body, "jade.Solve.r3" for the child task on region 3.
std::string UnitSymbol(const ir::Function& function, const FrameLayout& unit);

// The operation at which a stretch of computing from `first` on ends: one that makes calls or has regions, or the last.
uint32_t StretchEnd(const ir::Function& function, const ir::Region& region, uint32_t first);
// The runtime charges for the stretch that ends in the operation, not the code.
bool IsChargedByHost(ir::Opcode code);

// The operation runs that region of its own in a child task.
bool RunsInChild(const ir::Op& op, uint32_t region);

std::vector<uint32_t> FindDefiners(const ir::Function& function);
bool IsConstant(ir::Opcode code);
// Compiling takes more than twice the time for twice the operations: about two seconds for so many.
inline constexpr size_t kMostOperations = 4096;
// The interpreter alone runs tests of a program, and functions that are very long.
bool CanCompile(const ir::Function& function);

}  // namespace jade::codegen
