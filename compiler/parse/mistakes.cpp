#include "compiler/parse/mistakes.h"

#include <array>

#include "grammar/JadeParser.h"

namespace jade::parse {

using grammar::JadeParser;
using source::Span;

size_t Stop::Type(ptrdiff_t offset) const {
  const size_t index = at + static_cast<size_t>(offset);
  return index < count ? tokens[index].type : 0;
}

std::string_view Stop::Text(ptrdiff_t offset) const {
  const size_t index = at + static_cast<size_t>(offset);
  return index < count ? file.Text(tokens[index].span) : std::string_view();
}

Span Stop::Place(ptrdiff_t offset) const {
  const size_t index = at + static_cast<size_t>(offset);
  if (index < count) return tokens[index].span;
  const uint32_t end = count > 0 ? tokens[count - 1].span.end : 0;
  return {end, end};
}

bool Stop::SameLine() const {
  return at > 0 && at < count && !tokens[at].first_on_line;
}

size_t Stop::Construct() const {
  for (const size_t rule : rules) {
    switch (rule) {
      case JadeParser::RuleName:
      case JadeParser::RuleExpr:
      case JadeParser::RuleChain:
      case JadeParser::RuleOperand:
      case JadeParser::RulePrefix:
      case JadeParser::RulePostfix:
      case JadeParser::RulePrimary:
      case JadeParser::RuleBinaryOp:
      case JadeParser::RuleArgument:
      case JadeParser::RuleType:
      case JadeParser::RuleTypeAtom:
      case JadeParser::RuleTypeName:
        continue;
      default:
        return rule;
    }
  }
  return JadeParser::RuleChunk;
}

bool Stop::Inside(size_t rule) const {
  for (const size_t one : rules) {
    if (one == rule) return true;
  }
  return false;
}

size_t Stop::Opener() const {
  size_t depth = at < count ? tokens[at].depth : SIZE_MAX;
  for (size_t i = std::min(at, count); i-- > Horizon();) {
    if (tokens[i].depth < depth && depth != SIZE_MAX) return i;
    if (depth == SIZE_MAX) depth = tokens[i].depth;
  }
  return count;
}

bool BeginsOperand(size_t type) {
  switch (type) {
    case JadeParser::INT:
    case JadeParser::FLOAT:
    case JadeParser::DURATION:
    case JadeParser::TRUE:
    case JadeParser::FALSE:
    case JadeParser::NONE:
    case JadeParser::NAME:
    case JadeParser::STRING_OPEN:
    case JadeParser::TRIPLE_OPEN:
    case JadeParser::RAW_OPEN:
      return true;
    default:
      return type >= JadeParser::USE && type <= JadeParser::RUN;
  }
}

bool EndsOperand(size_t type) {
  switch (type) {
    case JadeParser::RPAREN:
    case JadeParser::RBRACK:
    case JadeParser::RBRACE:
    case JadeParser::STRING_CLOSE:
    case JadeParser::TRIPLE_CLOSE:
    case JadeParser::RAW_CLOSE:
      return true;
    default:
      return BeginsOperand(type) && type != JadeParser::STRING_OPEN && type != JadeParser::TRIPLE_OPEN &&
             type != JadeParser::RAW_OPEN;
  }
}

namespace {

constexpr std::string_view kBind = "a name is bound once, with `let`: `let name = …`";
constexpr std::string_view kNoChange = "a value never changes: bind the new one to a name of its own with `let`";
constexpr std::string_view kRepeat =
    "`repeat up to n with s = init { … until c }` repeats; `fold` and `each` go through a list";
constexpr std::string_view kIf = "an `if` is written `if c { a } else { b }`, both values in braces";
constexpr std::string_view kWithin = "`within { calls: 4 } body else other` gives `other` when the body traps";
constexpr std::string_view kAwait = "calls run at the same time and are waited for by themselves: leave the word out";

struct Word {
  std::string_view word;
  std::string_view help;
};

// Words that begin a statement or an expression elsewhere.
constexpr std::array<Word, 20> kForeignStatements = {{
    {"return", "the last expression of a block is its value: leave `return` out"},
    {"var", kBind},
    {"val", kBind},
    {"const", kBind},
    {"mut", "a value never changes: leave `mut` out"},
    {"while", kRepeat},
    {"loop", kRepeat},
    {"do", kRepeat},
    {"foreach", "`each x in xs { … }` gives the list of the body's values; `fold` hands a state on"},
    {"try", kWithin},
    {"catch", kWithin},
    {"except", kWithin},
    {"switch", "`match x { Case(y) => …, _ => … }` tells the cases of an enum or an optional apart"},
    {"case", "a case of a `match` is written `Case(x) => value`, without a word before it"},
    {"await", kAwait},
    {"async", kAwait},
    {"def", "a workflow is declared at the top of a file, not in a block"},
    {"fn", "a workflow is declared at the top of a file, not in a block"},
    {"lambda", "a function has no literal: declare a workflow, or write `[f(x) for x in xs]`"},
    {"new", "a value is made by calling its type: `Query(text)`"},
}};

// Words between two operands.
constexpr std::array<Word, 8> kForeignOperators = {{
    {"is", "`==` compares, with `none` too"},
    {"in", "`contains(list, item)` says whether a list holds an item"},
    {"if", kIf},
    {"then", kIf},
    {"mod", "`%` gives the remainder"},
    {"div", "`/` on two Ints gives an Int"},
    {"eq", "`==` compares"},
    {"xor", "`!=` on two Bools is true when one of them is"},
}};

template <size_t N>
std::string_view HelpFor(const std::array<Word, N>& table, std::string_view word) {
  for (const Word& entry : table) {
    if (entry.word == word) return entry.help;
  }
  return {};
}

Mistake Make(std::string expected, std::string_view help) {
  return {std::move(expected), std::string(help), std::nullopt, std::nullopt};
}

Mistake Fixed(std::string expected, std::string_view help, Span span, std::string text) {
  return {std::move(expected), std::string(help), diag::Edit{span, std::move(text)}, std::nullopt};
}

bool InBlock(const Stop& stop) {
  const size_t rule = stop.Construct();
  return rule == JadeParser::RuleBlock || rule == JadeParser::RuleRepeatBody || rule == JadeParser::RuleSnippet ||
         rule == JadeParser::RulePlanText || rule == JadeParser::RuleLetStmt || rule == JadeParser::RuleBinding;
}

// `return x`, `x is none`, `elif c { … }`: words of other languages, which read as names here.
std::optional<Mistake> ForeignWord(const Stop& stop) {
  const std::string_view here = stop.Text();
  const std::string_view before = stop.Text(-1);
  for (const std::string_view word : {"elif", "elsif", "elseif"}) {
    if (here == word) return Fixed("", "write `else if`", stop.Place(), "else if");
    if (before != word) continue;
    Mistake mistake = Fixed("`else if`", "write `else if`", stop.Place(-1), "else if");
    mistake.place = stop.Place(-1);
    return mistake;
  }
  if (stop.Type() == JadeParser::FOR) {
    return Make("",
                "`for` stands in templates and lists: `each x in xs { … }` gives the list of its body's values, "
                "`fold x in xs with s = init { … }` hands a state on");
  }
  if (stop.at == 0 || !EndsOperand(stop.Type(-1))) return std::nullopt;
  if (stop.Type(-1) == JadeParser::NAME && stop.SameLine() && stop.Type(-2) != JadeParser::DOT) {
    const std::string_view help = HelpFor(kForeignStatements, before);
    if (!help.empty()) {
      Mistake mistake = Make("`let` or the value of the block", help);
      if (!InBlock(stop)) mistake.expected = "an expression";
      mistake.place = stop.Place(-1);
      return mistake;
    }
  }
  if (stop.SameLine() || here == "is" || here == "in") {
    const std::string_view help = HelpFor(kForeignOperators, here);
    if (!help.empty()) return Make("", help);
  }
  return std::nullopt;
}

// `while (c) { … }`, `try { … }`, `R { a: 1 }`.
std::optional<Mistake> BraceAfterValue(const Stop& stop) {
  if (stop.Type() != JadeParser::LBRACE || !InBlock(stop)) return std::nullopt;
  size_t word = stop.at - 1;
  if (word < stop.count && stop.tokens[word].type == JadeParser::RPAREN) {
    const uint32_t depth = stop.tokens[word].depth;
    while (word > stop.Horizon() &&
           (stop.tokens[word].depth != depth ||
            (stop.tokens[word].type != JadeParser::LPAREN && stop.tokens[word].type != JadeParser::LPAREN_NL))) {
      --word;
    }
    if (word == stop.Horizon()) return std::nullopt;
    --word;
  }
  if (word >= stop.count || stop.tokens[word].type != JadeParser::NAME) return std::nullopt;
  const std::string_view help = HelpFor(kForeignStatements, stop.file.Text(stop.tokens[word].span));
  if (!help.empty()) {
    Mistake mistake = Make("`let` or the value of the block", help);
    mistake.place = stop.tokens[word].span;
    return mistake;
  }
  if (word + 1 != stop.at) return std::nullopt;
  return Make("", "a record is made by calling its type: `Type(field: value)`");
}

// Operators of other languages, spelled with ours.
std::optional<Mistake> ForeignOperator(const Stop& stop) {
  if (stop.at == 0) return std::nullopt;
  const bool touching = stop.at < stop.count && stop.Place(-1).end == stop.Place().begin;
  const size_t type = stop.Type();
  const size_t before = stop.Type(-1);
  const auto both = [&](std::string_view help, std::string text) {
    Mistake mistake = Make("", help);
    if (!text.empty()) mistake.fix = diag::Edit{source::Cover(stop.Place(-1), stop.Place()), std::move(text)};
    return mistake;
  };
  if (touching && type == JadeParser::GREATER && before == JadeParser::LESS) return both("write `!=`", "!=");
  if (touching && type == JadeParser::ASSIGN && before == JadeParser::EQUAL) return both("write `==`", "==");
  if (touching && type == JadeParser::STAR && before == JadeParser::STAR) {
    return both("there is no operator for powers: multiply, or declare a workflow that does", "");
  }
  if (touching && type == JadeParser::PLUS && before == JadeParser::PLUS) return both(kNoChange, "");
  if (touching && type == JadeParser::ASSIGN &&
      (before == JadeParser::PLUS || before == JadeParser::MINUS || before == JadeParser::STAR ||
       before == JadeParser::SLASH)) {
    return both(kNoChange, "");
  }
  if (type == JadeParser::PLUS && (before == JadeParser::ASSIGN || !EndsOperand(before))) {
    return Fixed("", "a number has no `+` before it", stop.Place(), "");
  }
  if (type == JadeParser::DOT && (before == JadeParser::LBRACK || before == JadeParser::LPAREN)) {
    return Make("an expression", "there is no `...`: `+` joins two lists");
  }
  if (type == JadeParser::PIPE && EndsOperand(before)) {
    const bool doubled = stop.Type(1) == JadeParser::PIPE;
    return Fixed("", "write `or`", doubled ? source::Cover(stop.Place(), stop.Place(1)) : stop.Place(), "or");
  }
  if (type == JadeParser::QUESTION) return Make("", kIf);
  return std::nullopt;
}

// `=` where it binds nothing.
std::optional<Mistake> Assignment(const Stop& stop) {
  if (stop.Type() != JadeParser::ASSIGN) return std::nullopt;
  const size_t opener = stop.Opener();
  const bool in_parentheses = opener < stop.count && stop.tokens[opener].type == JadeParser::LPAREN;
  switch (stop.Construct()) {
    case JadeParser::RuleBinding:
    case JadeParser::RuleLetStmt:
      if (stop.Type(-1) == JadeParser::COLON) return Fixed("", "write `=` alone", stop.Place(-1), "");
      return std::nullopt;
    case JadeParser::RuleSuffix:
    case JadeParser::RuleArguments:
      if (!in_parentheses) return std::nullopt;
      return Fixed("", "an argument's name is followed by `:`; `==` compares", stop.Place(), ":");
    case JadeParser::RuleLimit:
      return Fixed("", "a limit is written `name: value`", stop.Place(), ":");
    case JadeParser::RuleSetting:
      return Fixed("", "a setting is written `name value`, without `=`", stop.Place(), "");
    case JadeParser::RuleBlock:
    case JadeParser::RuleRepeatBody:
    case JadeParser::RuleSnippet:
    case JadeParser::RulePlanText:
      if (stop.Type(-1) != JadeParser::NAME) return Make("", "`==` compares; a name is bound with `let`");
      return Fixed("", "`==` compares; a name is bound with `let`", {stop.Place(-1).begin, stop.Place(-1).begin},
                   "let ");
    case JadeParser::RuleIfExpr:
    case JadeParser::RuleComprehension:
    case JadeParser::RuleClause:
    case JadeParser::RuleTestStep:
    case JadeParser::RuleIfArm:
    case JadeParser::RuleElseIfArm:
      return Fixed("", "`==` compares", stop.Place(), "==");
    default:
      return std::nullopt;
  }
}

// Two arguments or items side by side.
std::optional<Mistake> MissingComma(const Stop& stop) {
  if (stop.at == 0 || stop.at >= stop.count || !EndsOperand(stop.Type(-1)) || !BeginsOperand(stop.Type())) {
    return std::nullopt;
  }
  const bool parameters = stop.Construct() == JadeParser::RuleParams || stop.Construct() == JadeParser::RuleParam;
  const size_t opener = stop.Opener();
  if (opener >= stop.count) return std::nullopt;
  const uint32_t end = stop.Place(-1).end;
  const Span gap{end, end};
  switch (stop.tokens[opener].type) {
    case JadeParser::LPAREN:
      if (parameters) return Fixed("`,` or `)`", "put a `,` between two parameters", gap, ",");
      if (opener == 0 || !EndsOperand(stop.tokens[opener - 1].type)) return std::nullopt;
      return Fixed("`,` or `)`", "put a `,` between two arguments", gap, ",");
    case JadeParser::LBRACK:
    case JadeParser::LBRACK_NL:
      if (!stop.Inside(JadeParser::RuleList)) return std::nullopt;
      return Fixed("`,` or `]`", "put a `,` between two items", gap, ",");
    default:
      return std::nullopt;
  }
}

// `f"…"`, and two texts side by side.
std::optional<Mistake> TextAfterValue(const Stop& stop) {
  const size_t type = stop.Type();
  if (type != JadeParser::STRING_OPEN && type != JadeParser::TRIPLE_OPEN) return std::nullopt;
  if (stop.at == 0 || stop.Type(-1) != JadeParser::NAME || stop.Place(-1).end != stop.Place().begin) {
    return std::nullopt;
  }
  return Fixed("", "every text shows what stands in `{…}`: leave the letter out", stop.Place(-1), "");
}

std::optional<Mistake> InMatch(const Stop& stop) {
  const size_t rule = stop.Construct();
  const size_t type = stop.Type();
  if (rule == JadeParser::RuleMatchArm || rule == JadeParser::RulePattern || rule == JadeParser::RulePath) {
    if (type == JadeParser::ARROW || type == JadeParser::COLON || type == JadeParser::ASSIGN) {
      return Fixed("", "an arm is written `pattern => value`", stop.Place(), "=>");
    }
    if (stop.Text(-1) == "case") {
      Mistake mistake = Fixed("a pattern", "an arm is written `pattern => value`", stop.Place(-1), "");
      mistake.place = stop.Place(-1);
      return mistake;
    }
    if (type == JadeParser::PIPE) return Make("", "an arm has one pattern: write one arm for each case, or `_`");
  }
  if (rule == JadeParser::RuleMatchExpr && type != JadeParser::NAME) {
    if (type == JadeParser::INT || type == JadeParser::FLOAT || type == JadeParser::STRING_OPEN ||
        type == JadeParser::TRUE || type == JadeParser::FALSE) {
      return Make("", "a pattern is a case of an enum, `some(x)`, `none` or `_`; compare other values with `if`");
    }
  }
  return std::nullopt;
}

// Forms that lack a part.
std::optional<Mistake> Form(const Stop& stop) {
  const size_t type = stop.Type();
  switch (stop.Construct()) {
    case JadeParser::RuleIfExpr:
      return Make(stop.Type(-1) == JadeParser::IF ? "" : "`{`", kIf);
    case JadeParser::RuleEachExpr:
      return Make(EndsOperand(stop.Type(-1)) && stop.Type(-2) != JadeParser::EACH ? "`{`" : "",
                  "an `each` is written `each x in xs { … }`");
    case JadeParser::RuleFoldExpr:
      return Make("", "a `fold` carries a state: `fold x in xs with s = init { … }`; without one, write `each`");
    case JadeParser::RuleRepeatExpr:
      return Make("", "a `repeat` is written `repeat up to n with s = init { … until c }`");
    case JadeParser::RuleRunExpr:
      return Make("", "a plan is run on its input: `run plan on input`");
    case JadeParser::RuleWithin:
      return Make(type == JadeParser::NAME ? "`{`" : "",
                  "limits stand in braces: `within { calls: 4 } body else other`");
    case JadeParser::RuleLimit:
      return Make("", "a limit is written `name: value`");
    case JadeParser::RuleLetStmt:
    case JadeParser::RuleBinding:
      if (stop.Type(-1) == JadeParser::LET) return std::nullopt;
      return Make("", "a `let` gives its name a value: `let name = …`");
    default:
      return std::nullopt;
  }
}

std::optional<Mistake> Suffix(const Stop& stop) {
  const size_t type = stop.Type();
  if (type == JadeParser::LPAREN_NL || type == JadeParser::LBRACK_NL) {
    return Make("", "a call's `(` and an index's `[` stand on the same line as what is called or indexed");
  }
  if (type == JadeParser::FAT_ARROW) {
    return Make("", "a function has no literal: declare a workflow, or write `[f(x) for x in xs]`");
  }
  if (type != JadeParser::LBRACK || stop.at == 0 || !EndsOperand(stop.Type(-1))) return std::nullopt;
  const uint32_t depth = stop.tokens[stop.at].depth;
  const size_t end = std::min(stop.count, stop.at + Stop::kMaxLook);
  for (size_t i = stop.at + 1; i < end && stop.tokens[i].depth > depth; ++i) {
    if (stop.tokens[i].type != JadeParser::COLON) continue;
    Mistake mistake = Make("`]`", "an index is one number; `take` and `drop` give parts of a list");
    mistake.place = stop.tokens[i].span;
    return mistake;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Mistake> ExpressionMistake(const Stop& stop) {
  using Rule = std::optional<Mistake> (*)(const Stop&);
  for (const Rule rule : {InMatch, ForeignWord, ForeignOperator, BraceAfterValue, TextAfterValue, MissingComma,
                          Assignment, Suffix, Form}) {
    if (auto mistake = rule(stop)) return mistake;
  }
  if (stop.Construct() == JadeParser::RulePlanText) {
    return Make("", "a plan is a row of stages, as `R, AG`, or `let`s and one expression; nothing stands around it");
  }
  if (InBlock(stop) && stop.at < stop.count && EndsOperand(stop.Type(-1)) &&
      stop.Construct() != JadeParser::RuleLetStmt) {
    return Make("", "a block ends with one expression; bind what comes before it with `let`");
  }
  return std::nullopt;
}

}  // namespace jade::parse
