#include "compiler/sema/declare.h"

#include <functional>
#include <set>

namespace jade::sema {

namespace {

class Declarer {
 public:
  Declarer(Program& program, CheckedModule& module, uint32_t index, diag::Diagnostics& sink)
      : program_(program),
        types_(*program.types),
        module_(module),
        index_(index),
        sink_(sink),
        checker_(program, module, module.file, module.tables, sink) {}

  void Run() {
    for (const ast::DeclPtr& decl : module_.tree->decls) DeclareType(*decl);
    for (const ast::DeclPtr& decl : module_.tree->decls) ResolveAlias(*decl);
    for (const ast::DeclPtr& decl : module_.tree->decls) CompleteType(*decl);
    for (const ast::DeclPtr& decl : module_.tree->decls) CheckFinite(*decl);
    for (const ast::DeclPtr& decl : module_.tree->decls) DeclareCallable(*decl);
  }

 private:
  // True when the name is free; `taken` names of the module itself are duplicates, of its imports shadowed.
  template <typename Names>
  bool Claim(const ast::Name& name, const Names& names, std::map<std::string, source::Span>& own) {
    if (name.empty()) return false;
    auto [it, fresh] = own.try_emplace(name.text, name.span);
    if (!fresh) {
      sink_.Report(diag::kDuplicateName, module_.file, name.span, name.text)
          .Note(module_.file, it->second, "the first is here");
      return false;
    }
    if (names.contains(name.text) || module_.aliases.contains(name.text)) {
      sink_.Report(diag::kShadowedName, module_.file, name.span, name.text).Label("imported, or part of the language");
      return false;
    }
    return true;
  }

  void AddType(const ast::Name& name, TypeId type) { module_.types[name.text] = type; }
  bool AddValue(const ast::Name& name, Symbol symbol) {
    bool builtin = !FindBuiltin(name.text).empty() || name.text == "penalty" || name.text == "calls";
    if (builtin) {
      sink_.Report(diag::kShadowedName, module_.file, name.span, name.text).Label("the name of a builtin function");
      return false;
    }
    if (!Claim(name, module_.values, own_values_)) return false;
    module_.values[name.text] = symbol;
    return true;
  }

  void DeclareType(const ast::Decl& decl) {
    using ast::DeclKind;
    bool type = decl.kind == DeclKind::kAlias || decl.kind == DeclKind::kNominal || decl.kind == DeclKind::kRecord ||
                decl.kind == DeclKind::kEnum;
    if (!type || !Claim(decl.name, module_.types, own_types_)) return;
    TypeId id = TypeTable::Error();
    if (decl.kind == DeclKind::kNominal) {
      id = types_.DeclareNominal(module_.name, decl.name.text);
      AddValue(decl.name, {.kind = SymbolKind::kNominal, .type = id});
    } else if (decl.kind == DeclKind::kRecord) {
      id = types_.DeclareRecord(module_.name, decl.name.text);
      AddValue(decl.name, {.kind = SymbolKind::kRecord, .type = id});
    } else if (decl.kind == DeclKind::kEnum) {
      id = types_.DeclareEnum(module_.name, decl.name.text);
    }
    if (decl.kind == DeclKind::kAlias) pending_[decl.name.text] = ast::As<ast::AliasDecl>(&decl);
    AddType(decl.name, id);
    declared_[&decl] = id;
  }

  // Aliases may refer to each other in any order.
  void ResolveAlias(const ast::Decl& decl) {
    const auto* alias = ast::As<ast::AliasDecl>(&decl);
    auto found = pending_.find(decl.name.text);
    if (alias == nullptr || found == pending_.end() || found->second != alias) return;
    if (!resolving_.insert(decl.name.text).second) return;
    bool circular = false;
    std::function<void(const ast::Type&)> visit = [&](const ast::Type& type) {
      if (type.element != nullptr) visit(*type.element);
      for (const ast::TypePtr& argument : type.arguments) visit(*argument);
      if (type.form != ast::TypeForm::kNamed || type.name.parts.size() != 1) return;
      auto other = pending_.find(type.name.parts[0].text);
      if (other == pending_.end()) return;
      if (resolving_.contains(other->first)) {
        circular = true;
        return;
      }
      if (resolving_.size() < 1000) ResolveAlias(*other->second);
    };
    visit(*alias->type);
    if (circular && pending_.contains(decl.name.text)) {
      sink_.Report(diag::kInfiniteType, module_.file, decl.name.span, decl.name.text);
    } else {
      module_.types[decl.name.text] = checker_.Resolve(*alias->type);
    }
    pending_.erase(decl.name.text);
    resolving_.erase(decl.name.text);
  }

  std::vector<types::Field> Fields(const std::vector<ast::FieldDecl>& decls, const std::string& holder, bool payload) {
    std::vector<types::Field> fields;
    for (const ast::FieldDecl& decl : decls) {
      TypeId type = checker_.Resolve(*decl.type);
      if (types_.ContainsPlan(type)) {
        sink_.Report(diag::kPlanStored, module_.file, decl.type->span, holder);
        type = TypeTable::Error();
      }
      std::string name = decl.name.text;
      if (payload && name.empty()) {
        name = decls.size() == 1 ? "value" : "value" + std::to_string(fields.size() + 1);
      }
      for (const types::Field& field : fields) {
        if (field.name == name && !name.empty()) {
          sink_.Report(diag::kDuplicateName, module_.file, decl.name.span, name);
        }
      }
      fields.push_back({std::move(name), type});
    }
    return fields;
  }

  void CompleteType(const ast::Decl& decl) {
    auto found = declared_.find(&decl);
    if (found == declared_.end()) return;
    if (const auto* nominal = ast::As<ast::NominalDecl>(&decl)) {
      TypeId base = checker_.Resolve(*nominal->base);
      TypeKind kind = types_.kind(base);
      bool fits = kind == TypeKind::kText || kind == TypeKind::kInt || kind == TypeKind::kFloat ||
                  kind == TypeKind::kBool || kind == TypeKind::kNominal || kind == TypeKind::kError;
      if (!fits) {
        sink_.Report(diag::kBadBase, module_.file, nominal->base->span, checker_.Shown(base));
        base = TypeTable::Error();
      }
      for (TypeId step = base; types_.kind(step) == TypeKind::kNominal; step = types_.ElementOf(step)) {
        if (step != found->second) continue;
        sink_.Report(diag::kInfiniteType, module_.file, decl.name.span, decl.name.text);
        base = TypeTable::Error();
        break;
      }
      types_.CompleteNominal(found->second, base);
    } else if (const auto* record = ast::As<ast::RecordDecl>(&decl)) {
      types_.CompleteRecord(found->second, Fields(record->fields, "a record", false));
    } else if (const auto* enumeration = ast::As<ast::EnumDecl>(&decl)) {
      std::vector<types::EnumCase> cases;
      for (const ast::CaseDecl& case_decl : enumeration->cases) {
        for (const types::EnumCase& other : cases) {
          if (other.name == case_decl.name.text && !other.name.empty()) {
            sink_.Report(diag::kDuplicateName, module_.file, case_decl.name.span, other.name);
          }
        }
        cases.push_back({case_decl.name.text, Fields(case_decl.payload, "an enum", true)});
      }
      types_.CompleteEnum(found->second, std::move(cases));
    }
  }

  // A record needs lists or optionals between itself and itself; an enum one case without.
  void CheckFinite(const ast::Decl& decl) {
    const auto* record = ast::As<ast::RecordDecl>(&decl);
    auto found = declared_.find(&decl);
    if (record == nullptr || found == declared_.end()) return;
    std::set<TypeId> seen;
    std::vector<TypeId> pending = {found->second};
    while (!pending.empty()) {
      TypeId type = pending.back();
      pending.pop_back();
      for (const types::Field& field : types_[type].fields) {
        if (field.type == found->second) {
          sink_.Report(diag::kInfiniteType, module_.file, decl.name.span, decl.name.text)
              .Help("hold it in a list or an optional");
          return;
        }
        if (types_.kind(field.type) == TypeKind::kRecord && seen.insert(field.type).second) {
          pending.push_back(field.type);
        }
      }
    }
  }

  void DeclareCallable(const ast::Decl& decl) {
    const ast::Callable* callable = ast::AsCallable(&decl);
    const auto* param = ast::As<ast::ParamDecl>(&decl);
    if (callable == nullptr && param == nullptr) return;
    Declaration declaration{.name = decl.name.text, .kind = decl.kind, .module = index_, .decl = &decl};
    if (param != nullptr) {
      declaration.signature.result = checker_.Resolve(*param->type);
      TypeKind kind = types_.kind(declaration.signature.result);
      bool scalar = kind == TypeKind::kText || kind == TypeKind::kInt || kind == TypeKind::kFloat ||
                    kind == TypeKind::kBool || kind == TypeKind::kError;
      if (!scalar) {
        sink_.Report(diag::kBadParam, module_.file, param->type->span, checker_.Shown(declaration.signature.result));
        declaration.signature.result = TypeTable::Error();
      }
    } else {
      for (const ast::Parameter& parameter : callable->parameters) {
        declaration.signature.parameters.push_back({.name = parameter.name.text,
                                                    .type = checker_.Resolve(*parameter.type),
                                                    .has_default = parameter.default_value != nullptr,
                                                    .from_input = parameter.from_input});
      }
      declaration.signature.result = checker_.Resolve(*callable->result);
    }
    uint32_t id = static_cast<uint32_t>(program_.declarations.size());
    program_.declarations.push_back(std::move(declaration));
    module_.declarations.push_back(id);
    AddValue(decl.name, {.kind = SymbolKind::kDeclaration, .declaration = id});
  }

  Program& program_;
  TypeTable& types_;
  CheckedModule& module_;
  uint32_t index_;
  diag::Diagnostics& sink_;
  Checker checker_;
  std::map<std::string, source::Span> own_types_;
  std::map<std::string, source::Span> own_values_;
  std::map<std::string, const ast::AliasDecl*> pending_;
  std::set<std::string> resolving_;
  std::map<const ast::Decl*, TypeId> declared_;
};

void CheckTest(const Program& program, const CheckedModule& module, const ast::TestDecl& test, Checker& checker) {
  Checker::Scope scope(checker);
  checker.place = {.test = true};
  if (test.title != nullptr) checker.CheckTemplate(*test.title);
  for (const ast::TestStep& step : test.steps) {
    switch (step.kind) {
      case ast::TestStepKind::kLet:
        checker.CheckLet(step.let);
        break;
      case ast::TestStepKind::kExpect:
        checker.CheckAs(*step.condition, TypeTable::Bool());
        break;
      case ast::TestStepKind::kReply: {
        TypeId wanted = kNoType;
        auto value = module.values.find(step.callee.text);
        if (value == module.values.end()) {
          std::vector<std::string_view> names;
          for (const auto& [name, symbol] : module.values) names.push_back(name);
          checker.Suggest(checker.Report(diag::kUnknownName, step.callee.span, step.callee.text), step.callee, names);
        } else {
          std::string_view kind = "a type";
          if (value->second.kind == SymbolKind::kDeclaration) {
            const Declaration& declaration = program.declarations[value->second.declaration];
            kind = ast::DeclKindName(declaration.kind);
            if (declaration.kind == ast::DeclKind::kTool) wanted = declaration.signature.result;
            if (declaration.kind == ast::DeclKind::kExecutor || declaration.kind == ast::DeclKind::kPlanner) {
              wanted = TypeTable::Text();
            }
          }
          if (wanted == kNoType) {
            checker.Report(diag::kBadReply, step.callee.span, step.callee.text,
                           kind == "a type" ? std::string(kind) : "a " + std::string(kind));
          }
        }
        for (const ast::ExprPtr& reply : step.replies) {
          if (wanted == kNoType) {
            checker.Infer(*reply);
          } else {
            checker.CheckAs(*reply, wanted);
          }
        }
        break;
      }
    }
  }
  checker.place = {};
}

void CheckDefaults(const Declaration& declaration, const ast::Callable& callable, Checker& checker) {
  for (size_t i = 0; i < callable.parameters.size(); ++i) {
    const ast::Parameter& parameter = callable.parameters[i];
    if (parameter.default_value == nullptr) continue;
    const auto* name = ast::As<ast::NameExpr>(parameter.default_value);
    bool refers = false;
    for (const ast::Parameter& other : callable.parameters) {
      refers = refers || (name != nullptr && other.name.text == name->name.text);
    }
    if (refers) {
      checker.Report(diag::kDefaultRefers, name->span, name->name.text);
      continue;
    }
    checker.place.pure = "a default";
    checker.CheckAs(*parameter.default_value, declaration.signature.parameters[i].type);
    checker.place = {};
  }
}

}  // namespace

void DeclareModule(Program& program, CheckedModule& module, uint32_t index, diag::Diagnostics& sink) {
  Declarer(program, module, index, sink).Run();
}

void CheckBodies(Program& program, CheckedModule& module, diag::Diagnostics& sink) {
  Checker checker(program, module, module.file, module.tables, sink);
  for (uint32_t id : module.declarations) {
    Declaration& declaration = program.declarations[id];
    const ast::Callable* callable = ast::AsCallable(declaration.decl);
    if (callable == nullptr) {
      const auto* param = ast::As<ast::ParamDecl>(declaration.decl);
      checker.Info(param->id).type = declaration.signature.result;
      checker.place.pure = "a param's default";
      if (param->default_value != nullptr) checker.CheckAs(*param->default_value, declaration.signature.result);
      checker.place = {};
      continue;
    }
    CheckDefaults(declaration, *callable, checker);
    Checker::Scope scope(checker);
    for (size_t i = 0; i < callable->parameters.size(); ++i) {
      checker.BindName(callable->parameters[i].name, callable->parameters[i].id,
                       declaration.signature.parameters[i].type);
    }
    switch (declaration.kind) {
      case ast::DeclKind::kExecutor:
      case ast::DeclKind::kPlanner:
        CheckRole(program, module, id, checker);
        break;
      case ast::DeclKind::kTool:
        CheckTool(declaration, *ast::As<ast::ToolDecl>(declaration.decl), checker);
        break;
      case ast::DeclKind::kWorkflow:
        checker.CheckAs(*ast::As<ast::WorkflowDecl>(declaration.decl)->body, declaration.signature.result);
        break;
      case ast::DeclKind::kReward: {
        TypeId result = declaration.signature.result;
        if (result != TypeTable::Float() && result != TypeTable::Error()) {
          checker.Report(diag::kRewardResult, callable->result->span, checker.Shown(result));
          result = TypeTable::Error();
        }
        checker.place.pure = "a reward";
        checker.CheckAs(*ast::As<ast::RewardDecl>(declaration.decl)->body, result);
        checker.place = {};
        break;
      }
      default:
        break;
    }
  }
  for (const ast::DeclPtr& decl : module.tree->decls) {
    if (const auto* test = ast::As<ast::TestDecl>(decl)) CheckTest(program, module, *test, checker);
  }
}

}  // namespace jade::sema
