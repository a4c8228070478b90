#pragma once
// The team as training sees it: a compiled workflow whose roles are served from the weights that are trained, or from
// the frozen start. Rolls questions out into batches of transitions, and evaluates. One thread.

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/make_engine.h"
#include "runtime/eval/questions.h"
#include "runtime/metrics/run_files.h"
#include "runtime/replay/resampling.h"
#include "runtime/rollout/collector.h"
#include "runtime/rollout/credit.h"
#include "runtime/rollout/transition.h"
#include "runtime/session/session.h"
#include "runtime/train/train_config.h"

namespace jade::train {

inline constexpr char kStartPolicy[] = "start";  // the frozen weights, θ₀

// What whoever starts a training has made ready.
struct TeamParts {
  session::ProgramPtr program;
  session::RunRequest request;  // workflow, budget, params, reward, normalisation, settings of roles, code, store
  std::vector<engine::ToolProvider*> tools;                             // outlive the team
  std::vector<engine::ToolProvider*> training_tools;                    // of roll-outs; empty: the same
  std::function<void(std::vector<rollout::Answered>)> rolled_out = {};  // is given each roll-out's runs; may be empty
};

// The trained roles of a program and the others, by the configuration.
struct TeamRoles {
  std::set<std::string> trained;
  std::set<std::string> others;
};
// kInvalidArgument names a role that the program does not have, or that samples in a way that cannot be trained.
Result<TeamRoles> RolesOf(const TrainConfig& config, const session::Program& program);

struct Evaluation {
  rollout::Batch batch;
  metrics::Plans plans;
  std::vector<metrics::Sample> samples;  // of the first questions
};

class Team {
 public:
  // Serves `policy`, and `start` (may be null) as kStartPolicy. The decoders are written only between roll-outs, with
  // Refresh after.
  static Result<std::unique_ptr<Team>> Create(const TrainConfig& config, TeamParts parts,
                                              backbone::ServingEngine* engine, int64_t max_positions);

  // Step `step`'s questions, `config.rollout.samples` times each; of several processes, this one's share.
  struct Share {
    int rank = 0, size = 1;
  };
  Result<rollout::Batch> RollOut(const std::vector<eval::Question>& questions, int64_t step, Share share,
                                 const std::atomic<bool>* cancel);
  // Greedy, all questions once. `progress` counts answered questions; may be empty.
  Result<Evaluation> Evaluate(std::span<const eval::Question> questions, int64_t samples_kept,
                              const std::function<void(uint64_t)>& progress, const std::atomic<bool>* cancel);

  const TeamRoles& roles() const { return roles_; }

 private:
  Team(const TrainConfig& config, TeamParts parts, engine::Engine* engine);
  rollout::CollectOptions CollectWith(int64_t samples) const;
  Status AssignCredit(int64_t step, std::span<const rollout::Answered> runs, std::span<rollout::RunCredit> credits,
                      const std::atomic<bool>* cancel);

  const TrainConfig& config_;
  TeamParts parts_;
  TeamRoles roles_;
  std::string parameter_;
  std::shared_ptr<const session::RoleSettings> sampled_, greedy_;
  std::map<std::string, double> temperatures_;
  int64_t max_positions_ = 0;
  // Ordinary calls go through as they are.
  replay::ResamplingEngine engine_;
  replay::ResamplingTools tools_;
  session::Session session_;
  replay::Counterfactuals counterfactuals_;
  replay::DataFlowTracer tracer_;
};

}  // namespace jade::train
