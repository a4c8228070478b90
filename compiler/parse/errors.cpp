#include "compiler/parse/errors.h"

#include <algorithm>

#include "compiler/diag/diagnostic.h"
#include "compiler/parse/mistakes.h"
#include "grammar/JadeParser.h"

namespace jade::parse {
namespace {

using antlr4::misc::IntervalSet;
using grammar::JadeParser;
using source::Span;

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
    if (type == JadeParser::LBRACE) word = "`{`";
    if (type == JadeParser::RBRACE) word = "`}`";
    if (word.size() > 2 && word.front() == '\'') word = "`" + word.substr(1, word.size() - 2) + "`";
    if (word.empty()) continue;
    if (!text.empty()) text += shown + 1 == std::min<size_t>(types.size(), 4) ? " or " : ", ";
    text += word;
    ++shown;
  }
  if (text.empty()) text = Has(expected, antlr4::Token::EOF) ? "the end" : "something else";
  return text;
}

// A reserved word where a name is wanted.
bool IsReservedName(const Stop& stop, const IntervalSet& expected) {
  if (stop.at >= stop.count || !IsReservedWord(stop.Type())) return false;
  const size_t rule = stop.rules.front();
  if (stop.Type(1) == JadeParser::COLON && stop.at > 0) {  // a parameter, field, argument or limit
    switch (stop.Type(-1)) {
      case JadeParser::LPAREN:
      case JadeParser::LBRACE:
      case JadeParser::COMMA:
      case JadeParser::SEMI:
        return true;
      default:
        break;
    }
  }
  if (rule == JadeParser::RuleChunk || rule == JadeParser::RuleItem) return false;
  return (Has(expected, JadeParser::USE) && !Has(expected, JadeParser::INT)) || rule == JadeParser::RuleParams;
}

// The rules that have read something, the innermost first; the outermost in any case.
std::vector<size_t> RulesBegun(const antlr4::ParserRuleContext* context) {
  std::vector<size_t> rules;
  const antlr4::tree::ParseTree* inner = nullptr;
  for (; context != nullptr; context = static_cast<const antlr4::ParserRuleContext*>(context->parent)) {
    const auto& children = context->children;
    const bool begun = !rules.empty() || children.size() > 1 || (children.size() == 1 && children.front() != inner);
    if (begun || context->parent == nullptr) rules.push_back(context->getRuleIndex());
    inner = context;
  }
  return rules;
}

std::string Quoted(std::string_view text) {
  return fmt::format("`{}`", text);
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
  const std::string wanted = DescribeExpected(jade, rule, expected, after_opening);
  Stop stop{*file_, tokens_, count_, at, {}};
  stop.rules = RulesBegun(parser->getContext());
  if (IsReservedName(stop, expected)) {
    sink_.Report(diag::kReservedWord, file_, place, file_->Text(place)).Help("choose another name");
    return;
  }
  if (rule == JadeParser::RuleTag) return ReportTag(at);
  std::optional<Mistake> mistake = DeclarationMistake(stop);
  if (!mistake && wanted != "a declaration") mistake = ExpressionMistake(stop);
  if (wanted == "a declaration" && !mistake) {
    auto report = sink_.Report(diag::kExpectedDeclaration, file_, place, found);
    const auto best = NearestDeclaration(file_->Text(place));
    const std::string_view foreign = ForeignDeclaration(file_->Text(place));
    if (!foreign.empty()) {
      report.Help(std::string(foreign));
    } else if (!best.empty()) {
      report.Help(fmt::format("did you mean `{}`?", best)).Fix(place, std::string(best));
    } else {
      report.Help(
          "a file holds `use`, `type`, `record`, `enum`, `executor`, `planner`, `tool`, `workflow`, `param`, `reward` "
          "and `test`");
    }
    return;
  }
  if (!mistake) {
    sink_.Report(diag::kUnexpectedToken, file_, place, found, wanted);
    return;
  }
  auto report = sink_.Report(diag::kUnexpectedToken, file_, mistake->place.value_or(place),
                             mistake->place ? Quoted(file_->Text(*mistake->place)) : found,
                             mistake->expected.empty() ? wanted : mistake->expected);
  report.Help(std::move(mistake->help));
  if (mistake->fix) report.Fix(mistake->fix->span, mistake->fix->text);
}

// A tag that does not hold together is shown whole: to its `>`, or to the end of what belongs to the clause.
void ErrorStrategy::ReportTag(size_t at) {
  size_t begin = std::min(at, count_ - 1);
  while (begin > 0 && tokens_[begin].type != JadeParser::LESS) --begin;
  size_t end = begin;
  while (end + 1 < count_ && tokens_[end].type != JadeParser::GREATER && !tokens_[end + 1].first_on_line) ++end;
  if (tokens_[end].type != JadeParser::GREATER && begin + 1 < count_) end = std::min(begin + 1, count_ - 1);
  const Span tag = source::Cover(tokens_[begin].span, tokens_[end].span);
  sink_.Report(diag::kBadTag, file_, tag, file_->Text(tag)).Help("write it as the model shall, such as `<answer>`");
}

bool ErrorStrategy::Unwinds(const antlr4::ParserRuleContext* context) {
  if (context == goes_on_) goes_on_ = nullptr;
  return goes_on_ != nullptr;
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
  goes_on_ = own ? nullptr : context;
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
