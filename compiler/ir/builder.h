#pragma once
// Builds one Function. Operations are appended to the innermost open region; regions are opened and closed like
// brackets. Values may be named as soon as they exist. One builder, one thread.
//
//   FunctionBuilder b("Twice", FunctionKind::kWorkflow, types::TypeTable::Int());
//   ValueId n = b.Parameter("n", types::TypeTable::Int());
//   ValueId two = b.Op(Opcode::kConstInt, {}, Int(), {.imm = 2});
//   b.Yield({b.Op(Opcode::kIntMul, {n, two}, Int())});
//   Function f = b.Finish();
//
// An operation with regions:
//   OpBuilder op = b.Begin(Opcode::kIf, {cond}, T);  b.OpenRegion(op, 0); … b.Yield({x}); b.CloseRegion(); … b.End(op)

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/function.h"

namespace jade::ir {

struct OpFields {
  int64_t imm = 0;
  SiteId site;
  source::Span span;
  std::span<const uint32_t> aux;
  bool future = false;             // the result is a future of the type given
  uint32_t order = kInvalidIndex;  // default: the next in program order
};

class FunctionBuilder {
 public:
  FunctionBuilder(std::string name, FunctionKind kind, types::TypeId result);

  // Before the first operation.
  ValueId Parameter(std::string name, types::TypeId type);
  void SetPlace(uint32_t file, source::Span span);

  // Appends an operation without regions; its result.
  ValueId Op(Opcode code, std::span<const ValueId> operands, types::TypeId type, const OpFields& fields = {});
  ValueId Op(Opcode code, std::initializer_list<ValueId> operands, types::TypeId type, const OpFields& fields = {}) {
    return Op(code, std::span<const ValueId>(operands.begin(), operands.size()), type, fields);
  }
  // Appends an operation without a result.
  void Effect(Opcode code, std::span<const ValueId> operands, const OpFields& fields = {});
  void Yield(std::span<const ValueId> values, source::Span span = {});
  void Yield(std::initializer_list<ValueId> values, source::Span span = {}) {
    Yield(std::span<const ValueId>(values.begin(), values.size()), span);
  }

  // Starts an operation with `regions` regions. It stands in the current region where it was begun. The result exists
  // (and may be used) once every region was opened and closed.
  struct Pending {
    uint32_t op = kInvalidIndex;
    RegionId first_region;
    ValueId result;
  };
  Pending Begin(Opcode code, std::span<const ValueId> operands, uint32_t regions, types::TypeId type,
                const OpFields& fields = {});
  Pending BeginEffect(Opcode code, std::span<const ValueId> operands, uint32_t regions, const OpFields& fields = {});
  void OpenRegion(const Pending& pending, uint32_t index);
  ValueId RegionParameter(types::TypeId type, bool future = false);  // directly after OpenRegion
  void CloseRegion();

  SiteId AddSite(Site site);
  uint32_t NextOrder() const { return next_order_; }
  const ValueInfo& info(ValueId value) const { return function_.values[value.index]; }

  // Lays the regions out. Every region must be closed and end in kYield (JADE_CHECK).
  Function Finish();

 private:
  uint32_t Append(Opcode code, std::span<const ValueId> operands, const OpFields& fields);
  ValueId NewValue(types::TypeId type, bool future);

  Function function_;                              // ops in order of creation until Finish
  std::vector<std::vector<uint32_t>> region_ops_;  // op indices by region
  std::vector<uint32_t> open_;                     // stack of region indices
  uint32_t next_order_ = 0;
};

}  // namespace jade::ir
