#include "compiler/passes/rewriter.h"

namespace jade::passes {

using ir::ValueId;

Rewriter::Rewriter(const ir::Function& function)
    : in_(function), out_(function.name, function.kind, function.result), values_(function.values.size()) {}

ir::Function Rewriter::Run() {
  out_.SetPlace(in_.file, in_.span);
  for (const ir::Site& site : in_.sites) out_.AddSite(site);
  for (uint32_t i = 0; i < in_.body().param_count; ++i) {
    values_[in_.body().first_param + i] = out_.Parameter(in_.parameter_names[i], in_.ParameterType(i));
  }
  EmitBody(in_.body());
  return out_.Finish();
}

void Rewriter::EmitBody(const ir::Region& region) {
  for (const ir::Op& op : in_.OpsOf(region)) Emit(op);
}

std::vector<ValueId> Rewriter::Mapped(std::span<const ValueId> operands) const {
  std::vector<ValueId> mapped;
  mapped.reserve(operands.size());
  for (ValueId operand : operands) mapped.push_back(values_[operand.index]);
  return mapped;
}

ir::OpFields Rewriter::FieldsOf(const ir::Op& op) const {
  ir::OpFields fields;
  fields.imm = op.imm;
  fields.site = op.site;
  fields.span = op.span;
  fields.aux = in_.AuxOf(op);
  fields.order = op.order;
  if (op.result.valid()) fields.future = in_.values[op.result.index].future;
  return fields;
}

void Rewriter::CopyParams(const ir::Region& region) {
  for (uint32_t i = 0; i < region.param_count; ++i) {
    const ir::ValueInfo& info = in_.values[region.first_param + i];
    values_[region.first_param + i] = out_.RegionParameter(info.type, info.future);
  }
}

void Rewriter::Copy(const ir::Op& op) {
  const std::vector<ValueId> operands = Mapped(in_.OperandsOf(op));
  const ir::OpFields fields = FieldsOf(op);
  if (op.region_count == 0) {
    if (!op.result.valid()) return out_.Effect(op.code, operands, fields);
    values_[op.result.index] = out_.Op(op.code, operands, in_.values[op.result.index].type, fields);
    return;
  }
  const ir::FunctionBuilder::Pending pending =
      op.result.valid() ? out_.Begin(op.code, operands, op.region_count, in_.values[op.result.index].type, fields)
                        : out_.BeginEffect(op.code, operands, op.region_count, fields);
  for (uint32_t r = 0; r < op.region_count; ++r) {
    const ir::Region& region = in_.RegionOf(op, r);
    out_.OpenRegion(pending, r);
    CopyParams(region);
    EmitBody(region);
    out_.CloseRegion();
  }
  if (op.result.valid()) values_[op.result.index] = pending.result;
}

}  // namespace jade::passes
