#pragma once
// What training is given: every executor and planner call of many runs as one flat list of atomic transitions
// <observation, action, reward>, whatever its role and depth. Plain values; no LibTorch here.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/trace/record.h"

namespace jade::rollout {

struct Transition {
  uint32_t run = 0;                      // index into Batch::runs
  uint32_t call = 0;                     // the call's index in its run, in order of issue
  uint32_t role = 0;                     // index into Batch::roles
  std::string site;                      // where in the workflow: the call path without loop counters
  std::vector<int32_t> observation;      // prompt tokens
  std::vector<int32_t> action;           // response tokens, the end of turn included; at least one
  std::vector<float> rollout_log_probs;  // of each action token, by the engine under its sampling distribution
  std::string constraint;                // id of what the reply might be; empty: it was free
  std::vector<uint32_t> constraint_states;
  float temperature = 1.0F;  // it was sampled at
  double penalty = 0;        // ≥ 0, its own
  trace::Validity validity = trace::Validity::kValid;
  bool truncated = false;
  bool planner = false;
  bool trained = true;  // false: served by a frozen policy, or its role is filtered out of the loss
  // For credit over the data-flow graph; empty unless it was asked for. The calls of the run (by `call`) that used its
  // value, through tools too, and whether the run's own result did.
  std::vector<uint32_t> consumers;
  bool in_result = false;
  // What the run earned when this call was made again and all that depends on it: team reward and own penalty.
  std::vector<double> alternative_rewards;
  std::vector<double> alternative_penalties;
};

// One question answered once.
struct Run {
  std::string id;
  uint32_t question = 0;  // index into the batch's questions
  uint32_t sample = 0;    // among the samples of the question
  trace::RunStatus status = trace::RunStatus::kDone;
  std::string failure;  // why it did not end with a value
  std::string answer;
  std::string plan;   // what the first planner's reply became; empty: it was refused
  double reward = 0;  // the team's
  double em = 0, f1 = 0, accuracy = 0;
  int64_t turns = 0, retrievals = 0, calls = 0, tokens = 0, prompt_tokens = 0;
};

// Calls that cannot be trained on, by role.
struct LeftOut {
  int64_t too_long = 0;    // prompt or reply above the limit
  int64_t unfinished = 0;  // cancelled or failed
};

struct Question {
  std::string id;
  std::string text;
  std::string type;
};

struct Batch {
  std::vector<std::string> roles;  // by index
  std::vector<Question> questions;
  std::vector<Run> runs;
  std::vector<Transition> transitions;  // of run 0, then of run 1, …; within a run in order of issue
  std::map<std::string, LeftOut> left_out;
  int64_t retried = 0;  // runs started again because the backbone or a tool failed
  double seconds = 0;   // of the roll-out

  int64_t action_tokens() const;
  int64_t observation_tokens() const;
};

}  // namespace jade::rollout
