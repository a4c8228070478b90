// Templates: as segments of a prompt, and as a Text.

#include "compiler/ir/builtin.h"
#include "compiler/lower/body_lowerer.h"

namespace jade::lower {

using ir::Opcode;
using ir::ValueId;
using types::TypeTable;

ValueId BodyLowerer::Display(ValueId value, source::Span span) {
  types::TypeId type = TypeOf(value);
  if (types_.BaseOf(type) == TypeTable::Text()) return Coerce(value, TypeTable::Text(), span);
  return Op(Opcode::kDisplay, {value}, TypeTable::Text(), span);
}

void BodyLowerer::EmitParts(const std::vector<ast::TemplatePart>& parts) {
  for (const ast::TemplatePart& part : parts) {
    switch (part.kind) {
      case ast::PartKind::kText:
        builder_.Effect(Opcode::kEmitText, {}, At(part.span, module_.module().AddText(part.text).index));
        break;
      case ast::PartKind::kHole: {
        ValueId text = Display(Lower(*part.value), part.span);
        builder_.Effect(Opcode::kEmit, std::span<const ValueId>(&text, 1), At(part.span));
        break;
      }
      case ast::PartKind::kFor: {
        ValueId list = LowerAsList(*part.value);
        auto pending = builder_.BeginEffect(Opcode::kEmitFor, std::span<const ValueId>(&list, 1), 1, At(part.span));
        builder_.OpenRegion(pending, 0);
        Bind(part.element.id, builder_.RegionParameter(types_.ElementOf(TypeOf(list))));
        builder_.RegionParameter(TypeTable::Int());
        EmitParts(part.parts);
        builder_.Yield({});
        builder_.CloseRegion();
        break;
      }
      case ast::PartKind::kIf:
        EmitArms(part.arms, 0, ConditionCount(part.arms) + 1, SelectTemplateArm(part.arms, part.span));
        break;
    }
  }
}

size_t BodyLowerer::ConditionCount(const TemplateArms& arms) {
  return arms.back().condition == nullptr ? arms.size() - 1 : arms.size();
}

// In a long chain, the number of the arm taken; else nothing.
ValueId BodyLowerer::SelectTemplateArm(const TemplateArms& arms, source::Span span) {
  size_t count = ConditionCount(arms);
  if (count <= kFlatArms) return {};
  auto condition = [&](size_t arm) { return LowerAs(*arms[arm].condition, TypeTable::Bool()); };
  return SelectArm(condition, 0, count, count, span);
}

void BodyLowerer::EmitArms(const TemplateArms& arms, size_t begin, size_t end, ValueId selected) {
  if (end - begin == 1) {
    if (begin < arms.size()) EmitParts(arms[begin].parts);
    return;
  }
  source::Span span = arms[begin].span;
  size_t middle = selected.valid() ? begin + (end - begin) / 2 : begin + 1;
  ValueId condition =
      selected.valid() ? ArmBelow(selected, middle, span) : LowerAs(*arms[begin].condition, TypeTable::Bool());
  auto pending = builder_.BeginEffect(Opcode::kEmitIf, std::span<const ValueId>(&condition, 1), 2, At(span));
  builder_.OpenRegion(pending, 0);
  EmitArms(arms, begin, middle, selected);
  builder_.Yield({});
  builder_.CloseRegion();
  builder_.OpenRegion(pending, 1);
  EmitArms(arms, middle, end, selected);
  builder_.Yield({});
  builder_.CloseRegion();
}

ValueId BodyLowerer::TemplateText(const std::vector<ast::TemplatePart>& parts, source::Span span) {
  std::vector<ValueId> pieces;
  for (const ast::TemplatePart& part : parts) {
    switch (part.kind) {
      case ast::PartKind::kText:
        pieces.push_back(Text(part.text, part.span));
        break;
      case ast::PartKind::kHole:
        pieces.push_back(Display(Lower(*part.value), part.span));
        break;
      case ast::PartKind::kFor: {
        // The texts of the rounds, joined with nothing between.
        ValueId list = LowerAsList(*part.value);
        types::TypeId texts = text_list_;
        auto pending = builder_.Begin(each_, std::span<const ValueId>(&list, 1), 1, texts, At(part.span));
        builder_.OpenRegion(pending, 0);
        Bind(part.element.id, builder_.RegionParameter(types_.ElementOf(TypeOf(list))));
        builder_.RegionParameter(TypeTable::Int());
        builder_.Yield({TemplateText(part.parts, part.span)});
        builder_.CloseRegion();
        ValueId nothing = Text("", part.span);
        pieces.push_back(Op(Opcode::kBuiltin, {pending.result, nothing}, TypeTable::Text(), part.span,
                            static_cast<int64_t>(ir::Builtin::kJoin)));
        break;
      }
      case ast::PartKind::kIf:
        pieces.push_back(
            ArmsText(part.arms, 0, ConditionCount(part.arms) + 1, SelectTemplateArm(part.arms, part.span), part.span));
        break;
    }
  }
  if (pieces.empty()) return Text("", span);
  if (pieces.size() == 1) return pieces[0];
  return builder_.Op(Opcode::kTextConcat, pieces, TypeTable::Text(), At(span));
}

ValueId BodyLowerer::ArmsText(const TemplateArms& arms, size_t begin, size_t end, ValueId selected, source::Span span) {
  if (end - begin == 1) return begin < arms.size() ? TemplateText(arms[begin].parts, span) : Text("", span);
  size_t middle = selected.valid() ? begin + (end - begin) / 2 : begin + 1;
  ValueId condition =
      selected.valid() ? ArmBelow(selected, middle, span) : LowerAs(*arms[begin].condition, TypeTable::Bool());
  return Branch(
      condition, TypeTable::Text(), span, [&] { return ArmsText(arms, begin, middle, selected, span); },
      [&] { return ArmsText(arms, middle, end, selected, span); });
}

}  // namespace jade::lower
