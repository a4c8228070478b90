#pragma once
// Expressions. Everything that has a value is one, blocks and templates included. Test the form with kind or with
// As<Call>(expr), which is null for any other form.

#include <optional>

#include "compiler/ast/type.h"

namespace jade::ast {

enum class ExprKind : uint8_t {
  kError,          // could not be parsed; already diagnosed
  kInt,            // 42, 1_000
  kFloat,          // 1.5, 1e-3
  kBool,           // true, false
  kNone,           // none
  kDuration,       // 5s, 200ms, 2m: only as a tool's attribute
  kTemplate,       // "…", """…""", r"""…"""
  kName,           // x, QR
  kField,          // base.name
  kIndex,          // base[index]
  kCall,           // callee(a, name: b), callee@label(…)
  kList,           // [a, b]
  kComprehension,  // [e for x in xs if p]
  kUnary,          // not e, -e
  kBinary,         // e + e …, `??` included
  kIf,             // if c { } else if d { } else { }
  kMatch,          // match e { pattern => e … }
  kFold,           // fold x in xs with s: T = init { … }
  kEach,           // each x in xs { … }
  kRepeat,         // repeat up to n with s: T = init { … until c }
  kRun,            // run plan on input
  kWithin,         // within { calls: 4 } body else fallback
  kBlock,          // { let … e }: only as the body of another form
};

// Stable name of a kind: "call", "if", …
std::string_view ExprKindName(ExprKind kind);

struct Expr {
  virtual ~Expr() = default;
  const ExprKind kind;
  NodeId id;
  Span span;

 protected:
  explicit Expr(ExprKind expr_kind) : kind(expr_kind) {}
};

template <ExprKind Kind>
struct ExprOf : Expr {
  static constexpr ExprKind kKind = Kind;
  ExprOf() : Expr(Kind) {}
};

template <typename T>
const T* As(const Expr* expr) {
  return expr != nullptr && expr->kind == T::kKind ? static_cast<const T*>(expr) : nullptr;
}
template <typename T>
const T* As(const ExprPtr& expr) {
  return As<T>(expr.get());
}

// A name that an expression binds, with an optional written type: `let`, the element and the accumulator of `fold`, …
struct Binding {
  NodeId id;
  Name name;
  TypePtr type;  // null when not written
  Span span;
};

struct ErrorExpr : ExprOf<ExprKind::kError> {};

struct IntLiteral : ExprOf<ExprKind::kInt> {
  int64_t value = 0;
};
struct FloatLiteral : ExprOf<ExprKind::kFloat> {
  double value = 0;
};
struct BoolLiteral : ExprOf<ExprKind::kBool> {
  bool value = false;
};
struct NoneLiteral : ExprOf<ExprKind::kNone> {};
struct DurationLiteral : ExprOf<ExprKind::kDuration> {
  double seconds = 0;
};

// ---- Templates

struct TemplatePart;

// Text (already unescaped, common indentation stripped) or a directive.
enum class PartKind : uint8_t { kText, kHole, kFor, kIf };

struct TemplateArm {  // `{if c}`, `{else if c}`, `{else}`
  ExprPtr condition;  // null for `{else}`
  std::vector<TemplatePart> parts;
  Span span;
};

struct TemplatePart {
  PartKind kind = PartKind::kText;
  Span span;
  std::string text;                 // kText
  ExprPtr value;                    // kHole: the expression; kFor: the list
  Binding element;                  // kFor
  std::vector<TemplatePart> parts;  // kFor: the body
  std::vector<TemplateArm> arms;    // kIf
};

struct Template : ExprOf<ExprKind::kTemplate> {
  enum class Quote : uint8_t { kSingle, kTriple, kRaw };  // "…", """…""", r"""…"""
  Quote quote = Quote::kSingle;
  std::vector<TemplatePart> parts;  // texts are never empty and never neighbours

  bool is_literal() const { return parts.empty() || (parts.size() == 1 && parts[0].kind == PartKind::kText); }
  // The text when is_literal().
  std::string_view literal() const { return parts.empty() ? std::string_view() : std::string_view(parts[0].text); }
};

// ---- Names, members, calls

struct NameExpr : ExprOf<ExprKind::kName> {
  Name name;
};
struct FieldExpr : ExprOf<ExprKind::kField> {
  ExprPtr base;
  Name name;
};
struct IndexExpr : ExprOf<ExprKind::kIndex> {
  ExprPtr base;
  ExprPtr index;
};

struct Argument {
  std::optional<Name> name;  // `name: value`
  ExprPtr value;
  Span span;
};

// A call of an executor, tool, planner, workflow or builtin, a record or nominal constructor, an enum case.
struct CallExpr : ExprOf<ExprKind::kCall> {
  ExprPtr callee;             // NameExpr, or FieldExpr for `Reply.Ask(…)` and `module.Name(…)`
  std::optional<Name> label;  // `QR@first(…)`: fixes this call's place in call paths
  std::vector<Argument> arguments;
  Span parentheses;
};

struct ListExpr : ExprOf<ExprKind::kList> {
  std::vector<ExprPtr> elements;
};
struct ComprehensionExpr : ExprOf<ExprKind::kComprehension> {
  ExprPtr value;
  Binding element;
  ExprPtr list;
  ExprPtr condition;  // null without `if`
};

// ---- Operators

enum class UnaryOp : uint8_t { kNot, kNegate };
enum class BinaryOp : uint8_t {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kElse,  // ??
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
};

// As written: "not", "??", …
std::string_view OpText(UnaryOp op);
std::string_view OpText(BinaryOp op);

struct UnaryExpr : ExprOf<ExprKind::kUnary> {
  UnaryOp op = UnaryOp::kNot;
  Span op_span;
  ExprPtr operand;
};
struct BinaryExpr : ExprOf<ExprKind::kBinary> {
  BinaryOp op = BinaryOp::kAdd;
  Span op_span;
  ExprPtr left;
  ExprPtr right;
};

// ---- Control

struct LetStmt {
  Binding binding;
  ExprPtr value;
  Span span;
};

// { let a = …  let b = …  result }. The result is an ErrorExpr when it was missing.
struct Block : ExprOf<ExprKind::kBlock> {
  std::vector<LetStmt> lets;
  ExprPtr result;
};
using BlockPtr = std::unique_ptr<Block>;

struct IfArm {
  ExprPtr condition;
  BlockPtr body;
};
struct IfExpr : ExprOf<ExprKind::kIf> {
  std::vector<IfArm> arms;  // `if`, then each `else if`; at least one
  BlockPtr otherwise;       // null when it was missing (already diagnosed)
};

// What a `match` arm matches.
enum class PatternKind : uint8_t {
  kWildcard,  // _
  kNone,      // none
  kSome,      // some(x)
  kCase,      // Ask(q), Reply.Ask(q), Stop
};
struct Pattern {
  PatternKind kind = PatternKind::kWildcard;
  NodeId id;
  Span span;
  Path path;                      // kCase
  bool has_parentheses = false;   // kCase: Ask(q) or Stop() as opposed to Stop
  std::vector<Binding> bindings;  // kCase, kSome; a binding named `_` binds nothing
};
struct MatchArm {
  Pattern pattern;
  ExprPtr value;  // a Block when written with braces
  Span span;
};
struct MatchExpr : ExprOf<ExprKind::kMatch> {
  ExprPtr subject;
  std::vector<MatchArm> arms;
};

struct FoldExpr : ExprOf<ExprKind::kFold> {
  Binding element;
  ExprPtr list;
  Binding state;
  ExprPtr initial;
  BlockPtr body;
};
struct EachExpr : ExprOf<ExprKind::kEach> {
  Binding element;
  ExprPtr list;
  BlockPtr body;
};

// repeat up to `limit` with `state` = `initial` { body until condition }. The body gives the next state; the condition
// sees the names the body bound, and `state` as the body just left it.
struct RepeatExpr : ExprOf<ExprKind::kRepeat> {
  ExprPtr limit;
  Binding state;
  ExprPtr initial;
  BlockPtr body;
  ExprPtr condition;  // null without `until`
};

struct RunExpr : ExprOf<ExprKind::kRun> {
  ExprPtr plan;
  ExprPtr input;
};

struct Limit {  // `calls: 40`
  Name name;
  ExprPtr value;
};
struct WithinExpr : ExprOf<ExprKind::kWithin> {
  std::vector<Limit> limits;
  ExprPtr body;      // a Block when written with braces
  ExprPtr fallback;  // null without `else`
};

}  // namespace jade::ast
