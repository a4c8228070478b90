// Blocks, `if`, `match`, iteration, `run` and `within`.

#include "compiler/parse/builder.h"

namespace jade::parse {

using ast::ExprPtr;
using ast::Span;

ast::LetStmt Builder::LetOf(P::LetStmtContext* tree) {
  ast::LetStmt let;
  let.span = SpanOf(tree);
  let.binding = BindingOf(tree->binding());
  let.value = ExprOf(tree->expr(), let.span);
  CheckStatementEnd(tree, tree->SEMI() != nullptr);
  return let;
}

ast::BlockPtr Builder::BlockOf(P::BlockContext* tree, Span fallback) {
  if (tree == nullptr) {
    auto block = Make<ast::Block>(fallback);
    block->result = Error(fallback);
    return block;
  }
  return BlockOf(tree->letStmt(), tree->expr(), SpanOf(tree));
}

ast::BlockPtr Builder::BlockOf(const std::vector<P::LetStmtContext*>& lets, P::ExprContext* result, Span span) {
  auto block = Make<ast::Block>(span);
  const Depth depth(*this, 1, span);
  if (!depth.ok()) {
    block->result = Error(span);
    return block;
  }
  for (P::LetStmtContext* let : lets) block->lets.push_back(LetOf(let));
  if (result == nullptr && !view_.partial) {
    const uint32_t last = span.end > span.begin ? span.end - 1 : span.begin;
    Report(diag::kBlockWithoutValue, {last, span.end}).Help("write the value on the last line of the block");
  }
  block->result = ExprOf(result, {span.end, span.end});
  return block;
}

ExprPtr Builder::ValueOf(P::BlockContext* block, P::ExprContext* expr, Span fallback) {
  if (block != nullptr) return BlockOf(block, fallback);
  return ExprOf(expr, fallback);
}

ExprPtr Builder::IfOf(P::IfExprContext* tree) {
  auto node = Make<ast::IfExpr>(SpanOf(tree));
  const auto conditions = tree->expr();
  const auto blocks = tree->block();
  for (size_t i = 0; i < conditions.size(); ++i) {
    ast::IfArm arm;
    arm.condition = ExprOf(conditions[i], node->span);
    arm.body = BlockOf(i < blocks.size() ? blocks[i] : nullptr, node->span);
    node->arms.push_back(std::move(arm));
  }
  if (node->arms.empty()) return Error(node->span);
  if (blocks.size() > conditions.size()) {
    node->otherwise = BlockOf(blocks.back(), node->span);
  } else if (!view_.partial) {
    Report(diag::kIfWithoutElse, SpanOf(tree->getStart())).Help("add `else { … }`");
  }
  return node;
}

ast::Pattern Builder::PatternOf(P::PatternContext* tree) {
  ast::Pattern pattern;
  pattern.id = NextId();
  if (tree == nullptr) return pattern;
  pattern.span = SpanOf(tree);
  if (tree->NONE() != nullptr) {
    pattern.kind = ast::PatternKind::kNone;
    return pattern;
  }
  pattern.path = PathOf(tree->path());
  pattern.has_parentheses = tree->LPAREN() != nullptr;
  for (P::NameContext* name : tree->name()) pattern.bindings.push_back(BindingOf(name));
  const std::string text = pattern.path.ToString();
  pattern.kind = ast::PatternKind::kCase;
  if (text == "_" && !pattern.has_parentheses) pattern.kind = ast::PatternKind::kWildcard;
  if (text == "some" && pattern.has_parentheses) pattern.kind = ast::PatternKind::kSome;
  return pattern;
}

ExprPtr Builder::MatchOf(P::MatchExprContext* tree) {
  auto node = Make<ast::MatchExpr>(SpanOf(tree));
  node->subject = ExprOf(tree->expr(), node->span);
  for (P::MatchArmContext* tree_arm : tree->matchArm()) {
    ast::MatchArm arm;
    arm.span = SpanOf(tree_arm);
    arm.pattern = PatternOf(tree_arm->pattern());
    arm.value = ValueOf(tree_arm->block(), tree_arm->expr(), arm.span);
    node->arms.push_back(std::move(arm));
  }
  return node;
}

ExprPtr Builder::FoldOf(P::FoldExprContext* tree) {
  auto node = Make<ast::FoldExpr>(SpanOf(tree));
  node->element = BindingOf(tree->name());
  node->list = ExprOf(tree->expr(0), node->span);
  node->state = BindingOf(tree->binding());
  node->initial = ExprOf(tree->expr(1), node->span);
  node->body = BlockOf(tree->block(), node->span);
  return node;
}

ExprPtr Builder::EachOf(P::EachExprContext* tree) {
  auto node = Make<ast::EachExpr>(SpanOf(tree));
  node->element = BindingOf(tree->name());
  node->list = ExprOf(tree->expr(), node->span);
  node->body = BlockOf(tree->block(), node->span);
  return node;
}

ExprPtr Builder::RepeatOf(P::RepeatExprContext* tree) {
  auto node = Make<ast::RepeatExpr>(SpanOf(tree));
  node->limit = ExprOf(tree->expr(0), node->span);
  node->state = BindingOf(tree->binding());
  node->initial = ExprOf(tree->expr(1), node->span);
  P::RepeatBodyContext* body = tree->repeatBody();
  if (body == nullptr) {
    node->body = BlockOf(nullptr, node->span);
    return node;
  }
  // `until` may follow without a value before it; then the only expression is the condition.
  const auto exprs = body->expr();
  const bool has_until = body->UNTIL() != nullptr;
  const size_t values = exprs.size() - (has_until && !exprs.empty() ? 1 : 0);
  node->body = BlockOf(body->letStmt(), values > 0 ? exprs[0] : nullptr, SpanOf(body));
  if (has_until) node->condition = ExprOf(exprs.empty() ? nullptr : exprs.back(), SpanOf(body->UNTIL()));
  return node;
}

ExprPtr Builder::RunOf(P::RunExprContext* tree) {
  auto node = Make<ast::RunExpr>(SpanOf(tree));
  const Depth depth(*this, 1, node->span);
  if (!depth.ok()) return Error(node->span);
  node->plan = tree->postfix(0) != nullptr ? PostfixOf(tree->postfix(0)) : Error(node->span);
  node->input = tree->postfix(1) != nullptr ? PostfixOf(tree->postfix(1)) : Error(node->span);
  return node;
}

ExprPtr Builder::WithinOf(P::WithinContext* tree) {
  auto node = Make<ast::WithinExpr>(SpanOf(tree));
  const Depth depth(*this, 1, node->span);
  if (!depth.ok()) return Error(node->span);
  for (P::LimitContext* limit : tree->limit()) {
    ast::Name name = NameOf(limit->name());
    if (name.empty()) continue;
    node->limits.push_back({std::move(name), ExprOf(limit->expr(), SpanOf(limit))});
  }
  // Body and fallback are each a block or an expression: take them in the order they stand.
  for (antlr4::tree::ParseTree* child : tree->children) {
    auto* block = dynamic_cast<P::BlockContext*>(child);
    auto* expr = dynamic_cast<P::ExprContext*>(child);
    if (block == nullptr && expr == nullptr) continue;
    ExprPtr value = ValueOf(block, expr, node->span);
    if (!node->body) {
      node->body = std::move(value);
    } else {
      node->fallback = std::move(value);
    }
  }
  if (!node->body) node->body = Error(node->span);
  return node;
}

}  // namespace jade::parse
