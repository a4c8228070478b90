#pragma once
// A call inside the engine: its request, its tokens so far, the text they make, and when it is done. Made by whoever
// submits it, then the engine's thread has it; while it chooses a token, one of the executor's threads.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/backbone/observation.h"
#include "runtime/backbone/random_stream.h"
#include "runtime/backbone/sequence.h"
#include "runtime/backbone/stop_text.h"
#include "runtime/engine/engine.h"

namespace jade::backbone {

using Clock = std::chrono::steady_clock;
inline int64_t MicrosecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

class Call : public Sequence {
 public:
  struct Parts {
    engine::Request request;
    Observation observation;
    int policy = 0;
    int64_t most_reply_tokens = 1;                        // max_tokens, or what the context leaves
    std::unique_ptr<engine::ConstraintState> constraint;  // null: the reply is free
    std::shared_ptr<const std::vector<int32_t>> end_ids;  // each ends a reply
  };
  Call(Parts parts, const tokenizer::Tokenizer& tokenizer);

  // Tokens that the constraint leaves no choice about are taken before the model is asked. Before anything else.
  void Start();
  // Chooses the token that these logits are for, and those after it that a constraint leaves no choice about. The i-th
  // token of the reply takes the i-th number of the call's stream. `logits` is overwritten. Afterwards `finish` or
  // `error` says whether the call goes on.
  void Advance(std::span<float> logits);

  int64_t reply_tokens() const { return length() - prompt_tokens; }
  // The text that became certain since the last call.
  std::string TakeDelta() { return text_.TakeDelta(); }
  // The reply, with timings up to `now`. The call has no tokens any more.
  engine::Reply TakeReply(Clock::time_point now);

  const engine::Request request;
  std::optional<engine::Finish> finish;
  std::optional<Error> error;
  int64_t mask_us = 0;  // spent on the constraint
  int64_t static_tokens = -1;
  Clock::time_point submitted, admitted, first_token;

 private:
  void Push(int32_t id, float log_prob);
  // Looks at what the constraint allows next, and takes what is the only choice.
  void TakeForced();

  ReplyText text_;
  RandomStream random_;
  std::vector<float> log_probs_;
  std::unique_ptr<engine::ConstraintState> constraint_;
  std::vector<uint32_t> constraint_states_;
  const engine::TokenMask* allowed_ = nullptr;  // of the next token
  std::shared_ptr<const std::vector<int32_t>> end_ids_;
  std::vector<int32_t> seen_;  // distinct tokens of prompt and reply, for the repetition penalty
  std::vector<bool> is_seen_;
};

}  // namespace jade::backbone
