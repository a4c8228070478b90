#include "compiler/parse/errors.h"

#include <algorithm>

#include "compiler/diag/diagnostic.h"
#include "grammar/JadeParser.h"

namespace jade::parse {
namespace {

using antlr4::misc::IntervalSet;
using grammar::JadeParser;
using source::Span;

// Words whose slips are worth a suggestion at each place.
const std::vector<std::string_view>& DeclarationWords() {
  static const std::vector<std::string_view> words = {"use",  "executor", "tool", "planner", "workflow", "main",
                                                      "type", "record",   "enum", "param",   "reward",   "test"};
  return words;
}

bool Has(const IntervalSet& set, size_t type) {
  return set.contains(type);
}

// What would have fitted, in the words of the language rather than of the grammar.
std::string DescribeExpected(const JadeParser& parser, size_t rule, const IntervalSet& expected, bool after_opening) {
  const bool expression = Has(expected, JadeParser::INT) && Has(expected, JadeParser::MATCH);
  if (rule == JadeParser::RuleChunk || rule == JadeParser::RuleItem) return "a declaration";
  if (rule == JadeParser::RuleSuffix && !after_opening) return "`,` or `)`";
  if (rule == JadeParser::RuleList && !after_opening) return "`,` or `]`";
  if (expression) return "an expression";
  if (rule == JadeParser::RuleStageItem || rule == JadeParser::RuleStageSequence) return "a stage, `[` or `|`";
  if (rule == JadeParser::RuleTypeAtom || rule == JadeParser::RuleType) {
    if (Has(expected, JadeParser::NAME) && Has(expected, JadeParser::LBRACK)) return "a type";
  }
  if (Has(expected, JadeParser::STRING_OPEN) && Has(expected, JadeParser::TRIPLE_OPEN)) return "a template";
  if (rule == JadeParser::RuleTag) return "a tag such as `<answer>`";
  if (rule == JadeParser::RuleEmitAlternative) return "a type, `plan`, `text` or `subset`";
  if (rule == JadeParser::RuleArguments) return "`,` or `)`";
  if (rule == JadeParser::RuleParams) return "a parameter, `,` or `)`";
  if (rule == JadeParser::RuleRoleBody) return "a clause or `}`";
  if (rule == JadeParser::RuleTestBody) return "`reply`, `expect`, `let` or `}`";
  if (rule == JadeParser::RuleRecordBody) return "a field or `}`";
  if (rule == JadeParser::RuleEnumBody) return "a case or `}`";
  if (rule == JadeParser::RuleMatchExpr && Has(expected, JadeParser::RBRACE)) return "a pattern or `}`";
  if (Has(expected, JadeParser::NAME) && Has(expected, JadeParser::USE)) return "a name";
  std::string text;
  size_t shown = 0;
  const auto types = expected.toList();
  for (const ssize_t type : types) {
    if (type <= 0 || shown >= 4) continue;
    std::string word = parser.getVocabulary().getLiteralName(static_cast<size_t>(type));
    if (word.size() > 2 && word.front() == '\'') word = "`" + word.substr(1, word.size() - 2) + "`";
    if (word.empty()) continue;
    if (!text.empty()) text += shown + 1 == std::min<size_t>(types.size(), 4) ? " or " : ", ";
    text += word;
    ++shown;
  }
  if (text.empty()) text = Has(expected, antlr4::Token::EOF) ? "the end" : "something else";
  return text;
}

// The rule in which parsing can go on after an error inside it, and how.
bool IsHost(size_t rule) {
  switch (rule) {
    case JadeParser::RuleBlock:
    case JadeParser::RuleRepeatBody:
    case JadeParser::RuleRoleBody:
    case JadeParser::RuleTestBody:
    case JadeParser::RuleRecordBody:
    case JadeParser::RuleEnumBody:
    case JadeParser::RuleToolBody:
      return true;
    default:
      return false;
  }
}

bool BeginsClause(size_t type) {
  return type >= JadeParser::SYSTEM && type <= JadeParser::OVERRUN;
}

bool Resumes(size_t host, const Lexeme& token, uint32_t column) {
  switch (host) {
    case JadeParser::RuleRoleBody:
      return BeginsClause(token.type);
    case JadeParser::RuleTestBody:
      return token.type == JadeParser::LET || token.type == JadeParser::REPLY || token.type == JadeParser::EXPECT;
    default:
      return token.type == JadeParser::LET || token.column == column;
  }
}

}  // namespace

void ErrorStrategy::reportError(antlr4::Parser* parser, const antlr4::RecognitionException& error) {
  failed_ = true;
  const size_t at = error.getOffendingToken() != nullptr ? error.getOffendingToken()->getTokenIndex() : count_;
  if (!inErrorRecoveryMode(parser) && !silent_ && at >= resume_) Report(parser, at);
  beginErrorCondition(parser);
}

antlr4::Token* ErrorStrategy::recoverInline(antlr4::Parser* parser) {
  throw antlr4::InputMismatchException(parser);
}

Span ErrorStrategy::PlaceOf(size_t at) const {
  if (at < count_) return tokens_[at].span;
  const uint32_t end = count_ > 0 ? tokens_[count_ - 1].span.end : 0;
  return {end, end};
}

void ErrorStrategy::Report(antlr4::Parser* parser, size_t at) {
  const auto& jade = static_cast<const JadeParser&>(*parser);
  const size_t rule = parser->getContext()->getRuleIndex();
  const IntervalSet expected = parser->getExpectedTokens();
  const Span place = PlaceOf(at);
  const bool at_end = at >= count_;
  const bool file_ends = file_->text().find_first_not_of(" \t\r\n", place.end) == std::string_view::npos;
  const std::string found = !at_end     ? DescribeToken(tokens_[at], *file_)
                            : file_ends ? "end of the text"
                                        : "end of the declaration";
  const size_t previous = at > 0 && at <= count_ ? tokens_[at - 1].type : 0;
  const bool after_opening = previous == JadeParser::LPAREN || previous == JadeParser::LBRACK ||
                             previous == JadeParser::LBRACK_NL || previous == JadeParser::COMMA;
  std::string wanted = DescribeExpected(jade, rule, expected, after_opening);

  const bool name_fits =
      (Has(expected, JadeParser::USE) && !Has(expected, JadeParser::INT)) || rule == JadeParser::RuleParams;
  if (!at_end && name_fits && wanted != "a declaration" && IsReservedWord(tokens_[at].type)) {
    sink_.Report(diag::kReservedWord, file_, place, file_->Text(place)).Help("choose another name");
    return;
  }
  if (wanted == "a declaration") {
    auto report = sink_.Report(diag::kExpectedDeclaration, file_, place, found);
    const auto best = diag::DidYouMean(file_->Text(place), DeclarationWords());
    if (!best.empty()) report.Help(fmt::format("did you mean `{}`?", best)).Fix(place, std::string(best));
    return;
  }
  auto report = sink_.Report(diag::kUnexpectedToken, file_, place, found, wanted);
  if (at_end) return;
  const size_t type = tokens_[at].type;
  if (type == JadeParser::ASSIGN && wanted != "an expression") {
    report.Help("`==` compares; a name is bound with `let`");
  } else if (wanted == "`}`" && (rule == JadeParser::RuleBlock || rule == JadeParser::RuleRepeatBody)) {
    report.Help("a block ends with one expression; bind what comes before it with `let`");
  } else if (type == JadeParser::LPAREN_NL || type == JadeParser::LBRACK_NL) {
    report.Help("a call's `(` and an index's `[` stand on the same line as what is called or indexed");
  }
}

void ErrorStrategy::recover(antlr4::Parser* parser, std::exception_ptr /*error*/) {
  auto* context = parser->getContext();
  const bool own = IsHost(context->getRuleIndex());
  while (context != nullptr && !IsHost(context->getRuleIndex())) {
    context = static_cast<antlr4::ParserRuleContext*>(context->parent);
  }
  antlr4::TokenStream* stream = parser->getTokenStream();
  const auto skip_to = [&](size_t index) {
    while (stream->index() < index && stream->LA(1) != antlr4::Token::EOF) parser->consume();
    resume_ = std::max(resume_, index);
  };
  if (context == nullptr || context->getStart() == nullptr) return skip_to(count_);
  const size_t opening = context->getStart()->getTokenIndex();
  const uint32_t inside = opening < count_ ? tokens_[opening].depth + 1 : 0;
  const uint32_t column = opening + 1 < count_ ? tokens_[opening + 1].column : 0;
  for (size_t i = std::max(stream->index(), opening + 1); i < count_; ++i) {
    const Lexeme& token = tokens_[i];
    if (token.depth + 1 == inside && token.type == JadeParser::RBRACE) return skip_to(own ? i + 1 : i);
    if (own || token.depth != inside || !token.first_on_line || i < resume_) continue;
    if (Resumes(context->getRuleIndex(), token, column) && i > opening + 1) return skip_to(i);
  }
  skip_to(count_);
}

}  // namespace jade::parse
