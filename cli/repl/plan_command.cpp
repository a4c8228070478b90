// `:plan`: what a planner makes of a question.

#include <fmt/format.h>

#include <algorithm>

#include "cli/repl/commands.h"
#include "cli/repl/show_value.h"
#include "compiler/sema/plan.h"
#include "compiler/source/suggest.h"
#include "runtime/interp/task.h"

namespace jade::repl {
namespace {

// The planners that can be named here, those of the prompt itself first.
std::vector<uint32_t> PlannersOf(const sema::Program& program) {
  std::vector<uint32_t> own;
  std::vector<uint32_t> used;
  const auto root = static_cast<uint32_t>(program.modules.size() - 1);
  for (uint32_t i = 0; i < program.declarations.size(); ++i) {
    const sema::Declaration& declaration = program.declarations[i];
    if (declaration.kind != ast::DeclKind::kPlanner || program.Find(declaration.name) != i) continue;
    (declaration.module == root ? own : used).push_back(i);
  }
  if (own.size() != 1) own.insert(own.end(), used.begin(), used.end());
  return own;
}

struct Asked {
  uint32_t planner = sema::kNone;
  std::string question;
};

// "[PLANNER] QUESTION"; reports when it is not clear which planner.
Asked Read(Context& context, std::string_view argument) {
  const sema::Program& program = context.workspace.program()->checked();
  const std::vector<uint32_t> planners = PlannersOf(program);
  const size_t end = std::min(argument.find_first_of(" \t"), argument.size());
  const std::string_view word = argument.substr(0, end);
  std::vector<std::string> names;
  for (const uint32_t planner : planners) {
    names.push_back(program.declarations[planner].name);
    if (word != names.back()) continue;
    const size_t begin = std::min(argument.find_first_not_of(" \t", end), argument.size());
    return {planner, std::string(argument.substr(begin))};
  }
  // A question may begin with any word, so only one that cannot be a slip of a name goes to the sole planner.
  if (planners.size() == 1) return {planners.front(), std::string(argument)};
  if (planners.empty()) {
    context.console.Wrong("there is no planner here; `use std.rag` has one");
  } else {
    context.console.Wrong(fmt::format("there are several planners: name one of {} before the question{}",
                                      fmt::join(names, ", "), source::DidYouMean(word, names)));
  }
  return {};
}

// `Plan(question)` as it would be typed; empty and a report when the planner does not take one text.
std::string CallText(Context& context, const sema::Declaration& planner, const std::string& question) {
  const types::TypeTable& types = context.workspace.types();
  const types::Parameter* sole = planner.signature.SoleRequired();
  if (sole == nullptr || types.BaseOf(sole->type) != types::TypeTable::Text()) {
    context.console.Wrong(
        fmt::format("`{0}` takes more than a question: call it, as in `let plan = {0}(…)`", planner.name));
    return "";
  }
  const std::string literal = ShowValue(abi::Value::Text(question), types::TypeTable::Text(), types, question.size());
  return fmt::format("{}({}: {})", planner.name, sole->name, literal);
}

// What stands between the planner's tags, or the whole reply.
std::string PlanTextOf(const std::string& reply, const std::string& tag) {
  const std::string open = "<" + tag + ">";
  const size_t begin = reply.find(open);
  if (tag.empty() || begin == std::string::npos) return reply;
  const size_t from = begin + open.size();
  return reply.substr(from, reply.find("</" + tag + ">", from) - from);
}

void ShowRefusal(Context& context, const sema::Declaration& planner, uint32_t index, const trace::CallRecord& call) {
  const std::string_view why = call.validity == trace::Validity::kMalformed ? "is no plan" : "may not be used";
  context.console.Note(fmt::format("what `{}` wrote {}:", planner.name, why));
  const std::string& tag = planner.role.format.tag;
  if (!tag.empty() && call.action.find("<" + tag + ">") == std::string::npos) {
    context.console.Note(call.action);  // that is what is wrong with it
    return;
  }
  diag::Diagnostics sink;
  sema::CheckPlan(context.workspace.program()->checked(), index, PlanTextOf(call.action, tag), sink);
  if (sink.empty()) {
    context.console.Note(call.action);
  } else {
    context.console.Diagnostics(sink.Sorted());
  }
}

// "at most 2 calls".
std::string BoundText(const session::Program& program, const abi::Value& plan) {
  const auto* target = dynamic_cast<const interp::PlanFunction*>(plan.as_plan().get());
  if (target == nullptr || target->module()->base() == nullptr || target->function() != target->module()->main()) {
    return "";
  }
  const std::optional<int64_t> calls = program.bounds().CallsOfPlan(*target->module());
  if (!calls) return "its calls depend on what comes back";
  return fmt::format("at most {} call{}", *calls, *calls == 1 ? "" : "s");
}

}  // namespace

void PlanCommand(Context& context, std::string_view argument) {
  const Asked asked = Read(context, argument);
  if (asked.planner == sema::kNone) return;
  const sema::Declaration planner = context.workspace.program()->checked().declarations[asked.planner];
  if (asked.question.empty()) {
    context.console.Wrong("the question is missing");
    return;
  }
  const std::string text = CallText(context, planner, asked.question);
  if (text.empty()) return;
  const session::FinishedRun* before = context.evaluator.last();
  const std::string before_id = before == nullptr ? "" : before->run.id;
  Evaluate(context, InputFile(context, text));
  const session::FinishedRun* run = context.evaluator.last();
  if (run == nullptr || run->run.id == before_id || run->calls.empty()) return;
  const trace::CallRecord& call = run->calls.front();
  const bool malformed = call.validity == trace::Validity::kMalformed;
  if (malformed || !call.diagnostics_json.empty()) ShowRefusal(context, planner, asked.planner, call);
  if (!run->value || run->value->kind() != abi::ValueKind::kPlan) return;
  const std::string bound = BoundText(*context.workspace.program(), *run->value);
  context.console.Note(fmt::format("{}{}`run it on …` runs it", bound, bound.empty() ? "" : "; "));
}

}  // namespace jade::repl
