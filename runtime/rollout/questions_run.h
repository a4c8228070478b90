#pragma once
// Answers many questions at once with one workflow: keeps a number of runs under way, starts those again that failed
// for no fault of their own, and hands each finished run over. What `jade train` rolls out and evaluates with.

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

#include "compiler/result/result.h"
#include "runtime/eval/questions.h"
#include "runtime/session/session.h"

namespace jade::rollout {

struct RunOptions {
  session::RunRequest request;  // without the question, gold answers and seed
  std::string parameter;        // of the workflow, that takes the question
  int samples = 1;              // runs a question
  uint64_t seed = 0;            // a run's seed is SeedOf(seed, question, sample)
  int concurrency = 256;        // runs under way
  int retries = 2;              // of a run whose backbone or tool failed, with the same seed
  const std::atomic<bool>* cancel = nullptr;
};

// Of its own for each question and sample; the same whatever else is asked.
uint64_t SeedOf(uint64_t seed, uint64_t question, uint64_t sample);

struct Answered {
  size_t question = 0;  // index
  int sample = 0;
  int attempts = 1;
  session::RunRequest request;  // as it was started
  session::FinishedRun finished;
};

// The first parameter of a workflow, which takes the question. kInvalidArgument when it has none.
Result<std::string> QuestionParameter(const session::Program& program, const std::string& workflow);

// `question_ids[i]` seeds the runs of questions[i]. `take` is called once a run, in any order. Fails with kCancelled
// when interrupted, and with what `take` or Session::Start says.
Status AnswerQuestions(session::Session& session, const RunOptions& options,
                       std::span<const eval::Question* const> questions, std::span<const uint64_t> question_ids,
                       const std::function<Status(Answered)>& take);

}  // namespace jade::rollout
