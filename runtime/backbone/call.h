#pragma once
// A call inside the engine: its request, its room in the KV cache, what was sampled so far.

#include <chrono>
#include <memory>

#include "runtime/backbone/kv_cache.h"
#include "runtime/backbone/random_stream.h"
#include "runtime/backbone/sampler.h"
#include "runtime/backbone/stop_text.h"
#include "runtime/engine/engine.h"

namespace jade::backbone {

using Clock = std::chrono::steady_clock;

struct Call {
  Call(engine::Request request_in, std::vector<int32_t> prompt, int64_t most_tokens, const tokenizer::Tokenizer& tokens)
      : request(std::move(request_in)),
        limit(most_tokens),
        text(tokens, request.sampling.stop),
        random({request.sampling.stream[0], request.sampling.stream[1]}),
        submitted(Clock::now()) {
    reply.observation_ids = std::move(prompt);
  }

  int64_t prompt_length() const { return static_cast<int64_t>(reply.observation_ids.size()); }
  int64_t sampled() const { return static_cast<int64_t>(reply.action_ids.size()); }
  bool prefilled() const { return kv->length >= prompt_length(); }
  // The token at a position of the sequence, prompt or action.
  int32_t TokenAt(int64_t position) const {
    return position < prompt_length() ? reply.observation_ids[static_cast<size_t>(position)]
                                      : reply.action_ids[static_cast<size_t>(position - prompt_length())];
  }

  engine::Request request;
  int64_t limit;  // most action tokens: max_tokens, or what the context leaves
  ReplyText text;
  RandomStream random;
  engine::Reply reply;
  std::unique_ptr<KvSequence> kv;
  Clock::time_point submitted, admitted, first_token;
};

}  // namespace jade::backbone
