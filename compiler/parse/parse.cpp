#include "compiler/parse/parse.h"

#include "antlr4-runtime.h"
#include "compiler/parse/builder.h"
#include "compiler/parse/chunk_tokens.h"
#include "compiler/parse/errors.h"
#include "compiler/parse/prediction.h"
#include "compiler/parse/shared_prediction.h"

namespace jade::parse {
namespace {

using source::Span;

// Ends the parse when rules nest too deep, before the stack does.
class BoundedParser : public P {
 public:
  using P::P;
  void enterRule(antlr4::ParserRuleContext* context, size_t state, size_t /*rule*/) override {
    StayUnwinding();
    // What Parser::enterRule does, without finding out by a dynamic_cast that a rule's parent is a rule.
    setState(state);
    _ctx = context;
    context->start = _input->LT(1);
    context->children.reserve(kUsualChildren);
    if (context->parent != nullptr) static_cast<antlr4::ParserRuleContext*>(context->parent)->addChild(context);
    while (!open_.empty() && open_.back() != context->parent) open_.pop_back();  // rules left since
    open_.push_back(context);
    if (open_.size() > kMaxRuleDepth) {
      too_deep_ = true;
      throw antlr4::ParseCancellationException();
    }
  }
  antlr4::Token* match(size_t type) override {
    StayUnwinding();
    return P::match(type);
  }
  bool too_deep() const { return too_deep_; }
  void Recover(const std::shared_ptr<ErrorStrategy>& errors) {
    errors_ = errors;
    setErrorHandler(errors);
  }

 private:
  static constexpr size_t kUsualChildren = 3;

  // Rules between the error and the one that goes on read nothing more.
  void StayUnwinding() {
    if (errors_ != nullptr && errors_->Unwinds(getContext())) throw antlr4::InputMismatchException(this);
  }

  std::shared_ptr<ErrorStrategy> errors_;
  std::vector<const antlr4::tree::ParseTree*> open_;
  bool too_deep_ = false;
};

// Checks what must hold before ANTLR sees anything.
bool WithinCaps(const source::SourceFilePtr& file, size_t max_bytes, bool plan, diag::Diagnostics& sink) {
  const std::string_view text = file->text();
  if (text.size() > max_bytes) {
    if (plan) {
      sink.Report(diag::kPlanTooLarge, file, {0, 0}, text.size(), max_bytes);
    } else {
      sink.Report(diag::kSourceTooLarge, file, {0, 0}, text.size(), max_bytes).Help("split it into modules");
    }
    return false;
  }
  const size_t bad = source::FirstInvalidUtf8(text);
  if (bad != std::string_view::npos) {
    const auto at = static_cast<uint32_t>(bad);
    sink.Report(diag::kInvalidUtf8, file, {at, at + 1}, bad).Help("save the file as UTF-8");
    return false;
  }
  return true;
}

// Parses tokens with `entry` (SLL first, LL with recovery when that fails) and hands the tree to `build`.
template <typename Entry, typename Build>
void ParseTokens(const source::SourceFilePtr& file, const Lexeme* lexemes, size_t count, bool silent,
                 diag::Diagnostics& sink, const Entry& entry, const Build& build) {
  ChunkTokens stream(lexemes, count);
  BoundedParser parser(&stream);
  parser.removeErrorListeners();
  const std::shared_ptr<SharedPrediction> shared = SharedPrediction::Current(parser.getATN());
  parser.setInterpreter(new RememberingSimulator(&parser, shared, stream));  // deletes the one before
  ChunkView view{lexemes, count, silent, false};
  try {
    parser.setErrorHandler(std::make_shared<GiveUp>());
    build(entry(parser), view);
    return;
  } catch (const antlr4::ParseCancellationException&) {
  }
  const auto report_depth = [&] {
    if (!silent) {
      sink.Report(diag::kTooDeep, file, count > 0 ? lexemes[0].span : Span{}, kMaxNesting)
          .Help("name the inner parts with `let`, or move them into a workflow of their own");
    }
  };
  if (parser.too_deep()) return report_depth();
  stream.seek(0);
  BoundedParser careful(&stream);
  careful.removeErrorListeners();
  const auto errors = std::make_shared<ErrorStrategy>(file, lexemes, count, silent, sink);
  careful.Recover(errors);
  careful.setInterpreter(new CountingSimulator(&careful, shared));
  careful.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(antlr4::atn::PredictionMode::LL);
  try {
    auto* tree = entry(careful);
    view.partial = errors->failed();
    build(tree, view);
  } catch (const antlr4::ParseCancellationException&) {
    report_depth();
  }
}

}  // namespace

size_t LearntStates() {
  return SharedPrediction::Current(P(nullptr).getATN())->states();
}

std::unique_ptr<ast::Module> ParseModule(const source::SourceFilePtr& file, diag::Diagnostics& sink) {
  auto module = std::make_unique<ast::Module>();
  module->file = file;
  if (!WithinCaps(file, kMaxSourceBytes, false, sink)) return module;
  TokenList list = Tokenize(file, sink, true);
  module->comments = std::move(list.comments);
  if (!list.usable) return module;
  Builder builder(file, sink, &module->node_count);
  for (const Chunk& chunk : list.chunks) {
    ParseTokens(
        file, list.tokens.data() + chunk.begin, chunk.end - chunk.begin, chunk.reported, sink,
        [](P& parser) { return parser.chunk(); },
        [&](P::ChunkContext* tree, const ChunkView& view) { builder.BuildChunk(tree, view, *module); });
  }
  return module;
}

std::unique_ptr<ast::Plan> ParsePlan(const source::SourceFilePtr& file, diag::Diagnostics& sink) {
  auto plan = std::make_unique<ast::Plan>();
  plan->file = file;
  plan->span = {0, static_cast<uint32_t>(file->text().size())};
  Builder builder(file, sink, &plan->node_count);
  if (WithinCaps(file, kMaxPlanBytes, true, sink)) {
    const TokenList list = Tokenize(file, sink, false);
    if (list.usable && list.tokens.empty() && !sink.has_errors()) {
      sink.Report(diag::kEmptyPlan, file, plan->span).Help("a plan names at least one stage");
    }
    if (list.usable && !list.tokens.empty()) {
      const bool reported = !list.chunks.empty() && list.chunks[0].reported;
      ParseTokens(
          file, list.tokens.data(), list.tokens.size(), reported, sink, [](P& parser) { return parser.planText(); },
          [&](P::PlanTextContext* tree, const ChunkView& view) { builder.BuildPlan(tree, view, *plan); });
    }
  }
  if (plan->items.empty()) {
    auto error = std::make_unique<ast::ErrorExpr>();
    error->id = {plan->node_count++};
    error->span = plan->span;
    plan->items.push_back(std::move(error));
  }
  return plan;
}

Expression ParseExpression(const source::SourceFilePtr& file, diag::Diagnostics& sink) {
  Expression expression;
  Builder builder(file, sink, &expression.node_count);
  if (WithinCaps(file, kMaxSourceBytes, false, sink)) {
    const TokenList list = Tokenize(file, sink, false);
    if (list.usable) {
      const bool reported = !list.chunks.empty() && list.chunks[0].reported;
      ParseTokens(
          file, list.tokens.data(), list.tokens.size(), reported, sink, [](P& parser) { return parser.snippet(); },
          [&](P::SnippetContext* tree, const ChunkView& view) { expression.block = builder.BuildSnippet(tree, view); });
    }
  }
  if (!expression.block) {
    expression.block = std::make_unique<ast::Block>();
    expression.block->id = {expression.node_count++};
    expression.block->result = std::make_unique<ast::ErrorExpr>();
    expression.block->result->id = {expression.node_count++};
  }
  return expression;
}

}  // namespace jade::parse

namespace jade::parse {
namespace {

TokenKind KindOf(size_t type) {
  switch (type) {
    case P::INT:
    case P::FLOAT:
    case P::DURATION:
      return TokenKind::kNumber;
    case P::STRING_OPEN:
    case P::TRIPLE_OPEN:
    case P::RAW_OPEN:
      return TokenKind::kTemplate;
    case P::NAME:
      return TokenKind::kName;
    case P::RUN:
      return TokenKind::kReserved;
    default:
      break;
  }
  if (IsReservedWord(type)) return TokenKind::kReserved;
  if (type >= P::SYSTEM && type <= P::OVERRUN) return TokenKind::kClause;
  return type >= P::USE && type <= P::TEXT ? TokenKind::kName : TokenKind::kPunctuation;
}

}  // namespace

std::vector<Token> Tokens(const source::SourceFilePtr& file, diag::Diagnostics& sink) {
  std::vector<Token> out;
  if (!WithinCaps(file, kMaxSourceBytes, false, sink)) return out;
  const TokenList list = Tokenize(file, sink, true);
  size_t comment = 0;
  const auto take_comments = [&](uint32_t before) {
    for (; comment < list.comments.size() && list.comments[comment].span.begin < before; ++comment) {
      out.push_back({TokenKind::kComment, list.comments[comment].span});
    }
  };
  for (size_t i = 0; i < list.tokens.size(); ++i) {
    const Lexeme& lexeme = list.tokens[i];
    Token token{KindOf(lexeme.type), lexeme.span};
    if (token.kind == TokenKind::kTemplate) {  // the whole literal, whatever is inside it
      while (i + 1 < list.tokens.size() && list.tokens[i + 1].depth > lexeme.depth) ++i;
      if (i + 1 < list.tokens.size()) ++i;
      token.span.end = list.tokens[i].span.end;
      take_comments(token.span.begin);
      while (comment < list.comments.size() && list.comments[comment].span.begin < token.span.end) ++comment;
    }
    take_comments(token.span.begin);
    out.push_back(token);
  }
  take_comments(UINT32_MAX);
  return out;
}

}  // namespace jade::parse
