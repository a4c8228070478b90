#pragma once
// Turns finished runs into a batch of transitions. Runs may come in any order; the batch is the same. One thread.

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

#include "runtime/builtins/metrics.h"
#include "runtime/eval/questions.h"
#include "runtime/rollout/credit.h"
#include "runtime/rollout/questions_run.h"
#include "runtime/rollout/transition.h"

namespace jade::rollout {

struct CollectOptions {
  int samples = 1;
  int64_t max_prompt = 3072;          // tokens; a transition with a longer prompt is left out and counted
  int64_t max_response = 1024;        // the same of replies
  int64_t max_positions = INT64_MAX;  // of prompt and reply together
  double failed_reward = 0.0;         // the team's, of a run without a value
  builtins::Normalisation normalisation = builtins::Normalisation::kJade;
  std::map<std::string, double> temperatures;  // by role; 1 where it is not named
  std::set<std::string> untrained;             // roles whose transitions are kept and not trained
};

class Collector {
 public:
  Collector(std::span<const eval::Question* const> questions, CollectOptions options);

  // `credit` (may be null) has an entry for each call of the run.
  void Add(const Answered& answered, const RunCredit* credit = nullptr);
  // Once, when all runs have been added.
  Batch Finish();

 private:
  struct Slot {
    Run run;
    std::vector<Transition> transitions;
    bool filled = false;
  };
  void AddCall(const trace::CallRecord& call, const CallCredit* credit, Slot* slot);
  uint32_t RoleIndex(const std::string& name);

  std::span<const eval::Question* const> questions_;
  CollectOptions options_;
  std::vector<Slot> slots_;  // by question · samples + sample
  Batch batch_;
};

// The call path without loop counters: equal for the calls that one place of the workflow makes.
std::string SiteOf(const std::string& path);

}  // namespace jade::rollout
