#pragma once
// The checks behind op_rules.h, one class over files by subject: op_rules.cpp (values), op_rules_call.cpp (calls and
// tests), op_rules_control.cpp (control flow and templates). Private to this room.

#include <fmt/format.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/module.h"

namespace jade::ir {

using types::TypeId;
using types::TypeInfo;
using types::TypeKind;
using types::TypeTable;

class OpRules {
 public:
  OpRules(const Module& module, const Function& function, const Op& op)
      : module_(module), types_(module.types()), function_(function), op_(op), operands_(function.OperandsOf(op)) {}

  std::string Run() {
    bool awaits = op_.code == Opcode::kAwait;
    for (size_t i = 0; i < operands_.size(); ++i) {
      if (function_.values[operands_[i].index].future != (awaits && i == 0)) {
        return awaits ? "the operand is not a future" : fmt::format("operand {} is a future; only await takes one", i);
      }
    }
    bool gives_future = op_.code == Opcode::kIssue || op_.code == Opcode::kSpawn;
    if (op_.result.valid() && Value(op_.result).future != gives_future) {
      return gives_future ? "the result must be a future" : "the result cannot be a future";
    }
    Check();
    return std::move(problem_);
  }

 private:
  const ValueInfo& Value(ValueId id) const { return function_.values[id.index]; }
  TypeId Operand(size_t i) const { return i < operands_.size() ? Value(operands_[i]).type : TypeTable::Error(); }
  TypeId Result() const { return op_.result.valid() ? Value(op_.result).type : TypeTable::Error(); }
  TypeKind ResultKind() const { return types_.kind(Result()); }

  void Require(bool holds, std::string_view rule) {
    if (!holds && problem_.empty()) problem_ = rule;
  }
  // Number of operands, whether there is a result, number of regions (most: -1 is any).
  bool Shape(int operands, bool result, int least_regions = 0, int most_regions = 0) {
    if (operands >= 0 && op_.operand_count != static_cast<uint32_t>(operands)) {
      Require(false, fmt::format("takes {} operands, has {}", operands, op_.operand_count));
    }
    Require(op_.result.valid() == result, result ? "needs a result" : "has no result");
    int regions = static_cast<int>(op_.region_count);
    Require(regions >= least_regions && (most_regions < 0 || regions <= most_regions), "wrong number of regions");
    return problem_.empty();
  }
  void Types(std::initializer_list<TypeId> operands, TypeId result) {
    if (!Shape(static_cast<int>(operands.size()), true)) return;
    size_t i = 0;
    for (TypeId type : operands) Require(Operand(i++) == type, "operand of another type");
    Require(Result() == result, "result of another type");
  }
  // The region's parameters and what it yields (nothing to check when it traps).
  void Region(uint32_t index, std::initializer_list<TypeId> params, std::initializer_list<TypeId> yields) {
    const ir::Region& region = function_.RegionOf(op_, index);
    Require(region.param_count == params.size(), "region with another number of parameters");
    if (region.param_count != params.size()) return;
    uint32_t i = region.first_param;
    for (TypeId type : params)
      Require(function_.values[i++] == ValueInfo{type, false}, "region parameter of another type");
    Yields(region, yields);
  }
  void Yields(const ir::Region& region, std::initializer_list<TypeId> yields) {
    const Op& end = function_.OpsOf(region).back();
    if (end.code != Opcode::kYield) return;
    Require(end.operand_count == yields.size(), "region yields another number of values");
    if (end.operand_count != yields.size()) return;
    size_t i = 0;
    for (TypeId type : yields)
      Require(Value(function_.OperandsOf(end)[i++]).type == type, "region yields another type");
  }

  bool TextInRange(int64_t id) const { return id >= 0 && id < int64_t{module_.text_count()}; }
  void NeedText(int64_t id) { Require(TextInRange(id), "text out of range"); }

  void Check();
  void CheckScalar();
  void CheckData();
  void CheckCall();
  void CheckControl();
  void CheckEmit();
  void CheckTest();
  void CheckBuiltin();
  void CheckComparison(bool ordered);
  void CheckArguments(const std::vector<TypeId>& parameters);
  void CheckMakePlan();
  void CheckSwitch(bool emits);
  void CheckFold();
  void CheckWithin();
  bool MatchSignature(std::string_view& signature, TypeId type, std::optional<TypeId>& any);

  const Module& module_;
  const TypeTable& types_;
  const Function& function_;
  const Op& op_;
  std::span<const ValueId> operands_;
  std::string problem_;
};

}  // namespace jade::ir
