#pragma once
// From ANTLR's parse tree to ours. Private to compiler/parse. Any node of the parse tree may be incomplete: children
// can be null wherever an error was recovered from, and every such place becomes an ErrorExpr, an empty name or a
// missing clause.

#include "compiler/ast/decl.h"
#include "compiler/ast/plan.h"
#include "compiler/parse/tokens.h"
#include "grammar/JadeParser.h"

namespace jade::parse {

using P = grammar::JadeParser;

// Where a chunk's tokens lie.
struct ChunkView {
  const Lexeme* tokens = nullptr;
  size_t count = 0;
  bool silent = false;   // errors in it were reported already
  bool partial = false;  // the parse tree has holes
};

class Builder {
 public:
  Builder(const source::SourceFilePtr& file, diag::Diagnostics& sink, uint32_t* node_count)
      : file_(file), sink_(sink), node_count_(*node_count) {}

  void BuildChunk(P::ChunkContext* tree, const ChunkView& view, ast::Module& module);
  void BuildPlan(P::PlanTextContext* tree, const ChunkView& view, ast::Plan& plan);
  ast::BlockPtr BuildSnippet(P::SnippetContext* tree, const ChunkView& view);

 private:
  using Rule = antlr4::ParserRuleContext;
  using Leaf = antlr4::tree::TerminalNode;

  // ---- builder.cpp: places, names, types, reports
  ast::Span SpanOf(Rule* rule) const;
  ast::Span SpanOf(antlr4::Token* token) const;
  ast::Span SpanOf(Leaf* leaf) const { return leaf == nullptr ? ast::Span{} : SpanOf(leaf->getSymbol()); }
  const Lexeme* LexemeOf(antlr4::Token* token) const;
  std::string TextOf(ast::Span span) const { return std::string(file_->Text(span)); }
  ast::NodeId NextId() { return {node_count_++}; }
  bool quiet() const { return view_.silent; }
  template <size_t N, typename... A>
  diag::Builder Report(const diag::DiagnosticKind<N>& kind, ast::Span span, const A&... arguments) {
    if (quiet()) return diag::Builder(nullptr);
    return sink_.Report(kind, file_, span, arguments...);
  }
  // Ends of statements: the next token must be on a new line, a `;` or a closing bracket.
  void CheckStatementEnd(Rule* statement, bool has_semicolon);

  ast::Name NameOf(P::NameContext* tree);
  ast::Name NameOf(Leaf* leaf);
  ast::Path PathOf(P::PathContext* tree);
  ast::TypePtr TypeOf(P::TypeContext* tree);
  ast::TypePtr TypeOf(P::TypeAtomContext* tree);
  ast::Binding BindingOf(P::BindingContext* tree);
  ast::Binding BindingOf(P::NameContext* tree);

  // ---- build_decl.cpp
  ast::DeclPtr BuildItem(P::ItemContext* tree);
  void BuildUse(P::UseDeclContext* tree, ast::Module& module);
  ast::DeclPtr BuildType(P::TypeDeclContext* tree);
  ast::DeclPtr BuildRecord(P::RecordDeclContext* tree);
  ast::DeclPtr BuildEnum(P::EnumDeclContext* tree);
  ast::DeclPtr BuildExecutor(P::ExecutorDeclContext* tree);
  ast::DeclPtr BuildPlanner(P::PlannerDeclContext* tree);
  ast::DeclPtr BuildTool(P::ToolDeclContext* tree);
  ast::DeclPtr BuildWorkflow(P::WorkflowDeclContext* tree);
  ast::DeclPtr BuildReward(P::RewardDeclContext* tree);
  ast::DeclPtr BuildParam(P::ParamDeclContext* tree);
  ast::DeclPtr BuildTest(P::TestDeclContext* tree);
  std::vector<ast::Parameter> ParametersOf(P::ParamsContext* tree);
  ast::Setting SettingOf(P::SettingContext* tree);

  // ---- build_role.cpp
  void BuildRoleBody(P::RoleBodyContext* tree, ast::Role& role, ast::PlannerDecl* planner);
  void BuildClause(P::ClauseContext* tree, ast::Role& role, ast::PlannerDecl* planner);
  void BuildMessage(P::MessageClauseContext* tree, ast::Role& role);
  void BuildValueClause(P::ValueClauseContext* tree, ast::Role& role, ast::PlannerDecl* planner);
  void BuildUnknownClause(P::UnknownClauseContext* tree, bool planner);
  ast::Emits EmitsOf(P::EmitsClauseContext* tree);
  ast::EmitAlternative AlternativeOf(P::EmitAlternativeContext* tree);
  ast::Name TagOf(P::TagContext* tree);
  ast::StagePattern PatternOf(P::StageAlternativesContext* tree);
  ast::StagePattern PatternOf(P::StageSequenceContext* tree);
  ast::StagePattern PatternOf(P::StageItemContext* tree);
  bool FirstTime(bool taken, ast::Span clause);
  bool ForPlanner(const ast::PlannerDecl* planner, ast::Span clause);

  // The child of a rule that has one child, of this very class; else null. The accessors that ANTLR generates ask each
  // child by dynamic_cast, once for each kind it may be: a good part of the time that a plan takes.
  template <typename T>
  static T* OnlyChild(const Rule* tree) {
    return tree->children.size() == 1 ? Exactly<T>(tree->children.front()) : nullptr;
  }
  template <typename T>
  static T* Exactly(antlr4::tree::ParseTree* tree) {
    return typeid(*tree) == typeid(T) ? static_cast<T*>(tree) : nullptr;
  }

  // ---- build_expr.cpp
  // Counts levels of the tree being built; false (reported once a chunk) when they would exceed kMaxDepth.
  class Depth {
   public:
    Depth(Builder& builder, size_t levels, ast::Span at);
    ~Depth() { builder_.depth_ -= levels_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    bool ok() const { return ok_; }

   private:
    Builder& builder_;
    size_t levels_;
    bool ok_;
  };
  template <typename T>
  std::unique_ptr<T> Make(ast::Span span) {
    auto node = std::make_unique<T>();
    node->id = NextId();
    node->span = span;
    return node;
  }
  ast::ExprPtr Error(ast::Span span) { return Make<ast::ErrorExpr>(span); }
  ast::ExprPtr ExprOf(P::ExprContext* tree, ast::Span fallback);
  ast::ExprPtr ChainOf(P::ChainContext* tree);
  ast::ExprPtr OperandsToTree(P::ChainContext* tree);
  std::vector<P::SuffixContext*> SuffixesOf(P::PostfixContext* tree) const;
  ast::ExprPtr PostfixOf(P::PostfixContext* tree);
  ast::ExprPtr SuffixOf(ast::ExprPtr base, const std::vector<P::SuffixContext*>& suffixes, size_t& at);
  ast::ExprPtr CallOf(ast::ExprPtr callee, std::optional<ast::Name> label, P::CallSuffixContext* tree);
  ast::ExprPtr PrimaryOf(P::PrimaryContext* tree);
  ast::ExprPtr NameExprOf(P::NameContext* tree, ast::Span span);
  ast::ExprPtr NumberOf(antlr4::Token* token);
  ast::ExprPtr ListOf(P::ListContext* tree);

  // ---- build_control.cpp
  ast::BlockPtr BlockOf(P::BlockContext* tree, ast::Span fallback);
  ast::BlockPtr BlockOf(const std::vector<P::LetStmtContext*>& lets, P::ExprContext* result, ast::Span span);
  ast::LetStmt LetOf(P::LetStmtContext* tree);
  ast::ExprPtr ValueOf(P::BlockContext* block, P::ExprContext* expr, ast::Span fallback);
  ast::ExprPtr IfOf(P::IfExprContext* tree);
  ast::ExprPtr MatchOf(P::MatchExprContext* tree);
  ast::Pattern PatternOf(P::PatternContext* tree);
  ast::ExprPtr FoldOf(P::FoldExprContext* tree);
  ast::ExprPtr EachOf(P::EachExprContext* tree);
  ast::ExprPtr RepeatOf(P::RepeatExprContext* tree);
  ast::ExprPtr RunOf(P::RunExprContext* tree);
  ast::ExprPtr WithinOf(P::WithinContext* tree);

  // ---- build_template.cpp
  std::unique_ptr<ast::Template> TemplateOf(P::TemplateLiteralContext* tree);
  std::vector<ast::TemplatePart> PartsOf(const std::vector<P::PartContext*>& trees);
  ast::TemplatePart PartOf(P::PartContext* tree);
  ast::TemplateArm ArmOf(Rule* arm, P::ExprContext* condition, const std::vector<P::PartContext*>& parts);

  const source::SourceFilePtr& file_;
  diag::Diagnostics& sink_;
  uint32_t& node_count_;
  ChunkView view_;
  size_t depth_ = 0;
  bool depth_reported_ = false;
};

// The text of a template as the program sees it. Private helpers of build_template.cpp, here for their tests.

// Strips the indentation that all continuation lines share, the line break after the opening quotes and a last line of
// blanks. `parts` are those between the quotes, texts still as written.
void StripIndentation(std::vector<ast::TemplatePart>& parts);

}  // namespace jade::parse
