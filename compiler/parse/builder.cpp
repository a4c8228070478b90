#include "compiler/parse/builder.h"

namespace jade::parse {

using ast::Span;

Span Builder::SpanOf(antlr4::Token* token) const {
  if (const Lexeme* lexeme = LexemeOf(token)) return lexeme->span;
  const uint32_t end = view_.count > 0 ? view_.tokens[view_.count - 1].span.end : 0;
  return {end, end};
}

const Lexeme* Builder::LexemeOf(antlr4::Token* token) const {
  if (token == nullptr || token->getTokenIndex() >= view_.count) return nullptr;
  return &view_.tokens[token->getTokenIndex()];
}

Span Builder::SpanOf(Rule* rule) const {
  if (rule == nullptr) return {};
  const Span start = SpanOf(rule->getStart());
  antlr4::Token* stop = rule->getStop();
  if (stop == nullptr || stop->getTokenIndex() < rule->getStart()->getTokenIndex()) return {start.begin, start.begin};
  return {start.begin, SpanOf(stop).end};
}

void Builder::CheckStatementEnd(Rule* statement, bool has_semicolon) {
  antlr4::Token* stop = statement->getStop();
  if (has_semicolon || stop == nullptr || view_.partial) return;
  const size_t next = stop->getTokenIndex() + 1;
  if (next >= view_.count) return;
  const Lexeme& token = view_.tokens[next];
  if (token.first_on_line || token.type == P::RBRACE) return;
  Report(diag::kStatementsOnOneLine, token.span)
      .Help("begin a new line here, or put `;` between")
      .Fix({SpanOf(stop).end, SpanOf(stop).end}, ";");
}

ast::Name Builder::NameOf(Leaf* leaf) {
  if (leaf == nullptr) return {};
  const Span span = SpanOf(leaf);
  return {TextOf(span), span};
}

ast::Name Builder::NameOf(P::NameContext* tree) {
  if (tree == nullptr || tree->exception != nullptr || tree->getStart() == nullptr) return {};
  const Span span = SpanOf(tree->getStart());
  return {TextOf(span), span};
}

ast::Path Builder::PathOf(P::PathContext* tree) {
  ast::Path path;
  if (tree == nullptr) return path;
  path.span = SpanOf(tree);
  for (P::NameContext* part : tree->name()) {
    ast::Name name = NameOf(part);
    if (!name.empty()) path.parts.push_back(std::move(name));
  }
  return path;
}

ast::TypePtr Builder::TypeOf(P::TypeContext* tree) {
  if (tree == nullptr) {
    auto type = std::make_unique<ast::Type>();
    type->id = NextId();
    return type;
  }
  const auto questions = tree->QUESTION();
  const Depth depth(*this, 1, SpanOf(tree));
  ast::TypePtr type = TypeOf(depth.ok() ? tree->typeAtom() : nullptr);
  if (!questions.empty()) {  // optionals do not nest: `T??` is `T?`
    auto optional = std::make_unique<ast::Type>();
    optional->id = NextId();
    optional->form = ast::TypeForm::kOptional;
    optional->span = {type->span.begin, SpanOf(questions.back()).end};
    optional->element = std::move(type);
    return optional;
  }
  return type;
}

ast::TypePtr Builder::TypeOf(P::TypeAtomContext* tree) {
  auto type = std::make_unique<ast::Type>();
  type->id = NextId();
  if (tree == nullptr) return type;
  type->span = SpanOf(tree);
  if (P::TypeNameContext* name = tree->typeName()) {
    type->form = ast::TypeForm::kNamed;
    type->name.span = SpanOf(name);
    for (Leaf* part : name->NAME()) type->name.parts.push_back(NameOf(part));
    for (P::TypeContext* argument : tree->type()) type->arguments.push_back(TypeOf(argument));
    if (type->name.parts.empty()) type->form = ast::TypeForm::kError;
  } else if (tree->LBRACK() != nullptr || tree->LBRACK_NL() != nullptr) {
    type->form = ast::TypeForm::kList;
    type->element = TypeOf(tree->type(0));
  }
  return type;
}

ast::Binding Builder::BindingOf(P::BindingContext* tree) {
  ast::Binding binding;
  binding.id = NextId();
  if (tree == nullptr) return binding;
  binding.span = SpanOf(tree);
  binding.name = NameOf(tree->name());
  if (tree->type() != nullptr) binding.type = TypeOf(tree->type());
  return binding;
}

ast::Binding Builder::BindingOf(P::NameContext* tree) {
  ast::Binding binding;
  binding.id = NextId();
  binding.name = NameOf(tree);
  binding.span = binding.name.span;
  return binding;
}

Builder::Depth::Depth(Builder& builder, size_t levels, Span at) : builder_(builder), levels_(levels) {
  builder_.depth_ += levels_;
  ok_ = builder_.depth_ <= ast::kMaxDepth;
  if (!ok_ && !builder_.depth_reported_) {
    builder_.depth_reported_ = true;
    builder_.Report(diag::kTooDeep, at, ast::kMaxDepth)
        .Help("name the inner parts with `let`, or move them into a workflow of their own");
  }
}

void Builder::BuildChunk(P::ChunkContext* tree, const ChunkView& view, ast::Module& module) {
  view_ = view;
  depth_reported_ = false;
  for (P::ItemContext* item : tree->item()) {
    if (item->useDecl() != nullptr) {
      BuildUse(item->useDecl(), module);
    } else if (ast::DeclPtr decl = BuildItem(item)) {
      decl->broken = view.partial || view.silent;
      module.decls.push_back(std::move(decl));
    }
  }
}

void Builder::BuildPlan(P::PlanTextContext* tree, const ChunkView& view, ast::Plan& plan) {
  view_ = view;
  for (P::LetStmtContext* let : tree->letStmt()) plan.lets.push_back(LetOf(let));
  for (P::ExprContext* item : tree->expr()) plan.items.push_back(ExprOf(item, SpanOf(tree)));
}

ast::BlockPtr Builder::BuildSnippet(P::SnippetContext* tree, const ChunkView& view) {
  view_ = view;
  if (tree->expr() != nullptr || tree->letStmt().empty()) {
    return BlockOf(tree->letStmt(), tree->expr(), SpanOf(tree));
  }
  auto block = Make<ast::Block>(SpanOf(tree));
  for (P::LetStmtContext* let : tree->letStmt()) block->lets.push_back(LetOf(let));
  return block;
}

}  // namespace jade::parse
