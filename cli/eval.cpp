// jade eval: a workflow over a question set, many runs at once.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/terminal.h"
#include "cli/workbench.h"
#include "runtime/eval/questions.h"
#include "runtime/eval/summary.h"

namespace jade::cli {
namespace {

struct Options {
  std::string file;
  std::string workflow;
  std::string data;
  std::string config;
  std::string rows;
  uint64_t limit = 0;
  uint64_t seed = 0;
  int concurrency = 32;
  bool sample = false;
  bool json = false;
  bool trace = false;
  WorkbenchOptions bench;
};

struct Evaluation {
  const Options& options;
  const std::vector<eval::Question>& questions;
  session::RunRequest request;  // without inputs
  std::string input;            // the parameter that takes the question
  std::FILE* rows;
  eval::Summariser* summariser;
};

void WriteRow(std::FILE* file, const eval::Question& question, const session::FinishedRun& finished) {
  nlohmann::json row{{"id", question.id},
                     {"question", question.question},
                     {"gold", question.gold},
                     {"answer", finished.answer},
                     {"status", trace::RunStatusName(finished.run.status)},
                     {"turns", finished.run.turns},
                     {"retrievals", finished.run.retrievals},
                     {"run", finished.run.id}};
  fmt::print(file, "{}\n", row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Status Finish(const Evaluation& evaluation, const eval::Question& question, session::FinishedRun finished) {
  if (evaluation.rows != nullptr) WriteRow(evaluation.rows, question, finished);
  evaluation.summariser->Add({.id = question.id,
                              .type = question.type,
                              .gold = question.gold,
                              .answer = std::move(finished.answer),
                              .run = std::move(finished.run),
                              .calls = std::move(finished.calls)});
  return {};
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
      request.inputs[evaluation.input] = evaluation.questions[next].question;
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
      JADE_TRY(Finish(evaluation, evaluation.questions[it->second], session.Take(it->first)));
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

int Evaluate(const Options& options, const Invocation& invocation) {
  const std::atomic<bool>& cancel = *invocation.cancel;
  const auto questions = eval::LoadQuestions(options.data, options.limit);
  if (!questions.ok()) return Fail(questions.error());
  const auto settings = ReadSettings(options.config, options.bench);
  if (!settings.ok()) return Fail(settings.error());
  int status = kFine;
  session::RunRequest request;
  request.program = LoadProgramToRun({options.file, options.workflow, settings->backbone, {}}, invocation, &status);
  if (request.program == nullptr) return status;
  request.workflow = options.workflow;
  ApplySettings(*settings, !options.sample, &request);
  const auto workflow = request.program->FindWorkflow(options.workflow);
  if (!workflow.ok()) return Fail(workflow.error());
  if (workflow->signature->parameters.empty()) {
    return Fail(Error(ErrorCode::kInvalidArgument, fmt::format("workflow `{}` takes no question", workflow->name)));
  }
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
  const auto form = request.normalisation;
  eval::Summariser summariser(form);
  const Evaluation evaluation{options,    *questions, std::move(request), workflow->signature->parameters[0].name,
                              rows.get(), &summariser};
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
  if (options.json) {
    fmt::print("{}\n", eval::SummaryJson(summary, summariser.ByType()));
  } else {
    ShowSummary(summary, summariser.ByType());
  }
  return kFine;
}

}  // namespace

void AddEvalCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* eval = app.add_subcommand("eval", "Answer a question set and measure the answers");
  eval->footer(
      "Examples:\n  jade eval workflows/jade.jade --data data/atlas/dev.jsonl --limit 100\n"
      "  jade eval workflows/naive_rag.jade --data qa.jsonl --corpus corpus.jsonl --model smollm2-135m --json");
  eval->add_option("FILE", options->file, ".jade file")->required();
  eval->add_option("--data", options->data, "JSONL of {\"id\", \"question\", \"answer\" or \"answers\"}")->required();
  eval->add_option("--corpus", options->bench.corpus, "what to search: atlas, an index, or a JSONL corpus");
  eval->add_option("--limit", options->limit, "only the first N questions (0: all)")->capture_default_str();
  eval->add_option("--workflow", options->workflow, "which workflow (default: the main one)");
  eval->add_option("--config", options->config, "YAML file (docs/configuration.md)");
  eval->add_option("--model", options->bench.model, "backbone: nano, a path, or a pulled model");
  eval->add_option("--replies", options->bench.replies, "answer from a JSONL file in the place of a model");
  eval->add_option("--seed", options->seed, "seed of the first run; each next run has the next seed")
      ->capture_default_str();
  eval->add_flag("--sample", options->sample, "sample as configured instead of taking the most probable token");
  eval->add_option("--concurrency", options->concurrency, "questions under way at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  eval->add_option("--rows", options->rows, "write one JSON object a question to this file");
  eval->add_flag("--record", options->trace, "record every run in the experience store");
  eval->add_option("--trace", options->bench.store, "experience store for --record");
  eval->add_flag("--json", options->json, "print the summary as one JSON object");
  eval->callback([options, &invocation] {
    invocation.action = [options, &invocation] { return Evaluate(*options, invocation); };
  });
}

}  // namespace jade::cli
