#pragma once
// The data flow of one region, for the overlap pass. A unit is an operation that makes calls: an issue (with the await
// beside it), a call, a run, or a loop or branch with one of those inside. The other operations are pure: between units
// they only say which unit needs which.

#include <cstdint>
#include <vector>

#include "compiler/ir/function.h"

namespace jade::passes {

class RegionGraph {
 public:
  static constexpr uint32_t kNone = ir::kInvalidIndex;

  // Sets of units.
  using Bits = std::vector<uint64_t>;
  static bool Test(const Bits& bits, uint32_t i) { return (bits[i / 64] >> (i % 64) & 1) != 0; }
  static void Set(Bits& bits, uint32_t i) { bits[i / 64] |= uint64_t{1} << (i % 64); }

  // `scratch` has an entry kNone for each value of the function, and has again when this returns.
  RegionGraph(const ir::Function& function, const ir::Region& region, const std::vector<bool>& suspends,
              std::vector<uint32_t>& scratch);

  // Units a graph of the region would have.
  static uint32_t CountUnits(const ir::Function& function, const ir::Region& region, const std::vector<bool>& suspends);
  Bits NoUnits() const { return Bits((units_.size() + 63) / 64, 0); }

  uint32_t op_count() const { return region_.op_count; }
  uint32_t unit_count() const { return static_cast<uint32_t>(units_.size()); }
  const ir::Op& op(uint32_t i) const { return function_.ops[region_.op_begin + i]; }
  bool is_await(uint32_t i) const { return op(i).code == ir::Opcode::kAwait; }
  uint32_t unit_of(uint32_t i) const { return unit_of_op_[i]; }  // kNone: pure, or an await
  uint32_t op_of_unit(uint32_t unit) const { return units_[unit].op; }
  // What the rest of the region knows the unit by: its result, or that of its await.
  ir::ValueId value_of_unit(uint32_t unit) const { return units_[unit].value; }
  uint32_t AwaitOrder(uint32_t unit) const { return units_[unit].await_order; }

  // Units whose values the operation needs, not counting those that such units need themselves; in program order.
  std::vector<uint32_t> NeedsOf(uint32_t i) const;
  bool NeedsWithin(uint32_t i, const Bits& units) const;
  // The unit needs the other one, perhaps through others.
  bool DependsOn(uint32_t unit, uint32_t other) const { return Test(units_[unit].depends, other); }

  // Pure operations that the operation needs, as far as they are not `done`; in program order.
  std::vector<uint32_t> PureOpsFor(uint32_t i, const std::vector<bool>& done) const;
  // Marks as done those of `pure` (in program order) that only done operations use.
  void DropUnused(const std::vector<uint32_t>& pure, std::vector<bool>& done) const;
  // Units that need neither another unit nor the value (a parameter of the region), and are not such themselves.
  std::vector<uint32_t> UnitsWithout(uint32_t value) const;

 private:
  static void Add(Bits& bits, const Bits& more) {
    for (size_t w = 0; w < bits.size(); ++w) bits[w] |= more[w];
  }

  struct Unit {
    uint32_t op = 0;
    ir::ValueId value;
    uint32_t await_order = 0;
    Bits depends;  // units it depends on
  };

  void FindUnits(const std::vector<bool>& suspends);
  void FindUses(std::vector<uint32_t>& definer);
  void FindNeeds();

  const ir::Function& function_;
  const ir::Region& region_;
  std::vector<Unit> units_;
  std::vector<uint32_t> unit_of_op_;
  std::vector<std::vector<uint32_t>> uses_;        // by op: ops of this region whose results it uses, ascending, unique
  std::vector<std::vector<uint32_t>> users_;       // by op
  std::vector<std::vector<uint32_t>> param_uses_;  // by op: region parameters it uses
  std::vector<Bits> needs_;                        // by op: direct needs
};

}  // namespace jade::passes
