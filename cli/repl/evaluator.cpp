#include "cli/repl/evaluator.h"

#include <algorithm>

#include "runtime/engine/scripted.h"

namespace jade::repl {
namespace {

// A plan among the values may be one that the program does not know of.
bool MayCall(const session::Program& program, const session::Snippet& snippet) {
  const bool has_plan = std::any_of(snippet.arguments.begin(), snippet.arguments.end(),
                                    [](const abi::Value& value) { return value.kind() == abi::ValueKind::kPlan; });
  return has_plan || program.bounds().CallsOfPlan(*snippet.module) != 0;
}

}  // namespace

Result<session::FinishedRun> Evaluator::RunStatement(const sema::TypedSnippet& tree, size_t statement,
                                                     const Setup& setup, session::RunObserver* observer) {
  const session::ProgramPtr program = workspace_.program();
  std::vector<abi::Value> arguments;
  for (const sema::Given& given : tree.statements[statement].uses) {
    const KeptValue* kept = workspace_.values().Find(given.name);
    JADE_CHECK(kept != nullptr, "`{}` has no value", given.name);
    arguments.push_back(kept->value);
  }
  auto snippet =
      std::make_shared<session::Snippet>(session::MakeSnippet(*program, tree, statement, "repl", std::move(arguments)));
  engine::ScriptedEngine nobody;
  session::Session alone(&nobody, {});
  Equipment::Tools tools{&alone, nullptr};
  if (MayCall(*program, *snippet)) {
    JADE_ASSIGN_OR_RETURN(tools, equipment_.For(*program, setup));
  }
  session::RunRequest request;
  request.program = program;
  request.seed = setup.seed;
  equipment_.Apply(setup, &request);
  request.snippet = std::move(snippet);
  request.observer = observer;
  request.store = tools.store;
  ++request.budget.depth;  // the statement itself: a workflow has here what it has as the main one
  JADE_ASSIGN_OR_RETURN(const session::RunId run, tools.session->Start(request));
  tools.session->Drain(&cancel_);
  session::FinishedRun finished = tools.session->Take(run);
  if (tools.store != nullptr) JADE_TRY(tools.store->Flush());
  return finished;
}

Status Evaluator::Run(const sema::TypedSnippet& tree, const Setup& setup, session::RunObserver* observer,
                      const Done& done) {
  for (size_t i = 0; i < tree.statements.size(); ++i) {
    const sema::TypedStatement& statement = tree.statements[i];
    Outcome outcome{statement.name, statement.type, {}};
    JADE_ASSIGN_OR_RETURN(outcome.run, RunStatement(tree, i, setup, observer));
    const bool has_value = outcome.run.value.has_value();
    if (has_value) {
      workspace_.values().Keep(statement.name.empty() ? kLast : statement.name, *outcome.run.value, statement.type);
    }
    const bool go_on = done(outcome);
    if (!outcome.run.calls.empty()) last_ = std::move(outcome.run);
    if (!has_value || !go_on) break;
  }
  return {};
}

}  // namespace jade::repl
