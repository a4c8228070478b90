// Expressions: operator chains, suffixes, literals, lists.

#include <charconv>
#include <cmath>

#include "compiler/parse/builder.h"
#include "compiler/parse/parse.h"

namespace jade::parse {

using ast::BinaryOp;
using ast::ExprPtr;
using ast::Span;
using ast::UnaryOp;

namespace {

struct Operator {
  bool unary = false;
  UnaryOp unary_op = UnaryOp::kNot;
  BinaryOp binary_op = BinaryOp::kAdd;
  int precedence = 0;  // higher binds tighter
  Span span;
};

constexpr int kComparison = 4;
constexpr int kElse = 5;  // groups to the right

Operator BinaryOperator(size_t token, Span span) {
  const auto make = [&](BinaryOp op, int precedence) { return Operator{false, {}, op, precedence, span}; };
  switch (token) {
    case P::OR:
      return make(BinaryOp::kOr, 1);
    case P::AND:
      return make(BinaryOp::kAnd, 2);
    case P::EQUAL:
      return make(BinaryOp::kEqual, kComparison);
    case P::NOT_EQUAL:
      return make(BinaryOp::kNotEqual, kComparison);
    case P::LESS:
      return make(BinaryOp::kLess, kComparison);
    case P::LESS_EQUAL:
      return make(BinaryOp::kLessEqual, kComparison);
    case P::GREATER:
      return make(BinaryOp::kGreater, kComparison);
    case P::GREATER_EQUAL:
      return make(BinaryOp::kGreaterEqual, kComparison);
    case P::ELSE_OP:
      return make(BinaryOp::kElse, kElse);
    case P::PLUS:
      return make(BinaryOp::kAdd, 6);
    case P::MINUS:
      return make(BinaryOp::kSubtract, 6);
    case P::STAR:
      return make(BinaryOp::kMultiply, 7);
    case P::SLASH:
      return make(BinaryOp::kDivide, 7);
    default:
      return make(BinaryOp::kRemainder, 7);
  }
}

Operator UnaryOperator(size_t token, Span span) {
  if (token == P::NOT) return {true, UnaryOp::kNot, {}, 3, span};
  return {true, UnaryOp::kNegate, {}, 8, span};
}

}  // namespace

ExprPtr Builder::ExprOf(P::ExprContext* tree, Span fallback) {
  if (tree == nullptr) return Error(fallback);
  if (auto* chain = OnlyChild<P::ChainContext>(tree)) return ChainOf(chain);
  if (P::WithinContext* within = tree->within()) return WithinOf(within);
  if (P::ChainContext* chain = tree->chain()) return ChainOf(chain);
  return Error(SpanOf(tree));
}

ExprPtr Builder::ChainOf(P::ChainContext* tree) {
  if (auto* operand = OnlyChild<P::OperandContext>(tree)) {
    if (auto* postfix = OnlyChild<P::PostfixContext>(operand)) {
      const Depth depth(*this, 1, SpanOf(tree->getStart()));
      return depth.ok() ? PostfixOf(postfix) : Error(SpanOf(tree));
    }
  }
  size_t operators = tree->binaryOp().size();
  for (P::OperandContext* operand : tree->operand()) operators += operand->prefix().size();
  if (operators > kMaxNesting) {
    Report(diag::kLongChain, SpanOf(tree->getStart()), kMaxNesting).Help("name parts of it with `let`");
    return Error(SpanOf(tree));
  }
  const Depth depth(*this, operators + 1, SpanOf(tree->getStart()));
  if (!depth.ok()) return Error(SpanOf(tree));
  return OperandsToTree(tree);
}

// Precedence by two stacks, so that a long chain costs no recursion.
ExprPtr Builder::OperandsToTree(P::ChainContext* tree) {
  std::vector<ExprPtr> values;
  std::vector<Operator> pending;
  const auto reduce = [&] {
    const Operator op = pending.back();
    pending.pop_back();
    ExprPtr right = std::move(values.back());
    values.pop_back();
    if (op.unary) {
      auto node = Make<ast::UnaryExpr>(source::Cover(op.span, right->span));
      node->op = op.unary_op;
      node->op_span = op.span;
      node->operand = std::move(right);
      values.push_back(std::move(node));
      return;
    }
    ExprPtr left = std::move(values.back());
    values.pop_back();
    auto node = Make<ast::BinaryExpr>(source::Cover(left->span, right->span));
    node->op = op.binary_op;
    node->op_span = op.span;
    node->left = std::move(left);
    node->right = std::move(right);
    values.push_back(std::move(node));
  };
  const auto operands = tree->operand();
  const auto operators = tree->binaryOp();
  for (size_t i = 0; i < operands.size(); ++i) {
    for (P::PrefixContext* prefix : operands[i]->prefix()) {
      pending.push_back(UnaryOperator(prefix->getStart()->getType(), SpanOf(prefix)));
    }
    P::PostfixContext* postfix = operands[i]->postfix();
    values.push_back(postfix != nullptr ? PostfixOf(postfix) : Error(SpanOf(operands[i])));
    if (i >= operators.size()) break;
    const Operator op = BinaryOperator(operators[i]->getStart()->getType(), SpanOf(operators[i]));
    while (!pending.empty() && (pending.back().precedence > op.precedence ||
                                (pending.back().precedence == op.precedence && op.precedence != kElse))) {
      if (op.precedence == kComparison && pending.back().precedence == kComparison) {
        Report(diag::kChainedComparison, op.span)
            .Note(file_, pending.back().span, "the comparison before it")
            .Help("join two comparisons with `and`");
      }
      reduce();
    }
    pending.push_back(op);
  }
  while (!pending.empty() && values.size() > (pending.back().unary ? 0U : 1U)) reduce();
  return values.empty() ? Error(SpanOf(tree)) : std::move(values.front());
}

std::vector<P::SuffixContext*> Builder::SuffixesOf(P::PostfixContext* tree) const {
  if (view_.partial) return tree->suffix();
  // All that follows the primary.
  std::vector<P::SuffixContext*> suffixes;
  suffixes.reserve(tree->children.size() - 1);
  for (size_t i = 1; i < tree->children.size(); ++i) {
    suffixes.push_back(static_cast<P::SuffixContext*>(tree->children[i]));
  }
  return suffixes;
}

ExprPtr Builder::PostfixOf(P::PostfixContext* tree) {
  if (auto* primary = OnlyChild<P::PrimaryContext>(tree)) return PrimaryOf(primary);
  const std::vector<P::SuffixContext*> suffixes = SuffixesOf(tree);
  const Depth depth(*this, suffixes.size(), SpanOf(tree->getStart()));
  P::PrimaryContext* primary = tree->primary();
  if (!depth.ok() || primary == nullptr) return Error(SpanOf(tree));
  ExprPtr expr = PrimaryOf(primary);
  for (size_t i = 0; i < suffixes.size(); ++i) expr = SuffixOf(std::move(expr), suffixes, i);
  return expr;
}

// Applies suffixes[at], and the call after a label with it.
ExprPtr Builder::SuffixOf(ExprPtr base, const std::vector<P::SuffixContext*>& suffixes, size_t& at) {
  P::SuffixContext* suffix = suffixes[at];
  const Span span = source::Cover(base->span, SpanOf(suffix));
  if (auto* call = Exactly<P::CallSuffixContext>(suffix)) return CallOf(std::move(base), std::nullopt, call);
  if (auto* field = dynamic_cast<P::FieldSuffixContext*>(suffix)) {
    auto node = Make<ast::FieldExpr>(span);
    node->base = std::move(base);
    node->name = NameOf(field->name());
    return node;
  }
  if (auto* index = dynamic_cast<P::IndexSuffixContext*>(suffix)) {
    auto node = Make<ast::IndexExpr>(span);
    node->base = std::move(base);
    node->index = ExprOf(index->expr(), SpanOf(suffix));
    return node;
  }
  if (auto* label = dynamic_cast<P::LabelSuffixContext*>(suffix)) {
    const ast::Name name = NameOf(label->name());
    auto* call = at + 1 < suffixes.size() ? dynamic_cast<P::CallSuffixContext*>(suffixes[at + 1]) : nullptr;
    if (call == nullptr) {
      if (!view_.partial) Report(diag::kMisplacedLabel, SpanOf(suffix), name.text).Help("write `Name@label(…)`");
      return base;
    }
    ++at;
    return CallOf(std::move(base), name, call);
  }
  return base;
}

ExprPtr Builder::CallOf(ExprPtr callee, std::optional<ast::Name> label, P::CallSuffixContext* tree) {
  auto node = Make<ast::CallExpr>(source::Cover(callee->span, SpanOf(tree)));
  node->callee = std::move(callee);
  node->label = std::move(label);
  node->parentheses = SpanOf(tree);
  P::ArgumentsContext* arguments = tree->arguments();
  if (arguments == nullptr) return node;
  for (antlr4::tree::ParseTree* child : arguments->children) {
    auto* tree_argument = Exactly<P::ArgumentContext>(child);
    if (tree_argument == nullptr) continue;
    ast::Argument argument;
    argument.span = SpanOf(tree_argument);
    if (auto* only = OnlyChild<P::ExprContext>(tree_argument)) {
      argument.value = ExprOf(only, argument.span);
      node->arguments.push_back(std::move(argument));
      continue;
    }
    const auto exprs = tree_argument->expr();
    argument.value = ExprOf(exprs.empty() ? nullptr : exprs.back(), argument.span);
    if (tree_argument->COLON() != nullptr && exprs.size() == 2) {
      const ExprPtr left = ExprOf(exprs.front(), argument.span);
      if (const auto* name = ast::As<ast::NameExpr>(left)) {
        argument.name = name->name;
      } else if (left->kind != ast::ExprKind::kError) {
        Report(diag::kUnexpectedToken, SpanOf(tree_argument->COLON()), "`:`", "`,` or `)`")
            .Help("only a parameter's name stands before `:`");
      }
    }
    node->arguments.push_back(std::move(argument));
  }
  return node;
}

ExprPtr Builder::NumberOf(antlr4::Token* token) {
  const Span span = SpanOf(token);
  std::string digits;
  for (const char c : TextOf(span)) {
    if (c != '_') digits += c;
  }
  if (token->getType() == P::FLOAT) {
    auto node = Make<ast::FloatLiteral>(span);
    node->value = std::strtod(digits.c_str(), nullptr);
    if (!std::isfinite(node->value)) {
      Report(diag::kBadNumber, span, TextOf(span)).Help("the largest `Float` is about 1.8e308");
    }
    return node;
  }
  auto node = Make<ast::IntLiteral>(span);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), node->value);
  if (error == std::errc::result_out_of_range) {
    Report(diag::kBadNumber, span, TextOf(span))
        .Help("an `Int` lies between -9223372036854775807 and 9223372036854775807");
  }
  return node;
}

ExprPtr Builder::NameExprOf(P::NameContext* tree, Span span) {
  ast::Name name = NameOf(tree);
  if (name.empty()) return Error(span);
  auto node = Make<ast::NameExpr>(span);
  node->name = std::move(name);
  return node;
}

ExprPtr Builder::PrimaryOf(P::PrimaryContext* tree) {
  const Span span = SpanOf(tree);
  antlr4::Token* start = tree->getStart();
  if (auto* name = OnlyChild<P::NameContext>(tree)) return NameExprOf(name, span);
  if (tree->INT() != nullptr || tree->FLOAT() != nullptr) return NumberOf(start);
  if (tree->TRUE() != nullptr || tree->FALSE() != nullptr) {
    auto node = Make<ast::BoolLiteral>(span);
    node->value = tree->TRUE() != nullptr;
    return node;
  }
  if (tree->NONE() != nullptr) return Make<ast::NoneLiteral>(span);
  if (tree->DURATION() != nullptr) {
    Report(diag::kMisplacedDuration, span).Help("a budget counts plain seconds");
    return Error(span);
  }
  if (tree->templateLiteral() != nullptr) return TemplateOf(tree->templateLiteral());
  if (tree->name() != nullptr) return NameExprOf(tree->name(), span);
  if (tree->expr() != nullptr) {
    ExprPtr inner = ExprOf(tree->expr(), span);
    if (inner->kind != ast::ExprKind::kError) inner->span = span;  // with its parentheses
    return inner;
  }
  if (tree->list() != nullptr) return ListOf(tree->list());
  if (tree->ifExpr() != nullptr) return IfOf(tree->ifExpr());
  if (tree->matchExpr() != nullptr) return MatchOf(tree->matchExpr());
  if (tree->foldExpr() != nullptr) return FoldOf(tree->foldExpr());
  if (tree->eachExpr() != nullptr) return EachOf(tree->eachExpr());
  if (tree->repeatExpr() != nullptr) return RepeatOf(tree->repeatExpr());
  if (tree->runExpr() != nullptr) return RunOf(tree->runExpr());
  return Error(span);
}

ExprPtr Builder::ListOf(P::ListContext* tree) {
  const Span span = SpanOf(tree);
  if (P::ComprehensionContext* comprehension = tree->comprehension()) {
    auto node = Make<ast::ComprehensionExpr>(span);
    node->value = ExprOf(tree->expr(0), span);
    node->element = BindingOf(comprehension->name());
    node->list = ExprOf(comprehension->expr(0), SpanOf(comprehension));
    if (comprehension->IF() != nullptr) node->condition = ExprOf(comprehension->expr(1), SpanOf(comprehension));
    return node;
  }
  auto node = Make<ast::ListExpr>(span);
  for (P::ExprContext* element : tree->expr()) node->elements.push_back(ExprOf(element, span));
  return node;
}

}  // namespace jade::parse
