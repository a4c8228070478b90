#pragma once
// For the tests of this room: a step that takes as long as it is told, an engine that answers at once, names of rows.

#include <string>
#include <utility>
#include <vector>

#include "bench/engine/row.h"
#include "runtime/train/measured_step.h"

namespace jade::bench::testing {

inline std::vector<std::string> Names(const std::vector<EngineRow>& rows) {
  std::vector<std::string> names;
  for (const EngineRow& row : rows) names.push_back(row.name);
  return names;
}

class InstantEngine final : public engine::Engine {
 public:
  Status Submit(engine::Request request) override {
    prompts.push_back(request.messages->front().text);
    constrained += request.constraint != nullptr ? 1 : 0;
    engine::Reply reply;
    reply.action_ids.assign(static_cast<size_t>(request.sampling.max_tokens), 5);
    PostReply(request.id, std::move(reply));
    return {};
  }
  void Cancel(uint64_t) override {}
  std::string Describe() const override { return "instant"; }

  std::vector<std::string> prompts;
  int constrained = 0;
};

// One run of two calls, the second after the first. Steps take 1 and 2 seconds in turn.
class FixedStep final : public train::MeasuredStep {
 public:
  FixedStep() {
    rollout::Answered answered;
    for (const int64_t issued : {0, 10}) {
      trace::CallRecord& call = answered.finished.calls.emplace_back();
      call.role = "QR";
      call.messages = {{"user", issued == 0 ? "first" : "second"}};
      call.action_ids = {1, 2, 3};
      call.timings.issued_us = issued;
      call.timings.finished_us = issued + 10;
    }
    runs_.push_back(std::move(answered));
    config_.vocab_size = 50, config_.hidden_size = 8, config_.layers = 1, config_.heads = 2, config_.kv_heads = 1;
    config_.head_dim = 4, config_.ffn_size = 16, config_.max_positions = 32;
  }
  const weights::ModelConfig& config() const override { return config_; }
  Result<train::StepFigures> RollOut() override {
    ++rollouts;
    return train::StepFigures{
        .questions = 1, .calls = 2, .prompt_tokens = 8, .response_tokens = 6, .rollout_seconds = 0.5, .seconds = 0.5};
  }
  Result<train::StepFigures> Run() override {
    JADE_ASSIGN_OR_RETURN(train::StepFigures figures, RollOut());
    --rollouts;
    figures.mini_batches = 4;
    figures.update_seconds = ++steps % 2 == 1 ? 0.25 : 1.25;
    figures.seconds = figures.rollout_seconds + figures.update_seconds + 0.25;
    return figures;
  }
  const std::vector<rollout::Answered>& runs() const override { return runs_; }
  std::vector<train::StepCall> calls() const override { return {{.run = 0, .prompt = {3}, .reply_tokens = 3}}; }
  bool may_end_replies() const override { return may_end; }
  Result<engine::Engine*> LendEngine() override { return static_cast<engine::Engine*>(&engine); }

  int rollouts = 0, steps = 0;
  bool may_end = false;
  InstantEngine engine;

 private:
  weights::ModelConfig config_;
  std::vector<rollout::Answered> runs_;
};

}  // namespace jade::bench::testing
