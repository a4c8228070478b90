#include "compiler/ast/print.h"

namespace jade::ast {

std::string TypeText(const Type& type) {
  switch (type.form) {
    case TypeForm::kError:
      return "<error>";
    case TypeForm::kList:
      return fmt::format("[{}]", type.element ? TypeText(*type.element) : "<error>");
    case TypeForm::kOptional:
      return fmt::format("{}?", type.element ? TypeText(*type.element) : "<error>");
    case TypeForm::kNamed:
      break;
  }
  std::string text = type.name.ToString();
  for (size_t i = 0; i < type.arguments.size(); ++i) {
    text += (i == 0 ? "<" : ", ") + TypeText(*type.arguments[i]);
  }
  return type.arguments.empty() ? text : text + ">";
}

namespace {

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{{{:x}}}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string NameText(const Name& name) {
  return name.empty() ? "<missing>" : name.text;
}

class Printer {
 public:
  explicit Printer(const PrintOptions& options) : options_(options) {}
  std::string Take() { return std::move(out_); }

  void Put(const Module& module) {
    for (const Use& use : module.uses) {
      Line(use.span, fmt::format("use {}{}", use.path.ToString(), use.alias ? " as " + NameText(*use.alias) : ""));
    }
    for (const DeclPtr& decl : module.decls) PutDecl(*decl);
  }

  void Put(const Plan& plan) {
    Line(plan.span, "plan");
    const Level level(*this);
    for (const LetStmt& let : plan.lets) PutLet(let);
    for (const ExprPtr& item : plan.items) Put(item.get());
  }

  void Put(const Expr* expr) {
    if (expr == nullptr) return Line({}, "missing");
    switch (expr->kind) {
      case ExprKind::kError:
        return Line(expr->span, "error");
      case ExprKind::kInt:
        return Line(expr->span, fmt::format("int {}", As<IntLiteral>(expr)->value));
      case ExprKind::kFloat:
        return Line(expr->span, fmt::format("float {}", As<FloatLiteral>(expr)->value));
      case ExprKind::kBool:
        return Line(expr->span, As<BoolLiteral>(expr)->value ? "true" : "false");
      case ExprKind::kNone:
        return Line(expr->span, "none");
      case ExprKind::kDuration:
        return Line(expr->span, fmt::format("duration {}s", As<DurationLiteral>(expr)->seconds));
      case ExprKind::kTemplate:
        return PutTemplate(*As<Template>(expr));
      case ExprKind::kName:
        return Line(expr->span, "name " + NameText(As<NameExpr>(expr)->name));
      case ExprKind::kBlock:
        return PutBlock(*As<Block>(expr), "block");
      default:
        return PutCompound(expr);
    }
  }

 private:
  class Level {
   public:
    explicit Level(Printer& printer) : printer_(printer) { ++printer_.level_; }
    ~Level() { --printer_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Printer& printer_;
  };

  void Line(Span span, std::string_view text) {
    out_.append(level_ * 2, ' ').append(text);
    if (options_.spans) out_ += fmt::format(" @{}:{}", span.begin, span.end);
    out_ += '\n';
  }

  // A head line and its children below it.
  void PutLabelled(Span span, std::string_view head, const Expr* child) {
    Line(span, head);
    const Level level(*this);
    Put(child);
  }

  void PutLet(const LetStmt& let) { PutLabelled(let.span, "let " + BindingText(let.binding), let.value.get()); }

  static std::string BindingText(const Binding& binding) {
    return NameText(binding.name) + (binding.type ? ": " + TypeText(*binding.type) : "");
  }

  void PutBlock(const Block& block, std::string_view head) {
    Line(block.span, head);
    const Level level(*this);
    for (const LetStmt& let : block.lets) PutLet(let);
    Put(block.result.get());
  }

  // ---- Templates

  void PutTemplate(const Template& node) {
    if (node.is_literal()) return Line(node.span, "text " + Quote(node.literal()));
    Line(node.span, "template");
    const Level level(*this);
    PutParts(node.parts);
  }

  void PutParts(const std::vector<TemplatePart>& parts) {
    for (const TemplatePart& part : parts) {
      switch (part.kind) {
        case PartKind::kText:
          Line(part.span, "text " + Quote(part.text));
          break;
        case PartKind::kHole:
          PutLabelled(part.span, "hole", part.value.get());
          break;
        case PartKind::kFor: {
          Line(part.span, "for " + BindingText(part.element));
          const Level level(*this);
          Put(part.value.get());
          PutParts(part.parts);
          break;
        }
        case PartKind::kIf:
          for (size_t i = 0; i < part.arms.size(); ++i) PutArm(part.arms[i], i == 0);
          break;
      }
    }
  }

  void PutArm(const TemplateArm& arm, bool first) {
    Line(arm.span, !arm.condition ? "else" : first ? "if" : "else if");
    const Level level(*this);
    if (arm.condition) Put(arm.condition.get());
    PutParts(arm.parts);
  }

  // ---- Compound expressions

  void PutCompound(const Expr* expr) {
    const Span span = expr->span;
    if (const auto* field = As<FieldExpr>(expr))
      return PutLabelled(span, "field " + NameText(field->name), field->base.get());
    if (const auto* call = As<CallExpr>(expr)) return PutCall(*call);
    if (const auto* unary = As<UnaryExpr>(expr)) return PutLabelled(span, OpText(unary->op), unary->operand.get());
    if (const auto* match = As<MatchExpr>(expr)) return PutMatch(*match);
    if (const auto* choice = As<IfExpr>(expr)) return PutIf(*choice);
    if (const auto* fold = As<FoldExpr>(expr)) {
      Line(span, fmt::format("fold {} with {}", BindingText(fold->element), BindingText(fold->state)));
      const Level level(*this);
      Put(fold->list.get());
      Put(fold->initial.get());
      return PutBlock(*fold->body, "block");
    }
    if (const auto* each = As<EachExpr>(expr)) {
      Line(span, "each " + BindingText(each->element));
      const Level level(*this);
      Put(each->list.get());
      return PutBlock(*each->body, "block");
    }
    if (const auto* repeat = As<RepeatExpr>(expr)) return PutRepeat(*repeat);
    if (const auto* within = As<WithinExpr>(expr)) return PutWithin(*within);
    PutPlain(expr);
  }

  // Forms that print as a word and their operands.
  void PutPlain(const Expr* expr) {
    std::vector<const Expr*> operands;
    std::string head(ExprKindName(expr->kind));
    if (const auto* binary = As<BinaryExpr>(expr)) {
      head = OpText(binary->op);
      operands = {binary->left.get(), binary->right.get()};
    } else if (const auto* index = As<IndexExpr>(expr)) {
      operands = {index->base.get(), index->index.get()};
    } else if (const auto* run = As<RunExpr>(expr)) {
      operands = {run->plan.get(), run->input.get()};
    } else if (const auto* list = As<ListExpr>(expr)) {
      for (const ExprPtr& element : list->elements) operands.push_back(element.get());
    } else if (const auto* comprehension = As<ComprehensionExpr>(expr)) {
      head += " " + BindingText(comprehension->element);
      operands = {comprehension->value.get(), comprehension->list.get()};
      if (comprehension->condition) operands.push_back(comprehension->condition.get());
    }
    Line(expr->span, head);
    const Level level(*this);
    for (const Expr* operand : operands) Put(operand);
  }

  void PutCall(const CallExpr& call) {
    Line(call.span, call.label ? "call @" + NameText(*call.label) : "call");
    const Level level(*this);
    Put(call.callee.get());
    for (const Argument& argument : call.arguments) {
      if (argument.name) {
        PutLabelled(argument.span, NameText(*argument.name) + ":", argument.value.get());
      } else {
        Put(argument.value.get());
      }
    }
  }

  void PutIf(const IfExpr& choice) {
    Line(choice.span, "if");
    const Level level(*this);
    for (const IfArm& arm : choice.arms) {
      Put(arm.condition.get());
      PutBlock(*arm.body, "then");
    }
    if (choice.otherwise) PutBlock(*choice.otherwise, "else");
  }

  static std::string PatternText(const Pattern& pattern) {
    std::string text;
    switch (pattern.kind) {
      case PatternKind::kWildcard:
        return "_";
      case PatternKind::kNone:
        return "none";
      case PatternKind::kSome:
        text = "some";
        break;
      case PatternKind::kCase:
        text = pattern.path.ToString();
        break;
    }
    if (pattern.kind == PatternKind::kCase && !pattern.has_parentheses) return text;
    text += "(";
    for (size_t i = 0; i < pattern.bindings.size(); ++i) text += (i > 0 ? ", " : "") + BindingText(pattern.bindings[i]);
    return text + ")";
  }

  void PutMatch(const MatchExpr& match) {
    Line(match.span, "match");
    const Level level(*this);
    Put(match.subject.get());
    for (const MatchArm& arm : match.arms) PutLabelled(arm.span, PatternText(arm.pattern) + " =>", arm.value.get());
  }

  void PutRepeat(const RepeatExpr& repeat) {
    Line(repeat.span, "repeat with " + BindingText(repeat.state));
    const Level level(*this);
    Put(repeat.limit.get());
    Put(repeat.initial.get());
    PutBlock(*repeat.body, "block");
    if (repeat.condition) PutLabelled(repeat.condition->span, "until", repeat.condition.get());
  }

  void PutWithin(const WithinExpr& within) {
    Line(within.span, "within");
    const Level level(*this);
    for (const Limit& limit : within.limits)
      PutLabelled(limit.name.span, NameText(limit.name) + ":", limit.value.get());
    Put(within.body.get());
    if (within.fallback) PutLabelled(within.fallback->span, "else", within.fallback.get());
  }

  // ---- Declarations

  void PutDecl(const Decl& decl) {
    std::string head = fmt::format("{} {}", DeclKindName(decl.kind), NameText(decl.name));
    if (const auto* workflow = As<WorkflowDecl>(&decl); workflow != nullptr && workflow->is_main) head = "main " + head;
    if (const auto* alias = As<AliasDecl>(&decl)) head += " = " + TypeText(*alias->type);
    if (const auto* nominal = As<NominalDecl>(&decl)) head += " = new " + TypeText(*nominal->base);
    if (const auto* param = As<ParamDecl>(&decl)) head += ": " + TypeText(*param->type);
    if (const auto* test = As<TestDecl>(&decl)) head = "test " + Quote(test->title ? test->title->literal() : "");
    Line(decl.span, head);
    const Level level(*this);
    if (const auto* record = As<RecordDecl>(&decl)) PutFields(record->fields);
    if (const auto* enumeration = As<EnumDecl>(&decl)) PutCases(*enumeration);
    if (const Callable* callable = AsCallable(&decl)) PutSignature(*callable);
    if (const auto* executor = As<ExecutorDecl>(&decl)) PutRole(*executor);
    if (const auto* planner = As<PlannerDecl>(&decl)) PutPlanner(*planner);
    if (const auto* tool = As<ToolDecl>(&decl)) PutSettings(tool->attributes);
    if (const auto* workflow = As<WorkflowDecl>(&decl)) PutBlock(*workflow->body, "block");
    if (const auto* reward = As<RewardDecl>(&decl)) PutBlock(*reward->body, "block");
    if (const auto* param = As<ParamDecl>(&decl); param != nullptr && param->default_value)
      Put(param->default_value.get());
    if (const auto* test = As<TestDecl>(&decl)) PutSteps(*test);
  }

  void PutFields(const std::vector<FieldDecl>& fields) {
    for (const FieldDecl& field : fields) Line(field.span, FieldText(field));
  }
  static std::string FieldText(const FieldDecl& field) {
    return field.name.empty() ? TypeText(*field.type) : field.name.text + ": " + TypeText(*field.type);
  }

  void PutCases(const EnumDecl& enumeration) {
    for (const CaseDecl& item : enumeration.cases) {
      std::string text = NameText(item.name);
      for (size_t i = 0; i < item.payload.size(); ++i) text += (i == 0 ? "(" : ", ") + FieldText(item.payload[i]);
      Line(item.span, item.payload.empty() ? text : text + ")");
    }
  }

  void PutSignature(const Callable& callable) {
    for (const Parameter& parameter : callable.parameters) {
      const std::string head = fmt::format("parameter {}: {}{}", NameText(parameter.name), TypeText(*parameter.type),
                                           parameter.from_input ? " from input" : "");
      if (parameter.default_value) {
        PutLabelled(parameter.span, head + " =", parameter.default_value.get());
      } else {
        Line(parameter.span, head);
      }
    }
    Line(callable.result->span, "-> " + TypeText(*callable.result));
  }

  void PutSettings(const std::vector<Setting>& settings) {
    for (const Setting& setting : settings) PutLabelled(setting.span, NameText(setting.name), setting.value.get());
  }

  void PutRole(const Role& role) {
    for (const Message& message : role.messages) {
      PutLabelled(message.span, types::MessageRoleName(message.role), message.text.get());
    }
    if (role.emits) PutEmits(*role.emits);
    const std::pair<const char*, const Expr*> clauses[] = {{"check", role.check.get()},
                                                           {"malformed", role.malformed.get()},
                                                           {"invalid", role.invalid.get()},
                                                           {"penalty", role.penalty.get()}};
    for (const auto& [word, value] : clauses) {
      if (value != nullptr) PutLabelled(value->span, word, value);
    }
    if (role.sample.empty()) return;
    Line(role.sample.front().span, "sample");
    const Level level(*this);
    PutSettings(role.sample);
  }

  void PutEmits(const Emits& emits) {
    Line(emits.span, "emits");
    const Level level(*this);
    for (const EmitAlternative& item : emits.alternatives) {
      const std::string tag = item.tag.empty() ? "" : "<" + item.tag.text + ">";
      switch (item.form) {
        case EmitForm::kTag:
          Line(item.span, fmt::format("{} {}", tag, TypeText(*item.type)));
          break;
        case EmitForm::kNumbered:
          Line(item.span, fmt::format("numbered {} {}{}", tag, TypeText(*item.type),
                                      item.max ? fmt::format(" max {}", *item.max) : ""));
          break;
        case EmitForm::kSubset:
          Line(item.span, fmt::format("subset {} {}", tag, NameText(item.parameter)));
          break;
        case EmitForm::kPlan:
          Line(item.span, tag.empty() ? "plan" : "plan " + tag);
          break;
        case EmitForm::kText:
          Line(item.span, "text");
          break;
      }
    }
  }

  void PutPlanner(const PlannerDecl& planner) {
    PutRole(planner);
    if (planner.stages) {
      Line(planner.stages->span, "stages");
      const Level level(*this);
      PutPattern(*planner.stages);
    }
    if (!planner.uses.empty()) {
      std::string text = "uses";
      for (const Name& name : planner.uses) text += " " + name.text;
      Line(planner.uses_span, text);
    }
    if (planner.overrun) PutLabelled(planner.overrun->span, "overrun", planner.overrun.get());
  }

  void PutPattern(const StagePattern& pattern) {
    static constexpr const char* kForms[] = {"stage", "sequence", "optional", "alternatives"};
    const bool stage = pattern.form == StageForm::kStage;
    const std::string form = kForms[static_cast<size_t>(pattern.form)];
    Line(pattern.span, stage ? form + " " + NameText(pattern.name) : form);
    const Level level(*this);
    for (const StagePattern& child : pattern.children) PutPattern(child);
  }

  void PutSteps(const TestDecl& test) {
    for (const TestStep& step : test.steps) {
      switch (step.kind) {
        case TestStepKind::kLet:
          PutLet(step.let);
          break;
        case TestStepKind::kExpect:
          PutLabelled(step.span, "expect", step.condition.get());
          break;
        case TestStepKind::kReply: {
          Line(step.span, "reply " + NameText(step.callee));
          const Level level(*this);
          for (const ExprPtr& reply : step.replies) Put(reply.get());
          break;
        }
      }
    }
  }

  PrintOptions options_;
  size_t level_ = 0;
  std::string out_;
};

template <typename T>
std::string PrintWith(const T& what, const PrintOptions& options) {
  Printer printer(options);
  printer.Put(what);
  return printer.Take();
}

}  // namespace

std::string Print(const Module& module, const PrintOptions& options) {
  return PrintWith(module, options);
}
std::string Print(const Plan& plan, const PrintOptions& options) {
  return PrintWith(plan, options);
}
std::string Print(const Block& block, const PrintOptions& options) {
  return PrintWith(static_cast<const Expr*>(&block), options);
}
std::string Print(const Expr& expr, const PrintOptions& options) {
  return PrintWith(&expr, options);
}

}  // namespace jade::ast
