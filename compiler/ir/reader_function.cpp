#include <bit>

#include "compiler/abi/trap.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/builtin.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/reader_state.h"

namespace jade::ir {
namespace {

using types::TypeId;

std::optional<abi::TrapKind> TrapKindOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(abi::TrapKind::kCancelled); ++i) {
    if (abi::TrapKindName(static_cast<abi::TrapKind>(i)) == name) return static_cast<abi::TrapKind>(i);
  }
  return std::nullopt;
}

// Fills a Function directly, as its text has values and regions in the order the tables want them.
class FunctionReader {
 public:
  FunctionReader(ReaderState& state, FunctionKind kind) : state_(state) { function_.kind = kind; }

  void Run() {
    function_.name = state_.Name("the name of a function");
    FunctionId id = state_.failed() ? FunctionId{} : state_.module->FindFunction(function_.name);
    function_.regions.emplace_back();
    region_ops_.emplace_back();
    state_.Expect("(");
    while (!state_.failed() && !state_.AtPunct(")")) {
      if (!function_.parameter_names.empty()) state_.Expect(",");
      DefineParameter(0);
      function_.parameter_names.push_back(state_.Name("the name of a parameter"));
    }
    state_.Expect(")");
    state_.Expect("->");
    function_.result = state_.Type();
    function_.file = state_.File();
    function_.span = state_.Span();
    state_.Expect("{");
    ReadOps(0, 0);
    if (state_.failed()) return;
    LayOut();
    state_.module->SetFunction(id, std::move(function_));
  }

 private:
  void ReadOps(uint32_t region, uint32_t depth) {
    if (depth > kMaxRegionDepth) return state_.Fail("regions are nested too deeply");
    while (!state_.failed() && !state_.AtPunct("}")) ReadOp(region, depth);
    state_.Expect("}");
  }

  // "%4: future Query": values are numbered in the order they appear.
  ValueId Define() {
    ValueId expected{static_cast<uint32_t>(function_.values.size())};
    if (state_.token.kind != TokenKind::kValue || Number() != expected.index) {
      state_.FailExpecting(fmt::format("`%{}`", expected.index));
      return {};
    }
    state_.Advance();
    state_.Expect(":");
    ValueInfo info;
    info.future = state_.TakeWord("future");
    info.type = state_.Type();
    function_.values.push_back(info);
    return expected;
  }

  void DefineParameter(uint32_t region) {
    ValueId value = Define();
    Region& owner = function_.regions[region];
    if (owner.param_count++ == 0) owner.first_param = value.index;
  }

  uint32_t Number() const {
    uint32_t number = kInvalidIndex;
    std::string_view digits = state_.token.spelling;
    if (!digits.empty()) digits.remove_prefix(1);
    auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() ? number : kInvalidIndex;
  }

  void ReadOp(uint32_t region, uint32_t depth) {
    Op op;
    op.span = {};
    TypeId result_type;
    if (state_.token.kind == TokenKind::kValue) {
      op.result = Define();
      state_.Expect("=");
      if (!state_.failed()) result_type = function_.values[op.result.index].type;
    }
    std::string name = state_.Name("an operation");
    std::optional<Opcode> code = state_.failed() ? std::nullopt : OpcodeOf(name);
    if (!code) return state_.Fail(fmt::format("`{}` is no operation", name));
    op.code = *code;
    op.aux_begin = static_cast<uint32_t>(function_.aux.size());
    std::string field = ReadPayload(op, result_type);
    op.aux_count = static_cast<uint32_t>(function_.aux.size() - op.aux_begin);
    ReadOperands(op);
    if (op.code == Opcode::kField) ResolveField(op, field);
    if (state_.Take("@")) ReadSite(op);
    op.order = next_order_;
    if (state_.Take("!")) op.order = static_cast<uint32_t>(state_.Integer("a place in program order", 0, INT32_MAX));
    next_order_ = op.order + 1;
    op.span = state_.Span();
    std::vector<uint32_t> regions;
    while (!state_.failed() && state_.AtPunct("{")) regions.push_back(ReadRegion(depth));
    if (state_.failed()) return;
    op.region_count = static_cast<uint32_t>(regions.size());
    region_ops_[region].push_back(static_cast<uint32_t>(function_.ops.size()));
    function_.ops.push_back(op);
    op_regions_.push_back(std::move(regions));
  }

  uint32_t ReadRegion(uint32_t depth) {
    uint32_t region = static_cast<uint32_t>(function_.regions.size());
    function_.regions.emplace_back();
    region_ops_.emplace_back();
    state_.Expect("{");
    if (state_.Take("(")) {
      do {
        DefineParameter(region);
      } while (!state_.failed() && state_.Take(","));
      state_.Expect(")");
    }
    ReadOps(region, depth + 1);
    return region;
  }

  // What stands between the operation's name and its operands. The name of a field is returned, as it can be looked up
  // only when the operand is known.
  std::string ReadPayload(Op& op, TypeId result_type) {
    switch (op.code) {
      case Opcode::kConstBool:
        if (!state_.AtWord("true") && !state_.AtWord("false")) return state_.FailExpecting("true or false"), "";
        op.imm = state_.AtWord("true") ? 1 : 0;
        state_.Advance();
        return "";
      case Opcode::kConstInt:
        op.imm = state_.Integer("an integer", INT64_MIN, INT64_MAX);
        return "";
      case Opcode::kConstFloat:
        op.imm = std::bit_cast<int64_t>(state_.Float("a number"));
        return "";
      case Opcode::kConstText:
      case Opcode::kEmitText:
      case Opcode::kExpect:
        op.imm = state_.module->AddText(state_.String("a string")).index;
        return "";
      case Opcode::kParam:
        op.imm = state_.module->FindParam(state_.Name("a param"));
        if (op.imm < 0) state_.Fail("the param is not declared");
        return "";
      case Opcode::kField:
        return state_.Name("a field");
      case Opcode::kEnum:
        ReadCase(op, result_type);
        return "";
      case Opcode::kBuiltin:
        ReadBuiltin(op);
        return "";
      case Opcode::kIssue:
      case Opcode::kReply:
      case Opcode::kPenalty:
      case Opcode::kCalls:
        op.imm = state_.Callee().index;
        return "";
      case Opcode::kCall:
      case Opcode::kEnter:
      case Opcode::kMakePlan:
        op.imm = state_.Function("a function").index;
        return "";
      case Opcode::kSwitch:
      case Opcode::kEmitSwitch:
        ReadTargets();
        return "";
      case Opcode::kWithin:
        ReadLimits(op);
        return "";
      case Opcode::kTrap:
        ReadTrap(op);
        return "";
      default:
        return "";
    }
  }

  void ReadCase(Op& op, TypeId type) {
    std::string name = state_.Name("a case");
    if (state_.failed()) return;
    bool is_enum = op.result.valid() && state_.types->kind(type) == types::TypeKind::kEnum;
    op.imm = is_enum ? state_.types->CaseIndex(type, name) : -1;
    if (op.imm < 0) state_.Fail(fmt::format("the result's type has no case `{}`", name));
  }

  void ResolveField(Op& op, const std::string& name) {
    if (state_.failed()) return;
    if (op.operand_count != 1) return state_.Fail("`field` takes one operand");
    TypeId type = function_.values[function_.operands[op.operand_begin].index].type;
    bool is_record = state_.types->kind(type) == types::TypeKind::kRecord;
    op.imm = is_record ? state_.types->FieldIndex(type, name) : -1;
    if (op.imm < 0) state_.Fail(fmt::format("the operand's type has no field `{}`", name));
  }

  void ReadBuiltin(Op& op) {
    std::string name = state_.Name("a builtin");
    std::optional<Builtin> builtin = BuiltinOf(name);
    if (!builtin) return state_.Fail(fmt::format("`{}` is no builtin", name));
    op.imm = static_cast<int64_t>(*builtin);
  }

  void ReadTargets() {
    state_.Expect("[");
    while (!state_.failed() && !state_.AtPunct("]")) {
      function_.aux.push_back(static_cast<uint32_t>(state_.Integer("the number of a region", 0, INT32_MAX)));
    }
    state_.Expect("]");
  }

  void ReadLimits(Op& op) {
    static constexpr std::pair<std::string_view, BudgetBit> kLimits[] = {
        {"depth", kBudgetDepth}, {"calls", kBudgetCalls}, {"tokens", kBudgetTokens}, {"seconds", kBudgetSeconds}};
    for (const auto& [word, bit] : kLimits) {
      if (state_.TakeWord(word)) op.imm |= bit;
    }
  }

  void ReadTrap(Op& op) {
    std::optional<abi::TrapKind> kind = TrapKindOf(state_.Name("a kind of trap"));
    if (!kind) return state_.Fail("no such trap");
    op.imm = static_cast<int64_t>(*kind);
    function_.aux.push_back(state_.module->AddText(state_.String("a message")).index);
  }

  void ReadOperands(Op& op) {
    op.operand_begin = static_cast<uint32_t>(function_.operands.size());
    if (!state_.Take("(")) return;
    while (!state_.failed() && !state_.AtPunct(")")) {
      if (function_.operands.size() > op.operand_begin) state_.Expect(",");
      if (state_.failed()) return;
      uint32_t number = Number();
      if (state_.token.kind != TokenKind::kValue || number >= function_.values.size()) {
        return state_.FailExpecting("a value defined before");
      }
      function_.operands.push_back({number});
      state_.Advance();
    }
    state_.Expect(")");
    op.operand_count = static_cast<uint32_t>(function_.operands.size()) - op.operand_begin;
  }

  void ReadSite(Op& op) {
    Site site;
    std::string callee = state_.Name("the callee of a site");
    if (state_.failed()) return;
    site.callee = state_.module->AddText(callee);
    if (state_.Take(":")) {
      site.label = state_.module->AddText(state_.Name("a label"));
    } else if (state_.Take("#")) {
      site.ordinal = static_cast<uint32_t>(state_.Integer("an ordinal", 0, UINT32_MAX - 1));
    }
    op.site = {static_cast<uint32_t>(function_.sites.size())};
    function_.sites.push_back(site);
  }

  // Gives the regions of one operation consecutive ids, parents before children, and lays their operations out.
  void LayOut() {
    std::vector<Op> ops;
    std::vector<Region> regions = {function_.regions[0]};
    std::vector<uint32_t> old_ids = {0};
    ops.reserve(function_.ops.size());
    for (size_t r = 0; r < old_ids.size(); ++r) {
      const std::vector<uint32_t>& indices = region_ops_[old_ids[r]];
      regions[r].op_begin = static_cast<uint32_t>(ops.size());
      regions[r].op_count = static_cast<uint32_t>(indices.size());
      for (uint32_t index : indices) {
        Op op = function_.ops[index];
        if (op.region_count > 0) op.first_region = {static_cast<uint32_t>(old_ids.size())};
        for (uint32_t old_id : op_regions_[index]) {
          old_ids.push_back(old_id);
          regions.push_back(function_.regions[old_id]);
        }
        ops.push_back(op);
      }
    }
    function_.ops = std::move(ops);
    function_.regions = std::move(regions);
  }

  ReaderState& state_;
  Function function_;
  std::vector<std::vector<uint32_t>> region_ops_;
  std::vector<std::vector<uint32_t>> op_regions_;
  uint32_t next_order_ = 0;
};

}  // namespace

void ReadFunction(ReaderState& state, FunctionKind kind) {
  FunctionReader(state, kind).Run();
}

}  // namespace jade::ir
