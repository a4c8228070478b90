#include "runtime/rollout/questions_run.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cstring>
#include <deque>

#include "compiler/abi/trap.h"
#include "compiler/result/check.h"
#include "runtime/engine/engine.h"

namespace jade::rollout {
namespace {

struct Job {
  size_t question = 0;
  int sample = 0;
  int attempts = 0;
};

struct UnderWay {
  session::RunId run = 0;
  Job job;
  session::RunRequest request;
};

class Answering {
 public:
  Answering(session::Session& session, const RunOptions& options, std::span<const eval::Question* const> questions,
            std::span<const uint64_t> ids)
      : session_(session), options_(options), questions_(questions), ids_(ids) {}

  Status Run(const std::function<Status(Answered)>& take) {
    for (size_t i = 0; i < questions_.size(); ++i) {
      for (int sample = 0; sample < options_.samples; ++sample) waiting_.push_back({i, sample, 0});
    }
    while (!waiting_.empty() || !active_.empty()) {
      if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) {
        return Error(ErrorCode::kCancelled, "interrupted");
      }
      while (!waiting_.empty() && active_.size() < static_cast<size_t>(options_.concurrency)) JADE_TRY(StartNext());
      session_.Pump();
      JADE_TRY(TakeFinished(take));
    }
    return {};
  }

  // Nothing of this stays in the session.
  void Abandon() {
    for (const UnderWay& run : active_) session_.Cancel(run.run);
    while (session_.Pump()) {
    }
    for (const UnderWay& run : active_) (void)session_.Take(run.run);
  }

 private:
  Status StartNext() {
    Job job = waiting_.front();
    waiting_.pop_front();
    ++job.attempts;
    const eval::Question& question = *questions_[job.question];
    session::RunRequest request = options_.request;
    request.inputs[options_.parameter] = question.question;
    request.gold = question.gold;
    request.seed = SeedOf(options_.seed, ids_[job.question], static_cast<uint64_t>(job.sample));
    JADE_ASSIGN_OR_RETURN(const session::RunId run, session_.Start(request));
    active_.push_back({run, job, std::move(request)});
    return {};
  }

  Status TakeFinished(const std::function<Status(Answered)>& take) {
    size_t kept = 0;
    Status status;
    for (UnderWay& run : active_) {
      if (session_.active(run.run) || !status.ok()) {
        if (&active_[kept] != &run) active_[kept] = std::move(run);
        ++kept;
        continue;
      }
      session::FinishedRun finished = session_.Take(run.run);
      const bool failed = finished.trap && finished.trap->kind == abi::TrapKind::kCallFailed;
      if (failed && run.job.attempts <= options_.retries) {
        waiting_.push_back(run.job);
        continue;
      }
      status = take({run.job.question, run.job.sample, run.job.attempts, std::move(run.request), std::move(finished)});
    }
    active_.resize(kept);
    return status;
  }

  session::Session& session_;
  const RunOptions& options_;
  std::span<const eval::Question* const> questions_;
  std::span<const uint64_t> ids_;
  std::deque<Job> waiting_;
  std::vector<UnderWay> active_;
};

}  // namespace

uint64_t SeedOf(uint64_t seed, uint64_t question, uint64_t sample) {
  const std::array<uint64_t, 3> key{seed, question, sample};
  return XXH3_64bits(key.data(), sizeof(key));
}

Result<std::string> QuestionParameter(const session::Program& program, const std::string& workflow) {
  JADE_ASSIGN_OR_RETURN(const auto found, program.FindWorkflow(workflow));
  if (found.signature->parameters.empty()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("workflow `{}` takes no question", found.name));
  }
  return found.signature->parameters.front().name;
}

Status AnswerQuestions(session::Session& session, const RunOptions& options,
                       std::span<const eval::Question* const> questions, std::span<const uint64_t> question_ids,
                       const std::function<Status(Answered)>& take) {
  JADE_CHECK(questions.size() == question_ids.size(), "{} questions, {} ids", questions.size(), question_ids.size());
  Answering answering(session, options, questions, question_ids);
  Status status = answering.Run(take);
  if (!status.ok()) answering.Abandon();
  return status;
}

}  // namespace jade::rollout
