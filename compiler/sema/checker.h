#pragma once
// Checks the expressions of one tree (a module or a plan) and fills its tables. Private to compiler/sema. One Checker a
// tree; not thread-safe.
//
// Types flow both ways: an expression is checked with a hint (what its place wants, or kNoType), which literals, `[]`,
// `none`, enum cases and plans adapt to; what comes out is then converted to the type wanted, or diagnosed.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diag/diagnostic.h"
#include "compiler/sema/builtins.h"
#include "compiler/sema/typed.h"

namespace jade::sema {

using types::TypeKind;
using types::TypeTable;

// What the place of an expression allows.
struct Place {
  std::string_view pure;  // not empty: no calls here; says what this is, "a `check`"
  bool test = false;      // penalty(QR), calls(QR)
};

// A block plan sees only these.
struct PlanNames {
  uint32_t planner = kNone;
  const std::vector<uint32_t>* declarations = nullptr;
};

class Checker {
 public:
  Checker(Program& program, CheckedModule& module, source::SourceFilePtr file, Tables& tables, diag::Diagnostics& sink)
      : program_(program),
        types_(*program.types),
        module_(module),
        file_(std::move(file)),
        tables_(tables),
        sink_(sink) {}

  // The expression's value is used as a `target`; returns target.
  TypeId CheckAs(const ast::Expr& expr, TypeId target);
  // The expression's own type.
  TypeId Infer(const ast::Expr& expr, TypeId hint = kNoType);
  // A type as written. Poisoned after a diagnostic.
  TypeId Resolve(const ast::Type& type);

  void CheckTemplate(const ast::Template& text);

  // Scopes of local names.
  class Scope {
   public:
    explicit Scope(Checker& checker) : checker_(checker), mark_(checker.locals_.size()) {}
    ~Scope() { checker_.locals_.resize(mark_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Checker& checker_;
    size_t mark_;
  };
  void Bind(const ast::Binding& binding, TypeId type);
  void BindName(const ast::Name& name, ast::NodeId id, TypeId type);
  void BindSymbol(std::string_view name, SymbolKind kind, TypeId type);
  // A name that others may hide, itself among them: what a prompt has kept. Declarations it must not hide.
  void BindGiven(const ast::Name& name, ast::NodeId id, TypeId type);
  void CheckLet(const ast::LetStmt& let);
  // The type of what the `let` binds.
  TypeId CheckLetValue(const ast::LetStmt& let);
  // False and a report when nothing says what an empty list or `none` is of, as a `let` of that name would.
  bool CheckKnown(const ast::Expr& expr, TypeId type, const std::string& name);

  Place place;
  PlanNames plan;

  template <size_t Holes, typename... Arguments>
  diag::Builder Report(const diag::DiagnosticKind<Holes>& kind, source::Span span, const Arguments&... arguments) {
    return sink_.Report(kind, file_, span, arguments...);
  }
  NodeInfo& Info(ast::NodeId id) { return tables_.nodes[id.index]; }
  std::string Shown(TypeId type) const { return "`" + types_.Name(type) + "`"; }
  // Helps a report with the nearest of the names.
  void Suggest(diag::Builder builder, const ast::Name& name, const std::vector<std::string_view>& candidates);

 private:
  friend class Scope;
  struct Local {
    std::string name;
    Symbol symbol;
    source::Span span;
    bool given = false;
  };

  void ReportHidden(const ast::Name& name);
  TypeId InferForm(const ast::Expr& expr, TypeId hint);
  TypeId InferTemplate(const ast::Template& text, TypeId hint);
  TypeId InferName(const ast::NameExpr& expr, TypeId hint);
  TypeId InferField(const ast::FieldExpr& expr, TypeId hint);
  TypeId InferIndex(const ast::IndexExpr& expr);
  TypeId InferList(const ast::ListExpr& expr, TypeId hint);
  TypeId InferComprehension(const ast::ComprehensionExpr& expr, TypeId hint);
  TypeId InferUnary(const ast::UnaryExpr& expr, TypeId hint);
  TypeId InferBinary(const ast::BinaryExpr& expr, TypeId hint);
  TypeId InferArithmetic(const ast::BinaryExpr& expr, TypeId hint);
  TypeId InferComparison(const ast::BinaryExpr& expr);
  TypeId InferElse(const ast::BinaryExpr& expr, TypeId hint);
  TypeId InferIf(const ast::IfExpr& expr, TypeId hint);
  TypeId InferMatch(const ast::MatchExpr& expr, TypeId hint);
  void CheckPattern(const ast::Pattern& pattern, TypeId subject, std::vector<bool>& covered);
  void CheckCovered(const ast::MatchExpr& expr, TypeId subject, const std::vector<bool>& covered);
  TypeId InferFold(const ast::FoldExpr& expr, TypeId hint);
  TypeId InferEach(const ast::EachExpr& expr, TypeId hint);
  TypeId InferRepeat(const ast::RepeatExpr& expr, TypeId hint);
  TypeId InferState(const ast::Binding& state, const ast::Expr& initial, TypeId hint);
  TypeId InferRun(const ast::RunExpr& expr);
  TypeId InferWithin(const ast::WithinExpr& expr, TypeId hint);
  TypeId InferBlock(const ast::Block& block, TypeId hint);

  TypeId InferCall(const ast::CallExpr& expr, TypeId hint);
  TypeId CallDeclaration(const ast::CallExpr& expr, const Symbol& symbol);
  TypeId CallConstructor(const ast::CallExpr& expr, const Symbol& symbol);
  TypeId CallBuiltin(const ast::CallExpr& expr, std::string_view name);
  TypeId CallTestFunction(const ast::CallExpr& expr, std::string_view name);
  TypeId CallNothing(const ast::CallExpr& expr);  // checks the arguments of a call that means nothing
  void BindArguments(const ast::CallExpr& expr, const std::string& name,
                     const std::vector<types::Parameter>& parameters, const std::vector<const ast::Expr*>& defaults,
                     CallInfo& info);
  bool MayCall(source::Span span, const Symbol& symbol);

  // What a name means; kNone and a report when nothing.
  Symbol Lookup(const ast::Name& name);
  const Local* FindLocal(std::string_view name) const;
  std::optional<Symbol> MemberOf(const ast::FieldExpr& expr, bool* reported);
  Symbol CaseOf(TypeId hint, std::string_view name) const;
  TypeId UseSymbol(const ast::Expr& expr, const Symbol& symbol, const std::string& name, TypeId hint);
  TypeId UseAsPlan(const ast::Expr& expr, const Symbol& symbol, const std::string& name);
  std::vector<std::string_view> ValueNames() const;
  std::string Kind(const Symbol& symbol) const;

  // Conversions.
  bool Retypes(TypeId from, TypeId to) const;  // same representation: to be used as `to` without work
  bool Convert(const ast::Expr& expr, TypeId from, TypeId to);
  TypeId Join(TypeId a, TypeId b);  // kNoType when there is none
  TypeId JoinAll(const std::vector<const ast::Expr*>& exprs, TypeId hint, source::Span span);
  TypeId ListElement(const ast::Expr& list);  // checks a list and gives the type of its elements
  bool Known(TypeId type) const;
  bool Adapts(const ast::Expr& expr, TypeId hint) const;

  Program& program_;
  TypeTable& types_;
  CheckedModule& module_;
  source::SourceFilePtr file_;
  Tables& tables_;
  diag::Diagnostics& sink_;
  std::vector<Local> locals_;
};

}  // namespace jade::sema
