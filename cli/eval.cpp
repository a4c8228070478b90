// jade eval: a workflow over a question set, many runs at once.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/eval_compare.h"
#include "cli/load.h"
#include "cli/terminal.h"
#include "cli/tier.h"
#include "cli/workbench.h"
#include "compiler/source/suggest.h"
#include "runtime/eval/questions.h"
#include "runtime/eval/rows.h"
#include "runtime/eval/score.h"
#include "runtime/eval/summary.h"
#include "runtime/retrieve/index.h"
#include "runtime/retrieve/provider.h"

namespace jade::cli {
namespace {

struct Options {
  std::string file;
  std::string workflow;
  std::string data;
  std::string config;
  std::string rows;
  std::string score;  // a dataset's script; empty: as the settings normalise
  CompareRequest compare;
  std::vector<std::string> fields;  // NAME=FIELD
  uint64_t limit = 0;
  uint64_t seed = 0;
  TierChoice tier;
  int concurrency = 32;
  bool sample = false;
  bool json = false;
  bool trace = false;
  WorkbenchOptions bench;
};

// A parameter of the workflow and the field of the question set that it takes.
struct RowInput {
  std::string parameter;
  std::string field;
  bool documents = false;  // a [Doc]: the field lists titles, the passages come from the index
};

struct Evaluation {
  const Options& options;
  const std::vector<eval::Question>& questions;
  session::RunRequest request;  // without inputs
  std::vector<RowInput> inputs;
  retrieve::Index* index;  // null when no input is documents
  std::FILE* rows;
  eval::Summariser* summariser;
};

void Finish(const Evaluation& evaluation, const eval::Question& question, session::FinishedRun finished) {
  const eval::Outcome outcome{.id = question.id,
                              .type = question.type,
                              .gold = question.gold,
                              .answer = std::move(finished.answer),
                              .run = std::move(finished.run),
                              .calls = std::move(finished.calls)};
  const eval::Scores scores = evaluation.summariser->Add(outcome);
  if (evaluation.rows != nullptr) fmt::print(evaluation.rows, "{}\n", eval::RowJson(question, outcome, scores));
}

Result<std::string> DocumentsTitled(retrieve::Index& index, const eval::Question& question, const std::string& field) {
  JADE_ASSIGN_OR_RETURN(const std::string text, eval::RowField(question, field));
  const auto titles = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<retrieve::Passage> documents;
  for (const auto& title : titles.is_array() ? titles : nlohmann::json::array({nullptr})) {
    if (!title.is_string()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("question `{}`: `{}` must be a list of titles", question.id, field));
    }
    JADE_ASSIGN_OR_RETURN(const auto passages, index.WithTitle(title.get_ref<const std::string&>()));
    if (passages.empty()) {
      return Error(ErrorCode::kNotFound, fmt::format("question `{}`: the corpus has no passage titled `{}`",
                                                     question.id, title.get_ref<const std::string&>()));
    }
    documents.insert(documents.end(), passages.begin(), passages.end());
  }
  return retrieve::PassagesJson(documents);
}

Status BindInputs(const Evaluation& evaluation, const eval::Question& question,
                  std::map<std::string, std::string>* inputs) {
  for (const RowInput& input : evaluation.inputs) {
    std::string& value = (*inputs)[input.parameter];
    if (input.documents) {
      JADE_ASSIGN_OR_RETURN(value, DocumentsTitled(*evaluation.index, question, input.field));
    } else {
      JADE_ASSIGN_OR_RETURN(value, eval::RowField(question, input.field));
    }
  }
  return {};
}

// The question goes to the first parameter, unless `-i` says otherwise.
Result<std::vector<RowInput>> ReadInputs(const std::vector<std::string>& fields, const session::Program& program,
                                         const session::Program::Workflow& workflow) {
  if (workflow.signature->parameters.empty()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("workflow `{}` takes no question", workflow.name));
  }
  std::vector<RowInput> inputs;
  std::vector<std::string> names;
  for (const auto& parameter : workflow.signature->parameters) names.push_back(parameter.name);
  for (const std::string& pair : fields) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("`-i {}`: an input is written NAME=FIELD", pair));
    }
    const std::string name = pair.substr(0, equals);
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("`{}` has no input `{}`{}", workflow.name, name, source::DidYouMean(name, names)));
    }
    const auto& parameter = workflow.signature->parameters[static_cast<size_t>(at - names.begin())];
    inputs.push_back({name, pair.substr(equals + 1), program.types().Name(parameter.type) == "[Doc]"});
  }
  const auto given = [&](const RowInput& input) { return input.parameter == names.front(); };
  if (std::none_of(inputs.begin(), inputs.end(), given)) inputs.push_back({names.front(), "question"});
  return inputs;
}

// Keeps `concurrency` questions under way until all are answered.
Status AnswerAll(const Evaluation& evaluation, session::Session& session, progress::Sink& progress,
                 const std::atomic<bool>& cancel) {
  std::deque<std::pair<session::RunId, size_t>> active;
  size_t next = 0;
  uint64_t done = 0;
  while (next < evaluation.questions.size() || !active.empty()) {
    if (cancel.load()) {
      session.CancelAll();
      session.Drain();
      return Error(ErrorCode::kCancelled, "interrupted");
    }
    while (next < evaluation.questions.size() && active.size() < static_cast<size_t>(evaluation.options.concurrency)) {
      session::RunRequest request = evaluation.request;
      JADE_TRY(BindInputs(evaluation, evaluation.questions[next], &request.inputs));
      request.gold = evaluation.questions[next].gold;
      request.seed = evaluation.options.seed + next;
      JADE_ASSIGN_OR_RETURN(const session::RunId run, session.Start(request));
      active.emplace_back(run, next++);
    }
    session.Pump();
    for (auto it = active.begin(); it != active.end();) {
      if (session.active(it->first)) {
        ++it;
        continue;
      }
      Finish(evaluation, evaluation.questions[it->second], session.Take(it->first));
      it = active.erase(it);
      progress.Update(++done, {});
    }
  }
  return {};
}

void ShowSummary(const eval::Summary& s, const std::map<std::string, eval::Summary>& by_type) {
  fmt::print("questions {}   failed {}   {:.2f} s a question\n", s.questions, s.failed,
             s.seconds / static_cast<double>(std::max<int64_t>(s.questions, 1)));
  fmt::print("EM {:.4f}   F1 {:.4f}   accuracy {:.4f}\n", s.em, s.f1, s.accuracy);
  fmt::print("turns {:.2f}   retrievals {:.2f}   calls {:.2f}   tokens {:.1f} + {:.1f} prompt\n", s.turns, s.retrievals,
             s.calls, s.tokens, s.prompt_tokens);
  for (const auto& [name, role] : s.roles) {
    fmt::print("  {:20} {:6.2f} % valid of {} calls ({} malformed, {} invalid)\n", name,
               100.0 * static_cast<double>(role.valid) / static_cast<double>(std::max<int64_t>(role.calls, 1)),
               role.calls, role.malformed, role.invalid);
  }
  for (const auto& [type, part] : by_type) {
    fmt::print("  {:20} EM {:.4f}   F1 {:.4f}   of {}\n", type, part.em, part.f1, part.questions);
  }
}

void ShowEngine(const eval::EngineUse& use, double seconds) {
  const auto percent = [&](double part) { return 100.0 * part / std::max(seconds, 1e-9); };
  fmt::print("engine: {} steps, {} prompt tokens ({:.1f} % of them cached), {} decoded, KV cache {} at most\n",
             use.steps, use.prompt_tokens, 100.0 * use.CachedShare(), use.decode_tokens,
             HumanBytes(static_cast<double>(use.kv_peak_bytes)));
  fmt::print("  of the time: executor {:.1f} %, sampling {:.1f} %, scheduling {:.1f} %, tokenising {:.1f} %\n",
             percent(use.executor_seconds), percent(use.sampling_seconds), percent(use.scheduling_seconds),
             percent(use.tokenising_seconds));
}

int Evaluate(const Options& options, const Invocation& invocation) {
  const std::atomic<bool>& cancel = *invocation.cancel;
  const auto questions = eval::LoadQuestions(options.data, options.limit);
  if (!questions.ok()) return Fail(questions.error());
  const auto settings = ReadSettings(options.config, options.bench);
  if (!settings.ok()) return Fail(settings.error());
  int status = kFine;
  session::RunRequest request;
  const auto inputs_fit = [&](const session::Program& program) -> Status {
    JADE_ASSIGN_OR_RETURN(const auto workflow, program.FindWorkflow(options.workflow));
    JADE_TRY(ReadInputs(options.fields, program, workflow));
    return {};
  };
  request.program = LoadProgramToRun({options.file, options.workflow, *settings, inputs_fit}, invocation, &status);
  if (request.program == nullptr) return status;
  request.workflow = options.workflow;
  ApplySettings(*settings, !options.sample, &request);
  // The wall clock of a run that shares the backbone with others is not its own.
  request.budget.seconds *= options.concurrency;
  const auto workflow = request.program->FindWorkflow(options.workflow);
  if (!workflow.ok()) return Fail(workflow.error());
  auto inputs = ReadInputs(options.fields, *request.program, *workflow);
  if (!inputs.ok()) return Fail(inputs.error());
  request.reward = settings->reward;

  ProgressBar bar;
  auto bench = BuildWorkbench(*settings, *request.program, options.trace, bar, cancel);
  if (!bench.ok()) return Fail(bench.error());
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> rows(nullptr, std::fclose);
  if (!options.rows.empty()) {
    rows.reset(std::fopen(options.rows.c_str(), "wb"));
    if (rows == nullptr) return Fail(Error(ErrorCode::kIo, fmt::format("cannot write `{}`", options.rows)));
  }
  request.store = bench->store.get();
  std::unique_ptr<retrieve::Index> index;
  if (std::any_of(inputs->begin(), inputs->end(), [](const RowInput& input) { return input.documents; })) {
    if (settings::IsRemoteRetriever(settings->retriever.kind)) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("documents by title need an index on this machine, not a retriever of kind `{}`: "
                                    "name one with --corpus",
                                    settings->retriever.kind)));
    }
    auto path = ResolveIndex(settings->retriever.index, bar, cancel);
    auto opened = path.ok() ? retrieve::Index::Open(*path) : Result<std::unique_ptr<retrieve::Index>>(path.error());
    if (!opened.ok()) return Fail(opened.error());
    index = std::move(*opened);
  }
  const auto code = MakeCode(options.tier);
  if (!code.ok()) return Fail(code.error());
  request.code = code->get();
  Result<eval::Scoring> scoring = eval::Scoring(request.normalisation);
  if (!options.score.empty()) scoring = eval::ScriptScoring(options.score);
  if (!scoring.ok()) return Fail(scoring.error());
  eval::Summariser summariser(*scoring);
  const Evaluation evaluation{options,     *questions, std::move(request), std::move(*inputs),
                              index.get(), rows.get(), &summariser};
  const auto started = std::chrono::steady_clock::now();
  bar.Begin({.name = "evaluating", .unit = "questions", .total = questions->size()});
  session::Session session(bench->engine.get(), bench->Tools());
  Status answered = AnswerAll(evaluation, session, bar, cancel);
  bar.End();
  if (bench->store != nullptr) {
    if (Status flushed = bench->store->Flush(); !flushed.ok()) return Fail(flushed.error());
  }
  if (!answered.ok()) return Fail(answered.error());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const eval::Summary summary = summariser.Finish(seconds);
  const std::optional<eval::EngineUse> use = UseOf(*bench->engine);
  if (options.json) {
    fmt::print("{}\n", eval::SummaryJson(summary, summariser.ByType(), use));
  } else {
    ShowSummary(summary, summariser.ByType());
    if (use) ShowEngine(*use, seconds);
  }
  return kFine;
}

std::string UnknownScript(const std::string& name) {
  const auto scoring = eval::ScriptScoring(name);
  return scoring.ok() ? std::string() : scoring.error().message();
}

}  // namespace

void AddEvalCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* eval = app.add_subcommand("eval", "Answer a question set and measure the answers");
  eval->footer(
      "Examples:\n  jade eval workflows/jade.jade --data data/atlas/dev.jsonl --limit 100\n"
      "  jade eval workflows/naive_rag.jade --data qa.jsonl --corpus corpus.jsonl --model smollm2-135m --json\n"
      "  jade eval workflows/oracle_documents.jade --data data/atlas/dev.jsonl -i documents=support\n"
      "  jade eval workflows/jade.jade --data hotpot.jsonl --corpus hotpot.db --score hotpotqa --rows b.jsonl\n"
      "  jade eval --compare a.jsonl b.jsonl\n"
      "  jade eval --compare 'runs/a-*.jsonl' 'runs/b-*.jsonl' --resamples 100000 --json");
  CLI::Option* file = eval->add_option("FILE", options->file, ".jade file");
  CLI::Option* data =
      eval->add_option("--data", options->data, "JSONL of {\"id\", \"question\", \"answer\" or \"answers\"}");
  eval->add_option("--corpus", options->bench.corpus, "what to search: atlas, an index, or a JSONL corpus");
  eval->add_option("--limit", options->limit, "only the first N questions (0: all)")->capture_default_str();
  eval->add_option("--workflow", options->workflow, "which workflow (default: the main one)");
  eval->add_option("--config", options->config, "YAML file (docs/configuration.md)");
  eval->add_option("--model", options->bench.model, "backbone: nano, a path, or a pulled model");
  eval->add_option("--replies", options->bench.replies, "answer from a JSONL file in the place of a model");
  eval->add_option("--seed", options->seed,
                   "seed of the first run, each next run has the next seed; with --compare, of the resamples")
      ->capture_default_str();
  eval->add_flag("--sample", options->sample, "sample as configured instead of taking the most probable token");
  AddTierOptions(*eval, &options->tier);
  eval->add_option("--concurrency", options->concurrency, "questions under way at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  eval->add_option(
      "-i,--input", options->fields,
      "NAME=FIELD: a parameter takes this field of each question (`plan.cheapest` for a field of a field); "
      "for a [Doc] the field lists titles");
  CLI::Option* rows = eval->add_option("--rows", options->rows, "write one JSON object a question to this file");
  eval->add_option("--score", options->score,
                   "score as the script of this dataset does (docs/metrics.md), not as the configuration normalises")
      ->check(CLI::Validator([](std::string& name) { return UnknownScript(name); }, "", "script"));
  AddCompareOptions(*eval, {file, data, rows}, &options->compare);
  eval->add_flag("--record", options->trace, "record every run in the experience store");
  eval->add_option("--trace", options->bench.store, "experience store for --record");
  eval->add_flag("--json", options->json, "print the summary as one JSON object");
  eval->callback([options, &invocation] {
    if (!options->compare.systems.empty()) {
      options->compare.options.seed = options->seed;
      options->compare.json = options->json;
      invocation.action = [options] { return CompareRows(options->compare); };
      return;
    }
    if (options->file.empty()) throw CLI::RequiredError("FILE");
    if (options->data.empty()) throw CLI::RequiredError("--data");
    invocation.action = [options, &invocation] { return Evaluate(*options, invocation); };
  });
}

}  // namespace jade::cli
