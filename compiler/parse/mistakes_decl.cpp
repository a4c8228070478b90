// Mistakes in declarations, roles and tests.

#include <array>

#include "compiler/parse/mistakes.h"
#include "compiler/source/suggest.h"
#include "grammar/JadeParser.h"

namespace jade::parse {

using grammar::JadeParser;
using source::Span;

namespace {

struct Word {
  std::string_view word;
  std::string_view help;
};

constexpr std::string_view kWorkflow =
    "what computes a value from others is a `workflow`: `workflow Name(x: Int) -> Int { x }`";
constexpr std::string_view kUse = "a module is read with `use`: `use std.rag`";
constexpr std::string_view kRecord = "a type with fields is a `record`: `record Note { question: Text }`";
constexpr std::string_view kConstant = "a value from outside is a `param`; a `let` stands in the body of a workflow";
constexpr std::string_view kRole = "a role of the backbone is an `executor`, or a `planner` when it writes plans";
constexpr std::string_view kComment = "a comment begins with `//` and ends with its line";

constexpr std::array<Word, 29> kForeign = {{
    {"def", kWorkflow},
    {"fn", kWorkflow},
    {"func", kWorkflow},
    {"function", kWorkflow},
    {"fun", kWorkflow},
    {"async", kWorkflow},
    {"import", kUse},
    {"from", kUse},
    {"include", kUse},
    {"require", kUse},
    {"class", kRecord},
    {"struct", kRecord},
    {"data", kRecord},
    {"interface", kRecord},
    {"let", kConstant},
    {"const", kConstant},
    {"var", kConstant},
    {"val", kConstant},
    {"agent", kRole},
    {"role", kRole},
    {"prompt", kRole},
    {"model", kRole},
    {"#", kComment},
    {"/", kComment},
    {"--", kComment},
    {"-", kComment},
    {"newtype", "a nominal type is declared by `type Query = new Text`"},
    {"alias", "an alias is declared by `type Names = [Text]`"},
    {"module", "a file is a module: it has no declaration of its own"},
}};

Mistake Make(std::string expected, std::string_view help) {
  return {std::move(expected), std::string(help), std::nullopt, std::nullopt};
}

Mistake Fixed(std::string expected, std::string_view help, Span span, std::string text) {
  return {std::move(expected), std::string(help), diag::Edit{span, std::move(text)}, std::nullopt};
}

bool BeginsTemplate(size_t type) {
  return type == JadeParser::STRING_OPEN || type == JadeParser::TRIPLE_OPEN || type == JadeParser::RAW_OPEN;
}

// The whole literal that begins at the stop, when it has no interpolation.
Span Literal(const Stop& stop) {
  size_t i = stop.at + 1;
  while (i < stop.count &&
         (stop.tokens[i].type == JadeParser::TEMPLATE_TEXT || stop.tokens[i].type == JadeParser::RAW_TEXT))
    ++i;
  return source::Cover(stop.Place(), i < stop.count ? stop.tokens[i].span : stop.Place());
}

// `use "lib/tools.jade"`, `use lib/tools`.
std::optional<Mistake> InUse(const Stop& stop) {
  constexpr std::string_view kHelp = "a module is named without quotes, its folders separated by `.`: `use lib.tools`";
  if (stop.tokens[0].type != JadeParser::USE || stop.Inside(JadeParser::RuleParams)) return std::nullopt;
  if (stop.Type() == JadeParser::SLASH && EndsOperand(stop.Type(-1))) return Fixed("`.`", kHelp, stop.Place(), ".");
  if (!BeginsTemplate(stop.Type()) || stop.at != 1) return std::nullopt;
  Mistake mistake = Make("a module's name", kHelp);
  mistake.place = Literal(stop);
  return mistake;
}

// Parameters and fields: `a, b: Int`, `Int a`, `a = Int`.
std::optional<Mistake> InField(const Stop& stop) {
  const size_t rule = stop.Construct();
  const bool field = rule == JadeParser::RuleField || rule == JadeParser::RuleRecordBody;
  const bool param = rule == JadeParser::RuleParam || rule == JadeParser::RuleParams;
  if (!field && !param) return std::nullopt;
  const size_t type = stop.Type();
  if (type == JadeParser::ASSIGN && field) return Fixed("", "a field is written `name: Type`", stop.Place(), ":");
  if (stop.Inside(JadeParser::RuleType) || stop.Type(-1) == JadeParser::COLON) return std::nullopt;
  if (type == JadeParser::SEMI && param) {
    return Fixed("`,` or `)`", "parameters are separated by `,`", stop.Place(), ",");
  }
  if (rule == JadeParser::RuleParam && type == JadeParser::NAME && stop.Type(-1) == JadeParser::NAME) {
    return Make("", "the name comes first: `name: Type`");
  }
  if (rule == JadeParser::RuleField || rule == JadeParser::RuleParam) {
    return Make("", field ? "every field has a type: `name: Type`" : "every parameter has a type: `name: Type`");
  }
  return std::nullopt;
}

// `list[str]`, `?Int`.
std::optional<Mistake> InType(const Stop& stop) {
  const bool in_type = stop.rules.front() == JadeParser::RuleType || stop.rules.front() == JadeParser::RuleTypeAtom ||
                       stop.rules.front() == JadeParser::RuleParam || stop.rules.front() == JadeParser::RuleParams;
  if (!in_type) return std::nullopt;
  if (stop.Type() == JadeParser::QUESTION) return Make("a type", "the `?` of an optional stands behind it: `Int?`");
  if (stop.Type() == JadeParser::LBRACK && EndsOperand(stop.Type(-1))) {
    return Make("", "a list type is written `[T]`; types in `<…>` follow only `Plan`");
  }
  if (stop.Type() == JadeParser::PIPE)
    return Make("", "a type of several is an `enum`; one that may be absent is `T?`");
  return std::nullopt;
}

bool IsHeader(size_t rule) {
  return rule == JadeParser::RuleExecutorDecl || rule == JadeParser::RulePlannerDecl ||
         rule == JadeParser::RuleToolDecl || rule == JadeParser::RuleWorkflowDecl || rule == JadeParser::RuleRewardDecl;
}

// `workflow W(a: Int): Int = a` and its like.
std::optional<Mistake> InHeader(const Stop& stop) {
  constexpr std::string_view kArrow = "the type of the result follows the parameters: `Name(…) -> Type`";
  constexpr std::string_view kParameters = "parameters stand in parentheses, `()` when there are none";
  const size_t rule = stop.Construct();
  const size_t type = stop.Type();
  const size_t before = stop.Type(-1);
  if (!IsHeader(rule)) return std::nullopt;
  if (before >= JadeParser::EXECUTOR && before <= JadeParser::REWARD && before != JadeParser::MAIN) {
    return Make("a name", "a declaration has a name: `workflow Solve(…) -> Type { … }`");
  }
  if (before == JadeParser::NAME && IsDeclarationWord(stop.Type(-2))) {
    return Fixed("`(`", kParameters, {stop.Place(-1).end, stop.Place(-1).end}, "()");
  }
  if (before == JadeParser::MAIN)
    return Fixed("", "only a workflow is `main`: `main workflow …`", {stop.Place().begin, stop.Place().begin},
                 "workflow ");
  if (before == JadeParser::RPAREN) {
    if (type == JadeParser::COLON || type == JadeParser::FAT_ARROW || type == JadeParser::MINUS) {
      return Fixed("`->`", kArrow, stop.Place(), "->");
    }
    return Make("`->`", kArrow);
  }
  if (before == JadeParser::ARROW)
    return Make("a type", "every declaration says the type of its result: `-> Type { … }`");
  if (stop.Inside(JadeParser::RuleType) || EndsOperand(before) || before == JadeParser::QUESTION ||
      before == JadeParser::GREATER) {
    if (type == JadeParser::LBRACK) return Make("", "a list type is written `[T]`");
    if (stop.tokens[0].type == JadeParser::TOOL) return Make("`{`", "a tool's settings stand in braces");
    return Make("`{`", "a body stands in braces: `{ … }`");
  }
  return std::nullopt;
}

std::optional<Mistake> InOtherDeclaration(const Stop& stop) {
  const size_t rule = stop.Construct();
  const size_t type = stop.Type();
  if (rule == JadeParser::RuleEnumDecl || rule == JadeParser::RuleEnumBody) {
    if (type == JadeParser::PIPE) return Fixed("", "cases are separated by `,`", stop.Place(), ",");
    if (type == JadeParser::ASSIGN) return Make("`{`", "cases stand in braces: `enum Step { Ask(query: Text), Stop }`");
    return Make("", "an enum is written `enum Step { Ask(query: Text), Stop }`");
  }
  if ((rule == JadeParser::RuleRecordDecl || rule == JadeParser::RuleRecordBody) &&
      !stop.Inside(JadeParser::RuleField)) {
    return Make("", "a record is written `record Note { question: Text, answer: Text }`");
  }
  if (rule == JadeParser::RuleTypeDecl && stop.Type(-1) == JadeParser::NAME && type != JadeParser::ASSIGN) {
    return Make("`=`", "a type is declared by `type Query = new Text` or `type Names = [Text]`");
  }
  if (rule == JadeParser::RuleParamDecl && type == JadeParser::ASSIGN) {
    return Make("", "a param has a type: `param alpha: Float = 0.5`");
  }
  if (rule == JadeParser::RuleTestDecl || (stop.tokens[0].type == JadeParser::TEST && stop.at == 1)) {
    if (type == JadeParser::NAME) {
      Mistake mistake = Make("a title", "a test's title is a text: `test \"…\" { … }`");
      mistake.fix = diag::Edit{stop.Place(), "\"" + std::string(stop.Text()) + "\""};
      return mistake;
    }
    return Make("", "a test is written `test \"title\" { … }`");
  }
  return std::nullopt;
}

std::optional<Mistake> InTest(const Stop& stop) {
  const size_t rule = stop.Construct();
  if (rule == JadeParser::RuleTestBody) {
    return Make("", "a test has `reply Role \"…\"`, `let name = …` and `expect condition`");
  }
  if (rule == JadeParser::RuleTestStep && (stop.Type() == JadeParser::COLON || stop.Type() == JadeParser::ASSIGN) &&
      stop.Type(-2) == JadeParser::REPLY) {
    return Fixed("", "a reply is written `reply Role \"…\"`", stop.Place(), "");
  }
  return std::nullopt;
}

// `emits …`
std::optional<Mistake> InEmits(const Stop& stop) {
  constexpr std::string_view kTag = "a format is a tag and its type, as in `<answer> Answer`, or `text`, or `plan`";
  constexpr std::string_view kOpening = "only the opening tag is written, then its type: `<answer> Answer`";
  size_t emits = stop.at;
  while (emits > stop.Horizon() && stop.tokens[emits - 1].type != JadeParser::EMITS) --emits;
  if (emits == stop.Horizon() || !stop.Inside(JadeParser::RuleRoleBody)) return std::nullopt;
  bool only_tags = true;  // between `emits` and the stop
  for (size_t i = emits; i < stop.at; ++i) only_tags = only_tags && stop.tokens[i].type != JadeParser::RBRACE;
  const bool in_emits = stop.Inside(JadeParser::RuleEmitAlternative) || stop.Construct() == JadeParser::RuleClause;
  if (!only_tags || !in_emits) return std::nullopt;
  const size_t type = stop.Type();
  if (type == JadeParser::LESS && stop.Type(1) == JadeParser::SLASH) return Make("", kOpening);
  if (BeginsTemplate(type)) {
    Mistake mistake = Make("a format", kTag);
    mistake.place = Literal(stop);
    return mistake;
  }
  if (stop.Type(-1) == JadeParser::GREATER) {
    Mistake mistake =
        Make("a type, `plan` or `subset`", "the type of what the tag holds follows it: `<answer> Answer`");
    if (!stop.SameLine()) mistake.place = {stop.Place(-1).end - 1, stop.Place(-1).end};
    return mistake;
  }
  if (stop.Type(-1) == JadeParser::EMITS || stop.Type(-1) == JadeParser::PIPE) return Make("a format", kTag);
  return std::nullopt;
}

std::optional<Mistake> InRole(const Stop& stop) {
  const size_t rule = stop.Construct();
  const size_t type = stop.Type();
  if (!stop.Inside(JadeParser::RuleRoleBody)) return std::nullopt;
  const bool after_word = stop.at > 0 && stop.Type(-1) >= JadeParser::SYSTEM && stop.Type(-1) <= JadeParser::OVERRUN;
  if (after_word && (type == JadeParser::COLON || type == JadeParser::ASSIGN)) {
    return Fixed("", "a clause is its word and what follows, without `:` or `=`", stop.Place(), "");
  }
  if (after_word && stop.Type(-1) == JadeParser::USES)
    return Make("a name", "names follow side by side: `uses QR, R, AG`");
  if (after_word && stop.Type(-1) <= JadeParser::PREFILL) {
    return Make("a template", "a message is a text: `user \"…\"` or `user \"\"\"…\"\"\"`");
  }
  if (stop.at >= stop.count) return std::nullopt;
  size_t clause = stop.at;
  while (clause > stop.Horizon() &&
         !(stop.tokens[clause].type >= JadeParser::SYSTEM && stop.tokens[clause].type <= JadeParser::OVERRUN))
    --clause;
  if (type == JadeParser::COMMA && stop.tokens[clause].type == JadeParser::STAGES) {
    return Fixed("", "the stages of a row stand side by side, without `,`: `[QR] R AG`", stop.Place(), "");
  }
  if (type == JadeParser::COMMA && rule == JadeParser::RuleRoleBody) {
    return Fixed("", "clauses are not separated by `,`: each begins on a line of its own or after `;`", stop.Place(),
                 "");
  }
  return std::nullopt;
}

}  // namespace

std::string_view NearestDeclaration(std::string_view word) {
  return source::Nearest(word, {"use", "executor", "tool", "planner", "workflow", "main", "type", "record", "enum",
                                "param", "reward", "test"});
}

std::string_view ForeignDeclaration(std::string_view word) {
  for (const Word& entry : kForeign) {
    if (entry.word == word) return entry.help;
  }
  return {};
}

std::optional<Mistake> DeclarationMistake(const Stop& stop) {
  if (stop.count == 0 || stop.at == 0) return std::nullopt;
  using Rule = std::optional<Mistake> (*)(const Stop&);
  for (const Rule rule : {InUse, InType, InField, InHeader, InOtherDeclaration, InTest, InEmits, InRole}) {
    if (auto mistake = rule(stop)) return mistake;
  }
  return std::nullopt;
}

}  // namespace jade::parse
