#include "compiler/passes/dead.h"

#include "compiler/passes/rewriter.h"

namespace jade::passes {
namespace {

using ir::Op;
using ir::Opcode;

// Branches and loops have no effect but that of their regions. (A loop over a list ends.)
bool IsPureAround(Opcode code) {
  return code == Opcode::kIf || code == Opcode::kSwitch || code == Opcode::kMap || code == Opcode::kEach ||
         code == Opcode::kFold || code == Opcode::kRepeat;
}

class Remover final : public Rewriter {
 public:
  explicit Remover(const ir::Function& function)
      : Rewriter(function),
        removable_(function.ops.size(), false),
        live_(function.ops.size(), false),
        definer_(function.values.size(), ir::kInvalidIndex),
        owner_(function.ops.size(), ir::kInvalidIndex) {
    FindDefiners();
    FindRemovable();
    FindLive();
  }

 private:
  void Emit(const Op& op) override {
    if (live_[static_cast<size_t>(&op - in_.ops.data())]) Copy(op);
  }

  template <typename Visit>
  void ForOpsOf(const ir::Region& region, Visit visit) const {
    for (uint32_t i = region.op_begin; i < region.op_begin + region.op_count; ++i) visit(i);
  }

  void FindDefiners() {
    for (uint32_t i = 0; i < in_.ops.size(); ++i) {
      const Op& op = in_.ops[i];
      if (op.result.valid()) definer_[op.result.index] = i;
      for (uint32_t r = 0; r < op.region_count; ++r) {
        const ir::Region& region = in_.RegionOf(op, r);
        for (uint32_t p = 0; p < region.param_count; ++p) definer_[region.first_param + p] = i;
        ForOpsOf(region, [&](uint32_t inner) { owner_[inner] = i; });
      }
    }
  }

  // Operations of inner regions come after those around them.
  void FindRemovable() {
    for (size_t i = in_.ops.size(); i-- > 0;) {
      const Op& op = in_.ops[i];
      if (!op.result.valid()) continue;
      bool removable = ir::TraitOf(op.code) == ir::OpTrait::kPure || IsPureAround(op.code);
      for (uint32_t r = 0; r < op.region_count && removable; ++r) {
        ForOpsOf(in_.RegionOf(op, r),
                 [&](uint32_t inner) { removable = removable && (removable_[inner] || IsYield(inner)); });
      }
      removable_[i] = removable;
    }
  }

  bool IsYield(uint32_t op) const { return in_.ops[op].code == Opcode::kYield; }

  void FindLive() {
    for (uint32_t i = 0; i < in_.ops.size(); ++i) {
      const bool ends_body = IsYield(i) && owner_[i] == ir::kInvalidIndex;
      if (ends_body || (!removable_[i] && !IsYield(i))) Mark(i);
    }
    while (!marked_.empty()) {
      const Op& op = in_.ops[marked_.back()];
      const uint32_t owner = owner_[marked_.back()];
      marked_.pop_back();
      if (owner != ir::kInvalidIndex) Mark(owner);
      for (ir::ValueId operand : in_.OperandsOf(op)) {
        if (definer_[operand.index] != ir::kInvalidIndex) Mark(definer_[operand.index]);
      }
      for (uint32_t r = 0; r < op.region_count; ++r) {
        const ir::Region& region = in_.RegionOf(op, r);
        Mark(region.op_begin + region.op_count - 1);
      }
    }
  }

  void Mark(uint32_t op) {
    if (live_[op]) return;
    live_[op] = true;
    marked_.push_back(op);
  }

  std::vector<bool> removable_;    // by op: nothing is lost when its value is not used
  std::vector<bool> live_;         // by op
  std::vector<uint32_t> definer_;  // by value: the op whose result, or whose region's parameter, it is
  std::vector<uint32_t> owner_;    // by op: the op whose region it stands in
  std::vector<uint32_t> marked_;
};

}  // namespace

ir::Function RemoveDead(const ir::Function& function) {
  return Remover(function).Run();
}

}  // namespace jade::passes
