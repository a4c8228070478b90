#pragma once
// Declarations and the module that holds them.

#include "compiler/ast/expr.h"
#include "compiler/types/message_role.h"

namespace jade::ast {

enum class DeclKind : uint8_t {
  kAlias,
  kNominal,
  kRecord,
  kEnum,
  kExecutor,
  kTool,
  kPlanner,
  kWorkflow,
  kParam,
  kReward,
  kTest,
};

// The word that starts such a declaration: "executor", "type" for both kinds of type, …
std::string_view DeclKindName(DeclKind kind);

struct Decl {
  virtual ~Decl() = default;
  const DeclKind kind;
  Name name;            // tests: empty, they have a title
  bool broken = false;  // has a syntax error: parts of it may be missing, do not report that they are
  Span span;

 protected:
  explicit Decl(DeclKind decl_kind) : kind(decl_kind) {}
};
using DeclPtr = std::unique_ptr<Decl>;

template <DeclKind Kind>
struct DeclOf : Decl {
  static constexpr DeclKind kKind = Kind;
  DeclOf() : Decl(Kind) {}
};

template <typename T>
const T* As(const Decl* decl) {
  return decl != nullptr && decl->kind == T::kKind ? static_cast<const T*>(decl) : nullptr;
}
template <typename T>
const T* As(const DeclPtr& decl) {
  return As<T>(decl.get());
}

// ---- Types

struct AliasDecl : DeclOf<DeclKind::kAlias> {  // type Queries = [Query]
  TypePtr type;
};
struct NominalDecl : DeclOf<DeclKind::kNominal> {  // type Query = new Text
  TypePtr base;
};
struct FieldDecl {
  Name name;
  TypePtr type;
  Span span;
};
struct RecordDecl : DeclOf<DeclKind::kRecord> {  // record Note { question: Query, answer: Answer }
  std::vector<FieldDecl> fields;
};
struct CaseDecl {
  Name name;
  std::vector<FieldDecl> payload;  // `Ask(query: Query)`; a payload without a name has an empty one: `Ask(Query)`
  Span span;
};
struct EnumDecl : DeclOf<DeclKind::kEnum> {  // enum Reply { Ask(Query), Stop }
  std::vector<CaseDecl> cases;
};

// ---- Callables

struct Parameter {
  NodeId id;
  Name name;
  TypePtr type;
  bool from_input = false;
  ExprPtr default_value;  // null when required
  Span span;
};

struct Callable : Decl {
  std::vector<Parameter> parameters;
  TypePtr result;

 protected:
  explicit Callable(DeclKind kind) : Decl(kind) {}
};

template <DeclKind Kind>
struct CallableOf : Callable {
  static constexpr DeclKind kKind = Kind;
  CallableOf() : Callable(Kind) {}
};

// The declaration as a Callable, or null.
const Callable* AsCallable(const Decl* decl);

using types::MessageRole;

struct Message {
  MessageRole role = MessageRole::kUser;
  std::unique_ptr<Template> text;
  Span span;
};

enum class EmitForm : uint8_t {
  kTag,       // <query> Query
  kNumbered,  // <q#> [Query] max 7
  kSubset,    // <id> subset docs
  kPlan,      // <workflow> plan, or plan alone
  kText,      // text: the whole reply
};

struct EmitAlternative {
  EmitForm form = EmitForm::kText;
  Name tag;                    // without the brackets and `#`; empty for kText and a plan without tags
  TypePtr type;                // kTag, kNumbered
  std::optional<int64_t> max;  // kNumbered
  Name parameter;              // kSubset: the parameter whose documents are chosen from
  Span span;
};

struct Emits {
  std::vector<EmitAlternative> alternatives;  // one, or several separated by `|`
  Span span;
};

// `temperature 1.0`, `retry 2`, `timeout 5s`.
struct Setting {
  Name name;
  ExprPtr value;
  Span span;
};

// A planner's `stages`: what its pipelines may look like.
enum class StageForm : uint8_t {
  kStage,         // QR; with a child: QDS(pattern), a stage given a sub-plan
  kSequence,      // a b c
  kOptional,      // [a]
  kAlternatives,  // a | b
};
struct StagePattern {
  StageForm form = StageForm::kStage;
  Name name;                           // kStage
  std::vector<StagePattern> children;  // kStage: none or one; kOptional: one; else two or more
  Span span;
};

// What executors and planners share. Expressions are null when the clause is missing.
struct Role : Callable {
  std::vector<Message> messages;
  std::optional<Emits> emits;
  ExprPtr check;
  ExprPtr malformed;
  ExprPtr invalid;
  ExprPtr penalty;
  std::vector<Setting> sample;

 protected:
  explicit Role(DeclKind kind) : Callable(kind) {}
};

struct ExecutorDecl : Role {
  static constexpr DeclKind kKind = DeclKind::kExecutor;
  ExecutorDecl() : Role(kKind) {}
};
struct PlannerDecl : Role {
  static constexpr DeclKind kKind = DeclKind::kPlanner;
  PlannerDecl() : Role(kKind) {}
  std::optional<StagePattern> stages;
  std::vector<Name> uses;  // empty without the clause
  Span uses_span;
  ExprPtr overrun;
};

struct ToolDecl : CallableOf<DeclKind::kTool> {
  std::vector<Setting> attributes;
};
struct WorkflowDecl : CallableOf<DeclKind::kWorkflow> {
  bool is_main = false;
  BlockPtr body;
};
struct RewardDecl : CallableOf<DeclKind::kReward> {
  BlockPtr body;
};

struct ParamDecl : DeclOf<DeclKind::kParam> {
  NodeId id;
  TypePtr type;
  ExprPtr default_value;  // null when it must be set from outside
};

// ---- Tests

enum class TestStepKind : uint8_t { kLet, kReply, kExpect };
struct TestStep {
  TestStepKind kind = TestStepKind::kExpect;
  Span span;
  LetStmt let;                   // kLet
  Name callee;                   // kReply: whose calls are answered
  std::vector<ExprPtr> replies;  // kReply: in order of the calls, the last one again for further calls
  ExprPtr condition;             // kExpect
};
struct TestDecl : DeclOf<DeclKind::kTest> {
  std::unique_ptr<Template> title;
  std::vector<TestStep> steps;
};

// ---- Module

struct Use {
  Path path;                  // std.rag
  std::optional<Name> alias;  // use std.rag as rag
  Span span;
};

struct Module {
  source::SourceFilePtr file;
  std::vector<Use> uses;
  std::vector<DeclPtr> decls;  // in source order
  std::vector<Comment> comments;
  uint32_t node_count = 0;
};

}  // namespace jade::ast
