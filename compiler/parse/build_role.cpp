// The clauses of executors and planners.

#include <charconv>

#include "compiler/parse/builder.h"
#include "compiler/source/suggest.h"

namespace jade::parse {

using ast::Span;

namespace {
const std::vector<std::string_view>& ClauseWords() {
  static const std::vector<std::string_view> words = {"system", "user",      "assistant", "prefill", "emits",
                                                      "check",  "malformed", "invalid",   "penalty", "sample",
                                                      "stages", "uses",      "overrun"};
  return words;
}

bool IsSamplingSetting(std::string_view word) {
  return word == "temperature" || word == "top_p" || word == "top_k" || word == "max_tokens" || word == "stop";
}
}  // namespace

void Builder::BuildRoleBody(P::RoleBodyContext* tree, ast::Role& role, ast::PlannerDecl* planner) {
  if (tree == nullptr) return;
  for (P::ClauseContext* clause : tree->clause()) BuildClause(clause, role, planner);
}

// False, and a report, when a clause that stands once is there already.
bool Builder::FirstTime(bool taken, Span clause) {
  if (taken) Report(diag::kDuplicateClause, clause, TextOf(clause)).Help("keep one of them");
  return !taken;
}

bool Builder::ForPlanner(const ast::PlannerDecl* planner, Span clause) {
  if (planner == nullptr) {
    Report(diag::kMisplacedClause, clause, TextOf(clause), "an executor")
        .Help("only a planner writes plans; declare the role with `planner`, or remove the clause");
  }
  return planner != nullptr;
}

void Builder::BuildClause(P::ClauseContext* tree, ast::Role& role, ast::PlannerDecl* planner) {
  const Span word = SpanOf(tree->getStart());
  if (auto* message = dynamic_cast<P::MessageClauseContext*>(tree)) return BuildMessage(message, role);
  if (auto* value = dynamic_cast<P::ValueClauseContext*>(tree)) return BuildValueClause(value, role, planner);
  if (auto* unknown = dynamic_cast<P::UnknownClauseContext*>(tree)) {
    return BuildUnknownClause(unknown, planner != nullptr);
  }
  if (auto* emits = dynamic_cast<P::EmitsClauseContext*>(tree)) {
    if (FirstTime(role.emits.has_value(), word)) role.emits = EmitsOf(emits);
  } else if (auto* sample = dynamic_cast<P::SampleClauseContext*>(tree)) {
    if (!FirstTime(!role.sample.empty(), word)) return;
    for (P::SettingContext* setting : sample->setting()) role.sample.push_back(SettingOf(setting));
  } else if (auto* stages = dynamic_cast<P::StagesClauseContext*>(tree)) {
    if (!ForPlanner(planner, word) || !FirstTime(planner->stages.has_value(), word)) return;
    planner->stages = PatternOf(stages->stageAlternatives());
  } else if (auto* uses = dynamic_cast<P::UsesClauseContext*>(tree)) {
    if (!ForPlanner(planner, word) || !FirstTime(!planner->uses.empty(), word)) return;
    for (Leaf* name : uses->NAME()) planner->uses.push_back(NameOf(name));
    planner->uses_span = SpanOf(uses);
  }
}

void Builder::BuildMessage(P::MessageClauseContext* tree, ast::Role& role) {
  ast::Message message;
  message.span = SpanOf(tree);
  message.role = tree->SYSTEM() != nullptr      ? ast::MessageRole::kSystem
                 : tree->USER() != nullptr      ? ast::MessageRole::kUser
                 : tree->ASSISTANT() != nullptr ? ast::MessageRole::kAssistant
                                                : ast::MessageRole::kPrefill;
  message.text = TemplateOf(tree->templateLiteral());
  if (!role.messages.empty() && role.messages.back().role == ast::MessageRole::kPrefill) {
    Report(diag::kMessageAfterPrefill, SpanOf(tree->getStart()))
        .Note(file_, role.messages.back().span, "the prefill is here")
        .Help("move the prefill behind it");
  }
  role.messages.push_back(std::move(message));
}

void Builder::BuildValueClause(P::ValueClauseContext* tree, ast::Role& role, ast::PlannerDecl* planner) {
  const Span word = SpanOf(tree->getStart());
  ast::ExprPtr* place = nullptr;
  if (tree->CHECK() != nullptr) place = &role.check;
  if (tree->MALFORMED() != nullptr) place = &role.malformed;
  if (tree->INVALID() != nullptr) place = &role.invalid;
  if (tree->PENALTY() != nullptr) place = &role.penalty;
  if (tree->OVERRUN() != nullptr) {
    if (!ForPlanner(planner, word)) return;
    place = &planner->overrun;
  }
  if (place == nullptr || !FirstTime(*place != nullptr, word)) return;
  *place = ExprOf(tree->expr(), word);
}

void Builder::BuildUnknownClause(P::UnknownClauseContext* tree, bool planner) {
  const Span word = SpanOf(tree->getStart());
  const std::string text = TextOf(word);
  auto report = Report(diag::kUnknownClause, word, text, planner ? "a planner" : "an executor");
  const auto best = source::Nearest(text, ClauseWords());
  if (!best.empty()) {
    report.Help(fmt::format("did you mean `{}`?", best)).Fix(word, std::string(best));
  } else if (IsSamplingSetting(text)) {
    report.Help(fmt::format("it is a setting: `sample {} …`", text)).Fix({word.begin, word.begin}, "sample ");
  } else {
    report.Help(
        "the clauses are `system`, `user`, `assistant`, `prefill`, `emits`, `check`, `malformed`, `invalid`, "
        "`penalty`, `sample`, and for planners `stages`, `uses`, `overrun`");
  }
}

ast::Emits Builder::EmitsOf(P::EmitsClauseContext* tree) {
  ast::Emits emits;
  emits.span = SpanOf(tree);
  for (P::EmitAlternativeContext* alternative : tree->emitAlternative()) {
    emits.alternatives.push_back(AlternativeOf(alternative));
  }
  return emits;
}

// `<name>` or `<name#>`, written without blanks, begins with a letter.
ast::Name Builder::TagOf(P::TagContext* tree) {
  ast::Name tag;
  tag.span = SpanOf(tree);
  if (tree->exception != nullptr || tree->GREATER() == nullptr) return tag;  // reported
  const std::string text = TextOf(tag.span);
  if (text.find_first_of(" \t\r\n") != std::string::npos) {
    Report(diag::kBadTag, tag.span, text).Help("write it as the model shall, such as `<answer>`");
  }
  if (text.size() >= 3) tag.text = text.substr(1, text.size() - 2);
  if (!tag.text.empty() && tag.text.back() == '#') tag.text.pop_back();
  return tag;
}

ast::EmitAlternative Builder::AlternativeOf(P::EmitAlternativeContext* tree) {
  ast::EmitAlternative alternative;
  alternative.span = SpanOf(tree);
  P::TagContext* tag = tree->tag();
  if (tag != nullptr) alternative.tag = TagOf(tag);
  if (tree->PLAN() != nullptr) {
    alternative.form = ast::EmitForm::kPlan;
  } else if (tree->TEXT() != nullptr) {
    alternative.form = ast::EmitForm::kText;
  } else if (tree->SUBSET() != nullptr) {
    alternative.form = ast::EmitForm::kSubset;
    alternative.parameter = NameOf(tree->name());
  } else {
    const bool numbered = tag != nullptr && tag->HASH() != nullptr;
    alternative.form = numbered ? ast::EmitForm::kNumbered : ast::EmitForm::kTag;
    alternative.type = TypeOf(tree->type());
  }
  if (tree->INT() != nullptr) {
    const Span span = SpanOf(tree->INT());
    const std::string text = TextOf(span);
    int64_t max = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), max);
    if (error != std::errc() || end != text.data() + text.size()) {
      Report(diag::kBadNumber, span, text).Help("write a small number");
    } else {
      alternative.max = max;
    }
  }
  return alternative;
}

ast::StagePattern Builder::PatternOf(P::StageAlternativesContext* tree) {
  ast::StagePattern pattern;
  if (tree == nullptr) return pattern;
  const Depth depth(*this, 1, SpanOf(tree));
  if (!depth.ok()) return pattern;
  pattern.form = ast::StageForm::kAlternatives;
  pattern.span = SpanOf(tree);
  for (P::StageSequenceContext* sequence : tree->stageSequence()) pattern.children.push_back(PatternOf(sequence));
  if (pattern.children.size() != 1) return pattern;
  ast::StagePattern only = std::move(pattern.children.front());
  return only;
}

ast::StagePattern Builder::PatternOf(P::StageSequenceContext* tree) {
  ast::StagePattern pattern;
  pattern.form = ast::StageForm::kSequence;
  pattern.span = SpanOf(tree);
  for (P::StageItemContext* item : tree->stageItem()) pattern.children.push_back(PatternOf(item));
  if (pattern.children.size() != 1) return pattern;
  ast::StagePattern only = std::move(pattern.children.front());
  return only;
}

ast::StagePattern Builder::PatternOf(P::StageItemContext* tree) {
  ast::StagePattern pattern;
  pattern.span = SpanOf(tree);
  if (tree->NAME() != nullptr) {
    pattern.name = NameOf(tree->NAME());
  } else {
    pattern.form = ast::StageForm::kOptional;
  }
  if (tree->stageAlternatives() != nullptr) pattern.children.push_back(PatternOf(tree->stageAlternatives()));
  return pattern;
}

}  // namespace jade::parse
