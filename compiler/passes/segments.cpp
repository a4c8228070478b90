#include "compiler/passes/segments.h"

#include <optional>

#include "compiler/passes/rewriter.h"

namespace jade::passes {
namespace {

using ir::Op;
using ir::Opcode;
using ir::Region;
using ir::ValueId;

class Segmenter final : public Rewriter {
 public:
  Segmenter(ir::Module& module, const ir::Function& function)
      : Rewriter(function), module_(module), definer_(function.values.size(), nullptr) {
    for (const Op& op : function.ops) {
      if (op.result.valid()) definer_[op.result.index] = &op;
    }
  }

 private:
  void Emit(const Op& op) override {
    switch (op.code) {
      case Opcode::kEmitText:
        return Append(op, static_cast<uint32_t>(op.imm));
      case Opcode::kEmit:
        if (const Op* text = ConstantOf(op, Opcode::kConstText)) return Append(op, static_cast<uint32_t>(text->imm));
        break;
      case Opcode::kEmitIf:
        if (const Op* condition = ConstantOf(op, Opcode::kConstBool)) {
          if (Splice(in_.RegionOf(op, condition->imm != 0 ? 0 : 1))) return;
        }
        break;
      case Opcode::kEmitFor:
      case Opcode::kEmitSwitch:
      case Opcode::kYield:
      case Opcode::kTrap:
        break;
      default:
        return Copy(op);  // text emitted before or after it is the same text
    }
    Flush();
    Copy(op);
  }

  // The operation that makes the first operand, when it is of that kind; the same by another name counts.
  const Op* ConstantOf(const Op& op, Opcode code) const {
    const Op* made = definer_[in_.OperandsOf(op)[0].index];
    while (made != nullptr && made->code == Opcode::kCast) made = definer_[in_.OperandsOf(*made)[0].index];
    return made != nullptr && made->code == code ? made : nullptr;
  }

  void Append(const Op& op, uint32_t text) {
    if (module_.text({text}).empty()) return;
    if (first_ == nullptr) {
      first_ = &op;
      only_ = text;
    } else {
      if (only_) joined_ = module_.text({*only_});
      only_.reset();
      joined_ += module_.text({text});
    }
  }

  void Flush() {
    if (first_ == nullptr) return;
    ir::OpFields fields;
    fields.imm = only_ ? *only_ : module_.AddText(joined_).index;
    fields.order = first_->order;
    fields.span = first_->span;
    out_.Effect(Opcode::kEmitText, {}, fields);
    first_ = nullptr;
    only_.reset();
    joined_.clear();
  }

  // The region's operations take the place of the branch; not when it ends in a trap.
  bool Splice(const Region& region) {
    const std::span<const Op> ops = in_.OpsOf(region);
    if (ops.back().code != Opcode::kYield) return false;
    for (const Op& inner : ops.first(ops.size() - 1)) Emit(inner);
    return true;
  }

  ir::Module& module_;
  std::vector<const Op*> definer_;  // by value; null: a parameter
  // Static text not yet in the output: of one operation, or of several.
  const Op* first_ = nullptr;
  std::optional<uint32_t> only_;
  std::string joined_;
};

}  // namespace

ir::Function Segments(ir::Module& module, const ir::Function& function) {
  if (function.kind != ir::FunctionKind::kTemplate) return function;
  return Segmenter(module, function).Run();
}

}  // namespace jade::passes
