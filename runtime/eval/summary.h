#pragma once
// What `jade eval` reports: answers measured against gold, validity of every role, turns, retrievals, tokens, time.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/eval/score.h"
#include "runtime/trace/record.h"

namespace jade::eval {

// One question answered (or not).
struct Outcome {
  std::string id;
  std::string type;
  std::vector<std::string> gold;
  std::string answer;  // empty when the run failed
  trace::RunRecord run;
  std::vector<trace::CallRecord> calls;
};

struct RoleSummary {
  int64_t calls = 0;
  int64_t valid = 0;
  int64_t malformed = 0;
  int64_t invalid = 0;
  int64_t generated_tokens = 0;
};

// Means are over all questions; a failed run counts as a wrong answer.
struct Summary {
  int64_t questions = 0;
  int64_t failed = 0;
  double em = 0;
  double f1 = 0;
  double accuracy = 0;
  double turns = 0;
  double retrievals = 0;
  double calls = 0;
  double tokens = 0;         // generated, a question
  double prompt_tokens = 0;  // a question
  double seconds = 0;        // wall time of the whole evaluation
  std::map<std::string, RoleSummary> roles;
};

// What a backbone in this process did for an evaluation. Seconds are wall time: of the engine's thread, but tokenising,
// which is done by those who submit calls while that thread goes on.
struct EngineUse {
  int64_t steps = 0;
  int64_t prompt_tokens = 0;  // of all calls, `cached_tokens` of them found in the prefix cache
  int64_t cached_tokens = 0;
  int64_t decode_tokens = 0;
  int64_t kv_peak_bytes = 0;
  double executor_seconds = 0;
  double sampling_seconds = 0;
  double scheduling_seconds = 0;
  double tokenising_seconds = 0;

  double CachedShare() const;  // of the prompt tokens; 0 without any
};

class Summariser {
 public:
  explicit Summariser(const Scoring& scoring) : scoring_(scoring) {}
  // The scores of this one: nothing when its run failed.
  Scores Add(const Outcome& outcome);
  Summary Finish(double wall_seconds) const;
  // The same by question type.
  std::map<std::string, Summary> ByType() const;

 private:
  static void Count(Summary* sums, const Outcome& outcome, const Scores& scores);
  Scoring scoring_;
  Summary all_;
  std::map<std::string, Summary> by_type_;
};

// {"questions", "failed", "em", "f1", "accuracy", "validity": {role: share}, "turns", "retrievals", "calls", "tokens",
// "prompt_tokens", "seconds_per_question", "roles": {role: {"calls", "malformed", "invalid"}}, "by_type": {…}}, and
// with `engine` "engine": {"steps", "prompt_tokens", "cached_tokens", "cached_share", "decode_tokens", "kv_peak_bytes",
// "executor_share", "sampling_share", "scheduling_share", "tokenising_share"}, shares of time of the summary's seconds.
// One line.
std::string SummaryJson(const Summary& summary, const std::map<std::string, Summary>& by_type,
                        const std::optional<EngineUse>& engine = std::nullopt);

}  // namespace jade::eval
