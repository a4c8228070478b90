#include "compiler/passes/fold.h"

#include <bit>
#include <optional>
#include <unordered_map>
#include <utility>

#include "compiler/abi/value.h"
#include "compiler/ir/scalar.h"
#include "compiler/passes/rewriter.h"

namespace jade::passes {
namespace {

using abi::Value;
using abi::ValueKind;
using ir::Op;
using ir::Opcode;
using ir::Region;
using ir::ValueId;
using types::TypeId;
using types::TypeTable;

constexpr size_t kMaxText = size_t{64} << 10;  // bytes of a folded text: below any bound a run may have on values

// What is known of a value of the output.
struct Known {
  std::optional<Value> constant;  // Bool, Int, Float, Text or none
  std::optional<Opcode> made_by;  // list, record, enum, some: of `parts`
  uint32_t case_index = 0;        // of an enum
  std::vector<ValueId> parts;
};

class Folder final : public Rewriter {
 public:
  Folder(ir::Module& module, const ir::Function& function) : Rewriter(function), module_(module) {}

 private:
  void Emit(const Op& op) override {
    if (op.code >= Opcode::kIntAdd && op.code <= Opcode::kOr && FoldScalar(op)) return;
    if (FoldText(op) || FoldPart(op) || FoldBranch(op)) return;
    Copy(op);
    if (op.code == Opcode::kEnter) return LearnEntered(op);
    Learn(op);
  }

  // An inlined frame gives what its region ends with: a value from outside, or a constant.
  void LearnEntered(const Op& op) {
    const Op& end = in_.OpsOf(in_.RegionOf(op, 0)).back();
    if (end.code != Opcode::kYield) return;
    const ValueId given = Operand(end, 0);
    const ValueId result = values_[op.result.index];
    if (given.index < result.index) {
      Replace(op, given);
    } else if (const Known* known = KnownOf(given); known != nullptr && known->constant) {
      const Known same = *known;
      known_.insert_or_assign(result.index, same);
    }
  }

  const Known* KnownOf(ValueId value) const {
    const auto found = known_.find(value.index);
    return found == known_.end() ? nullptr : &found->second;
  }
  const Value* ConstantOf(const Op& op, uint32_t i) const {
    if (i >= op.operand_count) return nullptr;
    const Known* known = KnownOf(Operand(op, i));
    return known != nullptr && known->constant ? &*known->constant : nullptr;
  }

  void Learn(const Op& op) {
    if (!op.result.valid()) return;
    Known known;
    switch (op.code) {
      case Opcode::kConstBool:
        known.constant = Value::Bool(op.imm != 0);
        break;
      case Opcode::kConstInt:
        known.constant = Value::Int(op.imm);
        break;
      case Opcode::kConstFloat:
        known.constant = Value::Float(std::bit_cast<double>(op.imm));
        break;
      case Opcode::kConstText:
        known.constant = Value::Text(module_.text({static_cast<uint32_t>(op.imm)}));
        break;
      case Opcode::kNone:
        known.constant = Value::None();
        break;
      case Opcode::kCast:  // the same value by another name
        if (const Known* same = KnownOf(Operand(op, 0))) known = *same;
        break;
      case Opcode::kSome:
      case Opcode::kList:
      case Opcode::kRecord:
      case Opcode::kEnum:
        known.made_by = op.code;
        known.case_index = static_cast<uint32_t>(op.imm);
        known.parts = Mapped(in_.OperandsOf(op));
        break;
      default:
        return;
    }
    known_.insert_or_assign(values_[op.result.index].index, std::move(known));
  }

  // ---- replacing

  // The operation's value is `value`; false when that is of another type by name.
  bool Replace(const Op& op, ValueId value) {
    if (!(out_.info(value) == in_.values[op.result.index])) return false;
    values_[op.result.index] = value;
    return true;
  }

  // At the place of `op`.
  ValueId MakeConstant(const Op& op, Opcode code, TypeId type, int64_t imm) {
    ir::OpFields fields;
    fields.imm = imm;
    fields.order = op.order;
    fields.span = op.span;
    return out_.Op(code, {}, type, fields);
  }

  bool ReplaceByConstant(const Op& op, Value value) {
    Opcode code = Opcode::kConstInt;
    TypeId type = TypeTable::Int();
    int64_t imm = 0;
    switch (value.kind()) {
      case ValueKind::kBool:
        code = Opcode::kConstBool, type = TypeTable::Bool(), imm = value.as_bool() ? 1 : 0;
        break;
      case ValueKind::kInt:
        imm = value.as_int();
        break;
      case ValueKind::kFloat:
        code = Opcode::kConstFloat, type = TypeTable::Float(), imm = std::bit_cast<int64_t>(value.as_float());
        break;
      case ValueKind::kText:
        code = Opcode::kConstText, type = TypeTable::Text(), imm = module_.AddText(value.as_text()).index;
        break;
      default:
        return false;
    }
    if (in_.values[op.result.index].type != type) return false;
    const ValueId made = MakeConstant(op, code, type, imm);
    known_[made.index].constant = std::move(value);
    values_[op.result.index] = made;
    return true;
  }

  // ---- scalars

  bool FoldScalar(const Op& op) {
    const Value* a = ConstantOf(op, 0);
    const Value* b = ConstantOf(op, 1);
    if (op.code == Opcode::kAnd || op.code == Opcode::kOr) return FoldLogic(op, a, b);
    if (a == nullptr || (op.operand_count > 1 && b == nullptr)) return false;
    if (op.code <= Opcode::kIntNeg) {
      int64_t result = 0;
      const bool traps = ir::ApplyInt(op.code, a->as_int(), b != nullptr ? b->as_int() : 0, &result).has_value();
      return !traps && ReplaceByConstant(op, Value::Int(result));
    }
    if (op.code <= Opcode::kFloatNeg) {
      double result = 0;
      const bool traps =
          ir::ApplyFloat(op.code, a->as_float(), b != nullptr ? b->as_float() : 0.0, &result).has_value();
      return !traps && ReplaceByConstant(op, Value::Float(result));
    }
    if (op.code == Opcode::kIntToFloat) return ReplaceByConstant(op, Value::Float(static_cast<double>(a->as_int())));
    if (op.code == Opcode::kNot) return ReplaceByConstant(op, Value::Bool(!a->as_bool()));
    return ReplaceByConstant(op, Value::Bool(ir::ApplyComparison(op.code, *a, *b)));
  }

  // true and x is x; false and x is false, since x has no effect; the like of `or`.
  bool FoldLogic(const Op& op, const Value* a, const Value* b) {
    const bool neutral = op.code == Opcode::kAnd;
    if (a != nullptr) return a->as_bool() == neutral ? Replace(op, Operand(op, 1)) : Replace(op, Operand(op, 0));
    if (b != nullptr) return b->as_bool() == neutral ? Replace(op, Operand(op, 0)) : Replace(op, Operand(op, 1));
    return false;
  }

  // ---- text

  bool FoldText(const Op& op) {
    if (op.code == Opcode::kDisplay) {
      if (const Value* value = ConstantOf(op, 0)) {
        return ReplaceByConstant(op, Value::Text(value->is_none() ? "" : abi::DisplayText(*value)));
      }
      return Replace(op, Operand(op, 0));  // of a Text: itself
    }
    return op.code == Opcode::kTextConcat && JoinTexts(op);
  }

  // Neighbouring constants become one, empty ones go; what is left of one part is that part.
  bool JoinTexts(const Op& op) {
    std::vector<ValueId> parts;
    std::vector<ValueId> run;  // neighbouring constants
    std::string joined;        // their text
    const auto flush = [&] {
      if (run.size() == 1) {
        parts.push_back(run[0]);
      } else if (!run.empty()) {
        parts.push_back(MakeConstant(op, Opcode::kConstText, TypeTable::Text(), module_.AddText(joined).index));
        known_[parts.back().index].constant = Value::Text(joined);
      }
      run.clear();
      joined.clear();
    };
    for (uint32_t i = 0; i < op.operand_count; ++i) {
      const Value* constant = ConstantOf(op, i);
      if (constant == nullptr || joined.size() + constant->as_text().size() > kMaxText) {
        flush();
        parts.push_back(Operand(op, i));
      } else if (!constant->as_text().empty()) {
        run.push_back(Operand(op, i));
        joined += constant->as_text();
      }
    }
    flush();
    if (parts.empty()) return ReplaceByConstant(op, Value::Text(""));
    if (parts.size() == 1 && Replace(op, parts[0])) return true;
    if (parts.size() == op.operand_count) return false;
    values_[op.result.index] = out_.Op(op.code, parts, in_.values[op.result.index].type, FieldsOf(op));
    return true;
  }

  // ---- parts of values

  bool FoldPart(const Op& op) {
    if (op.code != Opcode::kField && op.code != Opcode::kIndex) return false;
    const Known* whole = KnownOf(Operand(op, 0));
    if (whole == nullptr) return false;
    if (op.code == Opcode::kField) {
      return whole->made_by == Opcode::kRecord && Replace(op, whole->parts[static_cast<size_t>(op.imm)]);
    }
    const Value* index = ConstantOf(op, 1);
    if (whole->made_by != Opcode::kList || index == nullptr) return false;
    const int64_t i = index->as_int();
    return i >= 0 && i < static_cast<int64_t>(whole->parts.size()) && Replace(op, whole->parts[static_cast<size_t>(i)]);
  }

  // ---- branches

  bool FoldBranch(const Op& op) {
    if (op.code == Opcode::kIf) {
      const Value* condition = ConstantOf(op, 0);
      return condition != nullptr && Splice(op, in_.RegionOf(op, condition->as_bool() ? 0 : 1), {});
    }
    if (op.code == Opcode::kRepeat) {
      const Value* count = ConstantOf(op, 0);
      return count != nullptr && count->as_int() <= 0 && Replace(op, Operand(op, 1));
    }
    if (op.code != Opcode::kSwitch) return false;
    const Known* subject = KnownOf(Operand(op, 0));
    if (subject == nullptr) return false;
    const bool none = subject->constant && subject->constant->is_none();
    if (!none && subject->made_by != Opcode::kEnum && subject->made_by != Opcode::kSome) return false;
    const uint32_t chosen = none ? 0 : subject->made_by == Opcode::kSome ? 1 : subject->case_index;
    const std::vector<ValueId> payload = subject->parts;
    return Splice(op, in_.RegionOf(op, in_.AuxOf(op)[chosen]), payload);
  }

  // The region's operations take the place of the operation; false when the region ends in a trap.
  bool Splice(const Op& op, const Region& region, const std::vector<ValueId>& arguments) {
    const std::span<const Op> ops = in_.OpsOf(region);
    const Op& end = ops.back();
    if (end.code != Opcode::kYield || region.param_count > arguments.size()) return false;
    for (uint32_t i = 0; i < region.param_count; ++i) {
      if (!(out_.info(arguments[i]) == in_.values[region.first_param + i])) return false;
    }
    for (uint32_t i = 0; i < region.param_count; ++i) values_[region.first_param + i] = arguments[i];
    for (const Op& inner : ops.first(ops.size() - 1)) Emit(inner);
    const ValueId value = Operand(end, 0);
    if (Replace(op, value)) return true;
    // The arm's value is of the result's type by another name.
    ir::OpFields fields;
    fields.order = op.order;
    fields.span = op.span;
    values_[op.result.index] = out_.Op(Opcode::kCast, {value}, in_.values[op.result.index].type, fields);
    return true;
  }

  ir::Module& module_;
  std::unordered_map<uint32_t, Known> known_;  // by value of the output
};

}  // namespace

ir::Function Fold(ir::Module& module, const ir::Function& function) {
  return Folder(module, function).Run();
}

}  // namespace jade::passes
