#pragma once
// Lowers expressions into one function. Private to this room.

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/lower/module_lowerer.h"

namespace jade::lower {

class BodyLowerer {
 public:
  BodyLowerer(ModuleLowerer& module, const sema::Tables& tables, std::string name, ir::FunctionKind kind,
              types::TypeId result)
      : module_(module),
        types_(module.types()),
        text_list_(module.text_list()),
        tables_(&tables),
        each_(ir::MayCall(kind) ? ir::Opcode::kEach : ir::Opcode::kMap),
        builder_(std::move(name), kind, result) {}

  ir::FunctionBuilder& builder() { return builder_; }
  void SetFile(const source::SourceFilePtr& file, source::Span span) {
    file_ = file.get();
    builder_.SetPlace(module_.module().AddFile(file), span);
  }

  // The function's parameters, bound to the declaration's.
  void BindParameters(const sema::Declaration& declaration);
  void Bind(ast::NodeId binding, ir::ValueId value) { locals_[binding.index] = value; }
  void BindResult(ir::ValueId value) { result_ = value; }
  void BindRaw(ir::ValueId value) { raw_ = value; }
  void BindInput(ir::ValueId value) { input_ = value; }

  // The expression's value after its conversion.
  ir::ValueId Lower(const ast::Expr& expr);
  // The same as a value of `type`, which its own differs from in name only.
  ir::ValueId LowerAs(const ast::Expr& expr, types::TypeId type) { return Coerce(Lower(expr), type, expr.span); }
  ir::ValueId Coerce(ir::ValueId value, types::TypeId type, source::Span span);
  void LowerLet(const ast::LetStmt& let);

  // Templates: into emits (in a kTemplate function), or as a Text.
  void EmitParts(const std::vector<ast::TemplatePart>& parts);
  ir::ValueId TemplateText(const std::vector<ast::TemplatePart>& parts, source::Span span);

  // A call of a declaration with all its arguments; unset ones are filled with the parameters' defaults.
  ir::ValueId CallDeclaration(uint32_t declaration, std::vector<ir::ValueId> arguments, const ast::Name* label,
                              source::Span span);
  ir::ValueId MakePlan(ir::FunctionId function, types::TypeId plan, source::Span span);

  void LowerTestStep(const ast::TestStep& step);

  ir::Function Finish() { return builder_.Finish(); }

 private:
  using ValueId = ir::ValueId;
  using TypeId = types::TypeId;

  const sema::NodeInfo& info(const ast::Expr& expr) const { return (*tables_)[expr.id]; }
  TypeId TypeOf(ValueId value) const { return builder_.info(value).type; }
  ir::OpFields At(source::Span span, int64_t imm = 0) const {
    ir::OpFields fields;
    fields.imm = imm;
    fields.span = InOwnFile() ? span : call_span_;
    return fields;
  }
  bool InOwnFile() const { return !in_default_; }
  ValueId Op(ir::Opcode code, std::initializer_list<ValueId> operands, TypeId type, source::Span span,
             int64_t imm = 0) {
    return builder_.Op(code, operands, type, At(span, imm));
  }
  ValueId Text(std::string_view text, source::Span span);
  ValueId Display(ValueId value, source::Span span);

  ValueId LowerValue(const ast::Expr& expr);  // before its conversion
  ValueId LowerName(const sema::NodeInfo& node, source::Span span);
  ValueId LowerCall(const ast::CallExpr& call);
  ValueId LowerBuiltin(const ast::CallExpr& call, const sema::CallInfo& info, std::vector<ValueId> arguments);
  ValueId LowerList(const ast::ListExpr& list, TypeId type);
  ValueId LowerUnary(const ast::UnaryExpr& unary);
  ValueId LowerBinary(const ast::BinaryExpr& binary);
  ValueId LowerLogic(const ast::BinaryExpr& binary);
  ValueId LowerComparison(const ast::BinaryExpr& binary);
  ValueId LowerArithmetic(const ast::BinaryExpr& binary);
  ValueId LowerElse(const ast::BinaryExpr& binary);
  ValueId LowerIf(const ast::IfExpr& expr);
  // Branches are two-way. A chain of up to kFlatArms arms nests; of a longer one the conditions first give the number
  // of the arm taken, by halves, and that is then branched on by halves: nesting stays logarithmic, conditions are
  // evaluated in the same order and as far.
  static constexpr size_t kFlatArms = 16;
  ValueId Branch(ValueId condition, TypeId type, source::Span span, const std::function<ValueId()>& then,
                 const std::function<ValueId()>& otherwise);
  using ArmCondition = std::function<ValueId(size_t arm)>;
  ValueId SelectArm(const ArmCondition& condition, size_t begin, size_t end, size_t count, source::Span span);
  ValueId ArmBelow(ValueId selected, size_t arm, source::Span span);
  ValueId IfArms(const ast::IfExpr& expr, size_t begin, size_t end, ValueId selected);
  ValueId LowerMatch(const ast::MatchExpr& match);
  ValueId LowerFold(const ast::FoldExpr& fold);
  ValueId LowerEach(const ast::EachExpr& each);
  ValueId LowerComprehension(const ast::ComprehensionExpr& comprehension);
  ValueId LowerRepeat(const ast::RepeatExpr& repeat);
  ValueId LowerRun(const ast::RunExpr& run);
  ValueId LowerWithin(const ast::WithinExpr& within);
  ValueId LowerAsList(const ast::Expr& expr);
  ValueId LowerBlock(const ast::Block& block);
  void YieldAs(const ast::Expr& expr, TypeId type);
  using TemplateArms = std::vector<ast::TemplateArm>;
  // Arms [begin, end); end may be one beyond the last, for an `{else}` that is not written.
  void EmitArms(const TemplateArms& arms, size_t begin, size_t end, ValueId selected);
  ValueId ArmsText(const TemplateArms& arms, size_t begin, size_t end, ValueId selected, source::Span span);
  ValueId SelectTemplateArm(const TemplateArms& arms, source::Span span);
  static size_t ConditionCount(const TemplateArms& arms);
  // A default of the declaration's parameter, whose tree is that of the declaration's module.
  ValueId LowerDefault(const sema::Declaration& declaration, size_t parameter, const std::vector<ValueId>& arguments,
                       source::Span span);
  bool IsTotal(const ast::Expr& expr) const;

  ir::SiteId NewSite(std::string_view callee, const ast::Name* label);

  ModuleLowerer& module_;
  const types::TypeTable& types_;
  TypeId text_list_;
  const sema::Tables* tables_;
  ir::Opcode each_;  // what a loop over a list is: children, or in place where no calls are made
  ir::FunctionBuilder builder_;
  const source::SourceFile* file_ = nullptr;
  std::unordered_map<uint32_t, ValueId> locals_;  // by NodeId of the binding
  ValueId result_, raw_, input_;
  ValueId compared_[2];  // sides of the comparison lowered last
  std::vector<std::pair<ir::TextId, uint32_t>> ordinals_;
  bool in_default_ = false;  // a default's own span is in another file
  source::Span call_span_;
};

}  // namespace jade::lower
