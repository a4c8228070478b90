// Expressions with regions: branches, loops, scopes.

#include <array>

#include "compiler/lower/body_lowerer.h"

namespace jade::lower {

using ast::As;
using ir::Opcode;
using ir::ValueId;
using types::TypeTable;

void BodyLowerer::YieldAs(const ast::Expr& expr, TypeId type) {
  builder_.Yield({LowerAs(expr, type)}, expr.span);
}

void BodyLowerer::LowerLet(const ast::LetStmt& let) {
  ValueId value = Lower(*let.value);
  if (TypeId type = (*tables_)[let.binding.id].type; type.index < types_.size()) value = Coerce(value, type, let.span);
  Bind(let.binding.id, value);
}

ValueId BodyLowerer::LowerBlock(const ast::Block& block) {
  for (const ast::LetStmt& let : block.lets) LowerLet(let);
  return LowerAs(*block.result, info(block).type);
}

ValueId BodyLowerer::Branch(ValueId condition, TypeId type, source::Span span, const std::function<ValueId()>& then,
                            const std::function<ValueId()>& otherwise) {
  auto pending = builder_.Begin(Opcode::kIf, std::span<const ValueId>(&condition, 1), 2, type, At(span));
  builder_.OpenRegion(pending, 0);
  builder_.Yield({then()}, span);
  builder_.CloseRegion();
  builder_.OpenRegion(pending, 1);
  builder_.Yield({otherwise()}, span);
  builder_.CloseRegion();
  return pending.result;
}

// The number of the first arm in [begin, end) whose condition holds, else `count`.
ValueId BodyLowerer::SelectArm(const ArmCondition& condition, size_t begin, size_t end, size_t count,
                               source::Span span) {
  auto number = [&](size_t arm) {
    return Op(Opcode::kConstInt, {}, TypeTable::Int(), span, static_cast<int64_t>(arm));
  };
  if (end - begin == 1) {
    return Branch(
        condition(begin), TypeTable::Int(), span, [&] { return number(begin); }, [&] { return number(count); });
  }
  size_t middle = begin + (end - begin) / 2;
  ValueId first = SelectArm(condition, begin, middle, count, span);
  return Branch(
      ArmBelow(first, count, span), TypeTable::Int(), span, [&] { return first; },
      [&] { return SelectArm(condition, middle, end, count, span); });
}

ValueId BodyLowerer::ArmBelow(ValueId selected, size_t arm, source::Span span) {
  ValueId number = Op(Opcode::kConstInt, {}, TypeTable::Int(), span, static_cast<int64_t>(arm));
  return Op(Opcode::kLt, {selected, number}, TypeTable::Bool(), span);
}

ValueId BodyLowerer::LowerIf(const ast::IfExpr& expr) {
  ValueId selected;
  if (expr.arms.size() > kFlatArms) {
    auto condition = [&](size_t arm) { return LowerAs(*expr.arms[arm].condition, TypeTable::Bool()); };
    selected = SelectArm(condition, 0, expr.arms.size(), expr.arms.size(), expr.span);
  }
  return IfArms(expr, 0, expr.arms.size() + 1, selected);
}

// Arms [begin, end), of which the last may be the `else`; `selected` is valid in a long chain.
ValueId BodyLowerer::IfArms(const ast::IfExpr& expr, size_t begin, size_t end, ValueId selected) {
  TypeId type = info(expr).type;
  if (end - begin == 1) {
    const ast::Block& body = begin < expr.arms.size() ? *expr.arms[begin].body : *expr.otherwise;
    return LowerAs(body, type);
  }
  size_t middle = selected.valid() ? begin + (end - begin) / 2 : begin + 1;
  ValueId condition = selected.valid() ? ArmBelow(selected, middle, expr.span)
                                       : LowerAs(*expr.arms[begin].condition, TypeTable::Bool());
  return Branch(
      condition, type, expr.span, [&] { return IfArms(expr, begin, middle, selected); },
      [&] { return IfArms(expr, middle, end, selected); });
}

ValueId BodyLowerer::LowerMatch(const ast::MatchExpr& match) {
  TypeId type = info(match).type;
  ValueId subject = Lower(*match.subject);
  const types::TypeInfo& matched = types_[TypeOf(subject)];
  bool optional = types_.IsOptional(TypeOf(subject));
  size_t case_count = optional ? 2 : matched.cases.size();

  // Each case goes to its first arm; arms that no case goes to have no region.
  constexpr uint32_t kNoArm = UINT32_MAX;
  std::vector<uint32_t> arm_of_case(case_count, kNoArm);
  for (uint32_t a = 0; a < match.arms.size(); ++a) {
    const ast::Pattern& pattern = match.arms[a].pattern;
    auto claim = [&](size_t which) {
      if (which < case_count && arm_of_case[which] == kNoArm) arm_of_case[which] = a;
    };
    switch (pattern.kind) {
      case ast::PatternKind::kNone:
        claim(0);
        break;
      case ast::PatternKind::kSome:
        claim(1);
        break;
      case ast::PatternKind::kCase:
        claim((*tables_)[pattern.id].symbol.case_index);
        break;
      case ast::PatternKind::kWildcard:
        for (size_t c = 0; c < case_count; ++c) claim(c);
        break;
    }
  }
  std::vector<uint32_t> region_of_arm(match.arms.size(), kNoArm);
  std::vector<std::pair<uint32_t, size_t>> regions;  // arm, and a case that leads to it
  for (uint32_t a = 0; a < match.arms.size(); ++a) {
    for (size_t c = 0; c < case_count && region_of_arm[a] == kNoArm; ++c) {
      if (arm_of_case[c] != a) continue;
      region_of_arm[a] = static_cast<uint32_t>(regions.size());
      regions.emplace_back(a, c);
    }
  }
  std::vector<uint32_t> targets;
  for (uint32_t arm : arm_of_case) targets.push_back(region_of_arm[arm]);

  ir::OpFields fields = At(match.span);
  fields.aux = targets;
  auto pending = builder_.Begin(Opcode::kSwitch, std::span<const ValueId>(&subject, 1),
                                static_cast<uint32_t>(regions.size()), type, fields);
  for (uint32_t r = 0; r < regions.size(); ++r) {
    const ast::MatchArm& arm = match.arms[regions[r].first];
    builder_.OpenRegion(pending, r);
    for (size_t b = 0; b < arm.pattern.bindings.size(); ++b) {
      TypeId bound = optional ? matched.element : matched.cases[regions[r].second].payload[b].type;
      Bind(arm.pattern.bindings[b].id, builder_.RegionParameter(bound));
    }
    YieldAs(*arm.value, type);
    builder_.CloseRegion();
  }
  return pending.result;
}

ValueId BodyLowerer::LowerFold(const ast::FoldExpr& fold) {
  TypeId state = (*tables_)[fold.state.id].type;
  ValueId operands[2];
  operands[0] = LowerAsList(*fold.list);
  operands[1] = LowerAs(*fold.initial, state);
  auto pending = builder_.Begin(Opcode::kFold, operands, 1, state, At(fold.span));
  builder_.OpenRegion(pending, 0);
  Bind(fold.state.id, builder_.RegionParameter(state));
  Bind(fold.element.id, builder_.RegionParameter(types_.ElementOf(TypeOf(operands[0]))));
  builder_.RegionParameter(TypeTable::Int());
  YieldAs(*fold.body, state);
  builder_.CloseRegion();
  return pending.result;
}

// The list as a list, also where its type is a name for one.
ValueId BodyLowerer::LowerAsList(const ast::Expr& expr) {
  ValueId list = Lower(expr);
  return Coerce(list, types_.BaseOf(TypeOf(list)), expr.span);
}

ValueId BodyLowerer::LowerEach(const ast::EachExpr& each) {
  TypeId type = info(each).type;
  ValueId list = LowerAsList(*each.list);
  auto pending = builder_.Begin(each_, std::span<const ValueId>(&list, 1), 1, type, At(each.span));
  builder_.OpenRegion(pending, 0);
  Bind(each.element.id, builder_.RegionParameter(types_.ElementOf(TypeOf(list))));
  builder_.RegionParameter(TypeTable::Int());
  YieldAs(*each.body, types_.ElementOf(type));
  builder_.CloseRegion();
  return pending.result;
}

ValueId BodyLowerer::LowerComprehension(const ast::ComprehensionExpr& comprehension) {
  TypeId type = info(comprehension).type;
  ValueId list = LowerAsList(*comprehension.list);
  TypeId element = types_.ElementOf(TypeOf(list));
  bool filtered = comprehension.condition != nullptr;
  auto pending =
      builder_.Begin(each_, std::span<const ValueId>(&list, 1), filtered ? 2 : 1, type, At(comprehension.span));
  // The filter runs first, so its calls come first.
  for (uint32_t region = filtered ? 1 : 0; region != UINT32_MAX; --region) {
    builder_.OpenRegion(pending, region);
    Bind(comprehension.element.id, builder_.RegionParameter(element));
    builder_.RegionParameter(TypeTable::Int());
    if (region == 1) {
      YieldAs(*comprehension.condition, TypeTable::Bool());
    } else {
      YieldAs(*comprehension.value, types_.ElementOf(type));
    }
    builder_.CloseRegion();
  }
  return pending.result;
}

ValueId BodyLowerer::LowerRepeat(const ast::RepeatExpr& repeat) {
  TypeId state = (*tables_)[repeat.state.id].type;
  ValueId operands[2];
  operands[0] = LowerAs(*repeat.limit, TypeTable::Int());
  operands[1] = LowerAs(*repeat.initial, state);
  auto pending = builder_.Begin(Opcode::kRepeat, operands, 1, state, At(repeat.span));
  builder_.OpenRegion(pending, 0);
  Bind(repeat.state.id, builder_.RegionParameter(state));
  ValueId next = LowerAs(*repeat.body, state);
  Bind(repeat.state.id, next);
  ValueId done = repeat.condition != nullptr ? LowerAs(*repeat.condition, TypeTable::Bool())
                                             : Op(Opcode::kConstBool, {}, TypeTable::Bool(), repeat.span, 0);
  builder_.Yield({next, done}, repeat.span);
  builder_.CloseRegion();
  return pending.result;
}

ValueId BodyLowerer::LowerRun(const ast::RunExpr& run) {
  ValueId plan = Lower(*run.plan);
  const types::TypeInfo& type = types_[TypeOf(plan)];
  ValueId input = LowerAs(*run.input, type.element);
  ir::OpFields fields = At(run.span);
  fields.site = NewSite("run", nullptr);
  return builder_.Op(Opcode::kRun, {plan, input}, type.result, fields);
}

ValueId BodyLowerer::LowerWithin(const ast::WithinExpr& within) {
  static constexpr std::array<std::string_view, 4> kNames = {"depth", "calls", "tokens", "seconds"};
  std::array<ValueId, 4> limits;
  for (const ast::Limit& limit : within.limits) {
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (limit.name.text != kNames[i]) continue;
      limits[i] = Lower(*limit.value);
      if (i == 3 && TypeOf(limits[i]) == TypeTable::Int()) {
        limits[i] = Op(Opcode::kIntToFloat, {limits[i]}, TypeTable::Float(), limit.value->span);
      }
    }
  }
  int64_t bits = 0;
  std::vector<ValueId> operands;
  for (size_t i = 0; i < limits.size(); ++i) {
    if (!limits[i].valid()) continue;
    bits |= int64_t{1} << i;
    operands.push_back(limits[i]);
  }
  TypeId type = info(within).type;
  uint32_t regions = within.fallback != nullptr ? 2 : 1;
  auto pending = builder_.Begin(Opcode::kWithin, operands, regions, type, At(within.span, bits));
  builder_.OpenRegion(pending, 0);
  YieldAs(*within.body, type);
  builder_.CloseRegion();
  if (within.fallback != nullptr) {
    builder_.OpenRegion(pending, 1);
    YieldAs(*within.fallback, type);
    builder_.CloseRegion();
  }
  return pending.result;
}

void BodyLowerer::LowerTestStep(const ast::TestStep& step) {
  ir::OpFields fields = At(step.span);
  switch (step.kind) {
    case ast::TestStepKind::kLet:
      return LowerLet(step.let);
    case ast::TestStepKind::kReply: {
      std::vector<ValueId> replies;
      for (const ast::ExprPtr& reply : step.replies) replies.push_back(Lower(*reply));
      const sema::Program& program = module_.program();
      ir::CalleeId callee = module_.ids().callees[program.Find(step.callee.text)];
      for (ValueId& reply : replies) {
        // A nominal text is what the model writes; anything else is a tool's result.
        bool text = types_.BaseOf(TypeOf(reply)) == TypeTable::Text();
        reply = Coerce(reply, text ? TypeTable::Text() : module_.module().callee(callee).signature.result, step.span);
      }
      fields.imm = callee.index;
      return builder_.Effect(Opcode::kReply, replies, fields);
    }
    case ast::TestStepKind::kExpect: {
      fields.imm = module_.module().AddText(file_->Text(step.condition->span)).index;
      const auto* binary = As<ast::BinaryExpr>(step.condition);
      bool compares =
          binary != nullptr && binary->op >= ast::BinaryOp::kEqual && binary->op <= ast::BinaryOp::kGreaterEqual;
      std::vector<ValueId> operands = {ValueId{}};
      operands[0] = LowerAs(*step.condition, TypeTable::Bool());
      if (compares) {
        operands.push_back(compared_[0]);
        operands.push_back(compared_[1]);
      }
      return builder_.Effect(Opcode::kExpect, operands, fields);
    }
  }
}

}  // namespace jade::lower
