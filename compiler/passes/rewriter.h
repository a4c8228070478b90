#pragma once
// Copies a function operation by operation. A pass derives from it and says what becomes of the operations it knows;
// the rest is carried over with its place in program order, its site and its span. One function, one thread.

#include <span>
#include <vector>

#include "compiler/ir/builder.h"

namespace jade::passes {

class Rewriter {
 public:
  explicit Rewriter(const ir::Function& function);
  virtual ~Rewriter() = default;
  Rewriter(const Rewriter&) = delete;
  Rewriter& operator=(const Rewriter&) = delete;

  ir::Function Run();

 protected:
  // What becomes of one operation: copied, unless a pass knows better. An operation with a result must leave a value
  // for it in `values_`, or must have no uses left.
  virtual void Emit(const ir::Op& op) { Copy(op); }
  // What becomes of the operations of a region that is open in the output, the terminator with them.
  virtual void EmitBody(const ir::Region& region);

  // The operation with its operands as they are called in the output, and its regions by EmitBody.
  void Copy(const ir::Op& op);
  void CopyParams(const ir::Region& region);
  ir::OpFields FieldsOf(const ir::Op& op) const;
  std::vector<ir::ValueId> Mapped(std::span<const ir::ValueId> operands) const;
  ir::ValueId Mapped(ir::ValueId value) const { return values_[value.index]; }
  ir::ValueId Operand(const ir::Op& op, uint32_t i) const { return values_[in_.OperandsOf(op)[i].index]; }

  const ir::Function& in_;
  ir::FunctionBuilder out_;
  std::vector<ir::ValueId> values_;  // of the input, as they are called in the output
};

}  // namespace jade::passes
