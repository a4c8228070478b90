#include "compiler/lower/body_lowerer.h"

#include <bit>

#include "compiler/ir/builtin.h"
#include "compiler/ir/verifier.h"

namespace jade::lower {

using ast::As;
using ast::ExprKind;
using ir::Opcode;
using ir::ValueId;
using sema::Conversion;
using sema::SymbolKind;
using types::TypeTable;

void BodyLowerer::BindParameters(const sema::Declaration& declaration) {
  const ast::Callable* callable = ast::AsCallable(declaration.decl);
  for (size_t i = 0; i < declaration.signature.parameters.size(); ++i) {
    const types::Parameter& parameter = declaration.signature.parameters[i];
    ValueId value = builder_.Parameter(parameter.name, parameter.type);
    if (callable != nullptr) Bind(callable->parameters[i].id, value);
  }
}

ValueId BodyLowerer::Coerce(ValueId value, TypeId type, source::Span span) {
  TypeId from = TypeOf(value);
  if (from == type) return value;
  if (types_.IsOptional(type) && !types_.IsOptional(from)) {
    return Op(Opcode::kSome, {Coerce(value, types_.ElementOf(type), span)}, type, span);
  }
  JADE_CHECK(ir::SameRepresentation(types_, from, type), "{} where {} is expected", types_.Name(from),
             types_.Name(type));
  return Op(Opcode::kCast, {value}, type, span);
}

ValueId BodyLowerer::Lower(const ast::Expr& expr) {
  const sema::NodeInfo& node = info(expr);
  switch (node.conversion) {
    case Conversion::kNone:
      return LowerValue(expr);
    case Conversion::kRetype:
      // The empty forms take the type they are wanted at.
      if (expr.kind == ExprKind::kNone) return Op(Opcode::kNone, {}, node.converted, expr.span);
      if (const auto* list = As<ast::ListExpr>(&expr);
          list != nullptr && list->elements.empty() && types_.IsList(node.converted)) {
        return Op(Opcode::kList, {}, node.converted, expr.span);
      }
      return Coerce(LowerValue(expr), node.converted, expr.span);
    case Conversion::kIntToFloat: {
      ValueId value = Coerce(LowerValue(expr), TypeTable::Int(), expr.span);
      return Coerce(Op(Opcode::kIntToFloat, {value}, TypeTable::Float(), expr.span), node.converted, expr.span);
    }
    case Conversion::kToPlan: {
      TypeId plan = types_.WithoutOptional(node.converted);
      return Coerce(MakePlan(module_.Thunk(node.symbol.declaration), plan, expr.span), node.converted, expr.span);
    }
  }
  JADE_UNREACHABLE("conversion");
}

ValueId BodyLowerer::MakePlan(ir::FunctionId function, TypeId plan, source::Span span) {
  return Op(Opcode::kMakePlan, {}, plan, span, function.index);
}

ValueId BodyLowerer::Text(std::string_view text, source::Span span) {
  return Op(Opcode::kConstText, {}, TypeTable::Text(), span, module_.module().AddText(text).index);
}

ValueId BodyLowerer::LowerValue(const ast::Expr& expr) {
  const sema::NodeInfo& node = info(expr);
  TypeId base = types_.BaseOf(node.type);
  switch (expr.kind) {
    case ExprKind::kInt: {
      int64_t value = As<ast::IntLiteral>(&expr)->value;
      ValueId constant = base == TypeTable::Float() ? Op(Opcode::kConstFloat, {}, base, expr.span,
                                                         std::bit_cast<int64_t>(static_cast<double>(value)))
                                                    : Op(Opcode::kConstInt, {}, TypeTable::Int(), expr.span, value);
      return Coerce(constant, node.type, expr.span);
    }
    case ExprKind::kFloat:
      return Coerce(Op(Opcode::kConstFloat, {}, TypeTable::Float(), expr.span,
                       std::bit_cast<int64_t>(As<ast::FloatLiteral>(&expr)->value)),
                    node.type, expr.span);
    case ExprKind::kDuration:
      return Op(Opcode::kConstFloat, {}, TypeTable::Float(), expr.span,
                std::bit_cast<int64_t>(As<ast::DurationLiteral>(&expr)->seconds));
    case ExprKind::kBool:
      return Coerce(
          Op(Opcode::kConstBool, {}, TypeTable::Bool(), expr.span, As<ast::BoolLiteral>(&expr)->value ? 1 : 0),
          node.type, expr.span);
    case ExprKind::kNone:
      return Op(Opcode::kNone, {}, node.type, expr.span);
    case ExprKind::kTemplate:
      return Coerce(TemplateText(As<ast::Template>(&expr)->parts, expr.span), node.type, expr.span);
    case ExprKind::kName:
      return LowerName(node, expr.span);
    case ExprKind::kField: {
      const auto* field = As<ast::FieldExpr>(&expr);
      if (node.field < 0) return LowerName(node, expr.span);
      return Op(Opcode::kField, {Lower(*field->base)}, node.type, expr.span, node.field);
    }
    case ExprKind::kIndex: {
      const auto* index = As<ast::IndexExpr>(&expr);
      ValueId list = Lower(*index->base);
      if (TypeId type = types_.BaseOf(TypeOf(list)); type != TypeOf(list)) list = Coerce(list, type, expr.span);
      ValueId at = LowerAs(*index->index, TypeTable::Int());
      return Op(Opcode::kIndex, {list, at}, types_.ElementOf(TypeOf(list)), expr.span);
    }
    case ExprKind::kCall:
      return LowerCall(*As<ast::CallExpr>(&expr));
    case ExprKind::kList:
      return LowerList(*As<ast::ListExpr>(&expr), node.type);
    case ExprKind::kUnary:
      return LowerUnary(*As<ast::UnaryExpr>(&expr));
    case ExprKind::kBinary:
      return LowerBinary(*As<ast::BinaryExpr>(&expr));
    case ExprKind::kComprehension:
      return LowerComprehension(*As<ast::ComprehensionExpr>(&expr));
    case ExprKind::kIf:
      return LowerIf(*As<ast::IfExpr>(&expr));
    case ExprKind::kMatch:
      return LowerMatch(*As<ast::MatchExpr>(&expr));
    case ExprKind::kFold:
      return LowerFold(*As<ast::FoldExpr>(&expr));
    case ExprKind::kEach:
      return LowerEach(*As<ast::EachExpr>(&expr));
    case ExprKind::kRepeat:
      return LowerRepeat(*As<ast::RepeatExpr>(&expr));
    case ExprKind::kRun:
      return LowerRun(*As<ast::RunExpr>(&expr));
    case ExprKind::kWithin:
      return LowerWithin(*As<ast::WithinExpr>(&expr));
    case ExprKind::kBlock:
      return LowerBlock(*As<ast::Block>(&expr));
    case ExprKind::kError:
      break;
  }
  JADE_UNREACHABLE("an expression that was not checked: {}", ast::ExprKindName(expr.kind));
}

ValueId BodyLowerer::LowerName(const sema::NodeInfo& node, source::Span span) {
  const sema::Symbol& symbol = node.symbol;
  switch (symbol.kind) {
    case SymbolKind::kLocal: {
      auto found = locals_.find(symbol.binding.index);
      JADE_CHECK(found != locals_.end(), "a local without a value");
      return found->second;
    }
    case SymbolKind::kResult:
      return result_;
    case SymbolKind::kRaw:
      return raw_;
    case SymbolKind::kInput:
      return input_;
    case SymbolKind::kCase:
      return Op(Opcode::kEnum, {}, symbol.type, span, symbol.case_index);
    case SymbolKind::kDeclaration: {
      int32_t param = module_.ids().params[symbol.declaration];
      JADE_CHECK(param >= 0, "`{}` is no value", module_.declaration(symbol.declaration).name);
      return Op(Opcode::kParam, {}, module_.module().params()[static_cast<size_t>(param)].type, span, param);
    }
    default:
      JADE_UNREACHABLE("a name that is no value");
  }
}

ValueId BodyLowerer::LowerList(const ast::ListExpr& list, TypeId type) {
  std::vector<ValueId> items;
  items.reserve(list.elements.size());
  for (const ast::ExprPtr& element : list.elements) items.push_back(LowerAs(*element, types_.ElementOf(type)));
  return builder_.Op(Opcode::kList, items, type, At(list.span));
}

// ---- calls

ir::SiteId BodyLowerer::NewSite(std::string_view callee, const ast::Name* label) {
  ir::Site site;
  site.callee = module_.module().AddText(callee);
  if (label != nullptr) {
    site.label = module_.module().AddText(label->text);
    return builder_.AddSite(site);
  }
  for (auto& [name, next] : ordinals_) {
    if (name != site.callee) continue;
    site.ordinal = next++;
    return builder_.AddSite(site);
  }
  ordinals_.emplace_back(site.callee, 1);
  return builder_.AddSite(site);
}

ValueId BodyLowerer::CallDeclaration(uint32_t index, std::vector<ValueId> arguments, const ast::Name* label,
                                     source::Span span) {
  const sema::Declaration& declaration = module_.declaration(index);
  const std::vector<types::Parameter>& parameters = declaration.signature.parameters;
  arguments.resize(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!arguments[i].valid()) arguments[i] = LowerDefault(declaration, i, arguments, span);
    arguments[i] = Coerce(arguments[i], parameters[i].type, span);
  }
  ir::OpFields fields = At(span);
  fields.site = NewSite(declaration.name, label);
  TypeId result = declaration.signature.result;
  if (ir::CalleeId callee = module_.ids().callees[index]; callee.valid()) {
    fields.imm = callee.index;
    fields.future = true;
    ValueId future = builder_.Op(Opcode::kIssue, arguments, result, fields);
    return Op(Opcode::kAwait, {future}, result, span);
  }
  fields.imm = module_.ids().functions[index].index;
  return builder_.Op(Opcode::kCall, arguments, result, fields);
}

ValueId BodyLowerer::LowerDefault(const sema::Declaration& declaration, size_t parameter,
                                  const std::vector<ValueId>& arguments, source::Span span) {
  TypeId type = declaration.signature.parameters[parameter].type;
  const ast::Callable* callable = ast::AsCallable(declaration.decl);
  const ast::Expr* value = callable->parameters[parameter].default_value.get();
  if (value == nullptr) return Op(Opcode::kNone, {}, type, span);
  std::unordered_map<uint32_t, ValueId> outer_locals;
  std::swap(locals_, outer_locals);
  const sema::Tables* outer_tables = tables_;
  bool outer_in_default = in_default_;
  source::Span outer_span = call_span_;
  if (!in_default_) call_span_ = span;
  in_default_ = true;
  tables_ = &module_.program().modules[declaration.module]->tables;
  for (size_t i = 0; i < parameter; ++i) {
    if (arguments[i].valid()) Bind(callable->parameters[i].id, arguments[i]);
  }
  ValueId result = LowerAs(*value, type);
  tables_ = outer_tables;
  in_default_ = outer_in_default;
  call_span_ = outer_span;
  std::swap(locals_, outer_locals);
  return result;
}

ValueId BodyLowerer::LowerCall(const ast::CallExpr& call) {
  const sema::CallInfo& bound = tables_->call(call);
  if (bound.callee.kind == SymbolKind::kBuiltin && bound.role != sema::kNone) {
    bool calls = bound.callee.builtin == "calls";
    return Op(calls ? Opcode::kCalls : Opcode::kPenalty, {}, calls ? TypeTable::Int() : TypeTable::Float(), call.span,
              module_.ids().callees[bound.role].index);
  }
  // Arguments are evaluated as written, whatever order they are bound in.
  std::vector<std::pair<const ast::Expr*, ValueId>> written;
  for (const ast::Argument& argument : call.arguments) {
    written.emplace_back(argument.value.get(), Lower(*argument.value));
  }
  std::vector<ValueId> arguments(bound.arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    for (const auto& [expr, value] : written) {
      if (expr == bound.arguments[i].value && !bound.arguments[i].defaulted) arguments[i] = value;
    }
  }
  TypeId type = info(call).type;
  switch (bound.callee.kind) {
    case SymbolKind::kDeclaration:
      return CallDeclaration(bound.callee.declaration, std::move(arguments), call.label ? &*call.label : nullptr,
                             call.span);
    case SymbolKind::kNominal: {
      // Query(x): x as its base, then as a Query.
      TypeId base = types_[bound.callee.type].element;
      return Coerce(Coerce(arguments[0], base, call.span), bound.callee.type, call.span);
    }
    case SymbolKind::kRecord:
    case SymbolKind::kCase: {
      bool record = bound.callee.kind == SymbolKind::kRecord;
      const types::TypeInfo& built = types_[bound.callee.type];
      const auto& fields = record ? built.fields : built.cases[bound.callee.case_index].payload;
      for (size_t i = 0; i < arguments.size(); ++i) arguments[i] = Coerce(arguments[i], fields[i].type, call.span);
      return builder_.Op(record ? Opcode::kRecord : Opcode::kEnum, arguments, bound.callee.type,
                         At(call.span, record ? 0 : bound.callee.case_index));
    }
    case SymbolKind::kBuiltin:
      return LowerBuiltin(call, bound, std::move(arguments));
    default:
      JADE_UNREACHABLE("a call of `{}`", types_.Name(type));
  }
}

ValueId BodyLowerer::LowerBuiltin(const ast::CallExpr& call, const sema::CallInfo& bound,
                                  std::vector<ValueId> arguments) {
  TypeId type = info(call).type;
  std::string_view name = bound.callee.builtin;
  std::optional<ir::Builtin> builtin = ir::BuiltinOf(name);
  JADE_CHECK(builtin.has_value(), "builtin `{}` has no operation", name);
  std::string_view signature = ir::BuiltinSignature(*builtin);
  for (ValueId& argument : arguments) {
    // Where the operation wants a Text or a list of them, a nominal one is cast; sema has checked that it fits.
    bool list = signature[0] == '[';
    char letter = signature[list ? 1 : 0];
    signature.remove_prefix(list ? 3 : 1);
    TypeId wanted = TypeOf(argument);
    if (letter == 'N') wanted = types_.BaseOf(wanted);
    if (letter == 'T' && !list) wanted = TypeTable::Text();
    if (letter == 'I' && !list) wanted = TypeTable::Int();
    if (letter == 'F' && !list) wanted = TypeTable::Float();
    argument = Coerce(argument, wanted, call.span);
  }
  return builder_.Op(Opcode::kBuiltin, arguments, type, At(call.span, static_cast<int64_t>(*builtin)));
}

// ---- operators

ValueId BodyLowerer::LowerUnary(const ast::UnaryExpr& unary) {
  TypeId type = info(unary).type;
  TypeId base = types_.BaseOf(type);
  if (unary.op == ast::UnaryOp::kNot) {
    return Op(Opcode::kNot, {LowerAs(*unary.operand, TypeTable::Bool())}, TypeTable::Bool(), unary.span);
  }
  Opcode code = base == TypeTable::Float() ? Opcode::kFloatNeg : Opcode::kIntNeg;
  return Coerce(Op(code, {LowerAs(*unary.operand, base)}, base, unary.span), type, unary.span);
}

ValueId BodyLowerer::LowerBinary(const ast::BinaryExpr& binary) {
  switch (binary.op) {
    case ast::BinaryOp::kOr:
    case ast::BinaryOp::kAnd:
      return LowerLogic(binary);
    case ast::BinaryOp::kEqual:
    case ast::BinaryOp::kNotEqual:
    case ast::BinaryOp::kLess:
    case ast::BinaryOp::kLessEqual:
    case ast::BinaryOp::kGreater:
    case ast::BinaryOp::kGreaterEqual:
      return LowerComparison(binary);
    case ast::BinaryOp::kElse:
      return LowerElse(binary);
    default:
      return LowerArithmetic(binary);
  }
}

// True when evaluating it can neither trap nor call, so that evaluating it needlessly changes nothing.
bool BodyLowerer::IsTotal(const ast::Expr& expr) const {
  switch (expr.kind) {
    case ExprKind::kInt:
    case ExprKind::kFloat:
    case ExprKind::kBool:
    case ExprKind::kNone:
    case ExprKind::kName:
      return true;
    case ExprKind::kTemplate:
      return As<ast::Template>(&expr)->is_literal();
    case ExprKind::kField: {
      const auto* field = As<ast::FieldExpr>(&expr);
      return info(expr).field < 0 || IsTotal(*field->base);
    }
    case ExprKind::kUnary: {
      const auto* unary = As<ast::UnaryExpr>(&expr);
      return unary->op == ast::UnaryOp::kNot && IsTotal(*unary->operand);
    }
    case ExprKind::kBinary: {
      const auto* binary = As<ast::BinaryExpr>(&expr);
      return binary->op <= ast::BinaryOp::kGreaterEqual && IsTotal(*binary->left) && IsTotal(*binary->right);
    }
    default:
      return false;
  }
}

ValueId BodyLowerer::LowerLogic(const ast::BinaryExpr& binary) {
  bool conjunction = binary.op == ast::BinaryOp::kAnd;
  TypeId type = TypeTable::Bool();
  ValueId left = LowerAs(*binary.left, type);
  if (IsTotal(*binary.right)) {
    ValueId right = LowerAs(*binary.right, type);
    return Op(conjunction ? Opcode::kAnd : Opcode::kOr, {left, right}, type, binary.span);
  }
  auto pending = builder_.Begin(Opcode::kIf, std::span<const ValueId>(&left, 1), 2, type, At(binary.span));
  for (uint32_t arm = 0; arm < 2; ++arm) {
    builder_.OpenRegion(pending, arm);
    bool evaluates = conjunction == (arm == 0);
    builder_.Yield({evaluates ? LowerAs(*binary.right, type) : left});
    builder_.CloseRegion();
  }
  return pending.result;
}

ValueId BodyLowerer::LowerComparison(const ast::BinaryExpr& binary) {
  ValueId left = Lower(*binary.left);
  ValueId right = Lower(*binary.right);
  static constexpr Opcode kCodes[] = {Opcode::kEq, Opcode::kNe, Opcode::kLt, Opcode::kLe, Opcode::kGt, Opcode::kGe};
  Opcode code = kCodes[static_cast<int>(binary.op) - static_cast<int>(ast::BinaryOp::kEqual)];
  TypeId left_type = TypeOf(left);
  TypeId right_type = TypeOf(right);
  if (code != Opcode::kEq && code != Opcode::kNe) {
    left = Coerce(left, types_.BaseOf(left_type), binary.span);
    right = Coerce(right, types_.BaseOf(right_type), binary.span);
  } else if (left_type != right_type) {
    // One side is the other's base, optional, or an empty form of it.
    bool to_left = ir::SameRepresentation(types_, right_type, left_type) && left_type != types_.BaseOf(right_type);
    if (to_left) {
      right = Coerce(right, left_type, binary.span);
    } else {
      left = Coerce(left, right_type, binary.span);
    }
  }
  compared_[0] = left;
  compared_[1] = right;
  return Op(code, {left, right}, TypeTable::Bool(), binary.span);
}

ValueId BodyLowerer::LowerArithmetic(const ast::BinaryExpr& binary) {
  TypeId type = info(binary).type;
  TypeId base = types_.BaseOf(type);
  ValueId left = LowerAs(*binary.left, base);
  ValueId right = LowerAs(*binary.right, base);
  auto emit = [&](Opcode code) { return Coerce(Op(code, {left, right}, base, binary.span), type, binary.span); };
  if (types_.IsList(base)) return emit(Opcode::kListConcat);
  if (base == TypeTable::Text()) return emit(Opcode::kTextConcat);
  static constexpr Opcode kInt[] = {Opcode::kIntAdd, Opcode::kIntSub, Opcode::kIntMul, Opcode::kIntDiv,
                                    Opcode::kIntRem};
  static constexpr Opcode kFloat[] = {Opcode::kFloatAdd, Opcode::kFloatSub, Opcode::kFloatMul, Opcode::kFloatDiv};
  int which = static_cast<int>(binary.op) - static_cast<int>(ast::BinaryOp::kAdd);
  if (base == TypeTable::Int()) return emit(kInt[which]);
  JADE_CHECK(base == TypeTable::Float() && which < 4, "`{}` of {}", ast::OpText(binary.op), types_.Name(base));
  return emit(kFloat[which]);
}

ValueId BodyLowerer::LowerElse(const ast::BinaryExpr& binary) {
  TypeId type = info(binary).type;
  ValueId left = Lower(*binary.left);
  if (!types_.IsOptional(TypeOf(left))) return Coerce(left, type, binary.span);
  TypeId element = types_.ElementOf(TypeOf(left));
  static constexpr uint32_t kTargets[] = {1, 0};  // none, some
  ir::OpFields fields = At(binary.span);
  fields.aux = kTargets;
  auto pending = builder_.Begin(Opcode::kSwitch, std::span<const ValueId>(&left, 1), 2, type, fields);
  builder_.OpenRegion(pending, 0);
  builder_.Yield({Coerce(builder_.RegionParameter(element), type, binary.span)});
  builder_.CloseRegion();
  builder_.OpenRegion(pending, 1);
  YieldAs(*binary.right, type);
  builder_.CloseRegion();
  return pending.result;
}

}  // namespace jade::lower
