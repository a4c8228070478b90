#include "compiler/ir/builder.h"

#include "compiler/result/check.h"

namespace jade::ir {

FunctionBuilder::FunctionBuilder(std::string name, FunctionKind kind, types::TypeId result) {
  function_.name = std::move(name);
  function_.kind = kind;
  function_.result = result;
  function_.ops.reserve(16);
  function_.values.reserve(16);
  function_.operands.reserve(32);
  function_.regions.emplace_back();
  region_ops_.emplace_back();
  open_.push_back(0);
}

ValueId FunctionBuilder::Parameter(std::string name, types::TypeId type) {
  JADE_CHECK(function_.ops.empty(), "parameter `{}` after an operation", name);
  function_.parameter_names.push_back(std::move(name));
  return RegionParameter(type);
}

void FunctionBuilder::SetPlace(uint32_t file, source::Span span) {
  function_.file = file;
  function_.span = span;
}

ValueId FunctionBuilder::NewValue(types::TypeId type, bool future) {
  function_.values.push_back({type, future});
  return {static_cast<uint32_t>(function_.values.size() - 1)};
}

uint32_t FunctionBuilder::Append(Opcode code, std::span<const ValueId> operands, const OpFields& fields) {
  JADE_CHECK(!open_.empty(), "operation after the end of the function");
  ir::Op op;
  op.code = code;
  op.operand_begin = static_cast<uint32_t>(function_.operands.size());
  op.operand_count = static_cast<uint32_t>(operands.size());
  function_.operands.insert(function_.operands.end(), operands.begin(), operands.end());
  op.aux_begin = static_cast<uint32_t>(function_.aux.size());
  op.aux_count = static_cast<uint32_t>(fields.aux.size());
  function_.aux.insert(function_.aux.end(), fields.aux.begin(), fields.aux.end());
  op.site = fields.site;
  op.imm = fields.imm;
  op.span = fields.span;
  op.order = fields.order != kInvalidIndex ? fields.order : next_order_;
  next_order_ = op.order + 1;
  function_.ops.push_back(op);
  uint32_t index = static_cast<uint32_t>(function_.ops.size() - 1);
  region_ops_[open_.back()].push_back(index);
  return index;
}

ValueId FunctionBuilder::Op(Opcode code, std::span<const ValueId> operands, types::TypeId type,
                            const OpFields& fields) {
  uint32_t index = Append(code, operands, fields);
  return function_.ops[index].result = NewValue(type, fields.future);
}

void FunctionBuilder::Effect(Opcode code, std::span<const ValueId> operands, const OpFields& fields) {
  Append(code, operands, fields);
}

void FunctionBuilder::Yield(std::span<const ValueId> values, source::Span span) {
  OpFields fields;
  fields.span = span;
  Append(Opcode::kYield, values, fields);
}

FunctionBuilder::Pending FunctionBuilder::BeginEffect(Opcode code, std::span<const ValueId> operands, uint32_t regions,
                                                      const OpFields& fields) {
  uint32_t index = Append(code, operands, fields);
  RegionId first{static_cast<uint32_t>(function_.regions.size())};
  function_.ops[index].first_region = first;
  function_.ops[index].region_count = regions;
  function_.regions.resize(function_.regions.size() + regions);
  region_ops_.resize(function_.regions.size());
  return {index, first, ValueId{}};
}

FunctionBuilder::Pending FunctionBuilder::Begin(Opcode code, std::span<const ValueId> operands, uint32_t regions,
                                                types::TypeId type, const OpFields& fields) {
  Pending pending = BeginEffect(code, operands, regions, fields);
  pending.result = function_.ops[pending.op].result = NewValue(type, fields.future);
  return pending;
}

void FunctionBuilder::OpenRegion(const Pending& pending, uint32_t index) {
  open_.push_back(pending.first_region.index + index);
}

ValueId FunctionBuilder::RegionParameter(types::TypeId type, bool future) {
  ValueId value = NewValue(type, future);
  Region& region = function_.regions[open_.back()];
  if (region.param_count == 0) region.first_param = value.index;
  JADE_CHECK(region.first_param + region.param_count == value.index, "region parameters must be consecutive");
  ++region.param_count;
  return value;
}

void FunctionBuilder::CloseRegion() {
  JADE_CHECK(open_.size() > 1, "no region to close");
  open_.pop_back();
}

SiteId FunctionBuilder::AddSite(Site site) {
  function_.sites.push_back(site);
  return {static_cast<uint32_t>(function_.sites.size() - 1)};
}

Function FunctionBuilder::Finish() {
  JADE_CHECK(open_.size() == 1, "{} regions left open in `{}`", open_.size() - 1, function_.name);
  std::vector<ir::Op> laid_out;
  laid_out.reserve(function_.ops.size());
  for (uint32_t r = 0; r < function_.regions.size(); ++r) {
    const std::vector<uint32_t>& ops = region_ops_[r];
    JADE_CHECK(!ops.empty() && TraitOf(function_.ops[ops.back()].code) == OpTrait::kTerminator,
               "region {} of `{}` has no end", r, function_.name);
    function_.regions[r].op_begin = static_cast<uint32_t>(laid_out.size());
    function_.regions[r].op_count = static_cast<uint32_t>(ops.size());
    for (uint32_t index : ops) laid_out.push_back(function_.ops[index]);
  }
  function_.ops = std::move(laid_out);
  open_.clear();
  return std::move(function_);
}

}  // namespace jade::ir
