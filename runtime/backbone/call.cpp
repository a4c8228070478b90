#include "runtime/backbone/call.h"

#include <algorithm>
#include <bit>

#include "runtime/backbone/sampler.h"

namespace jade::backbone {
namespace {

// Of the allowed tokens the only one; kSeveral or kNone.
constexpr int32_t kSeveral = -1, kNone = -2;
int32_t OnlyToken(const engine::TokenMask& allowed) {
  int32_t only = kNone;
  for (size_t i = 0; i < allowed.words().size(); ++i) {
    const uint64_t word = allowed.words()[i];
    if (word == 0) continue;
    if (only != kNone || !std::has_single_bit(word)) return kSeveral;
    only = static_cast<int32_t>(i * 64) + std::countr_zero(word);
  }
  return only;
}

void Mark(int32_t token, std::vector<bool>* is_seen, std::vector<int32_t>* seen) {
  const auto index = static_cast<size_t>(token);
  if (index >= is_seen->size()) is_seen->resize(index + 1);
  if ((*is_seen)[index]) return;
  (*is_seen)[index] = true;
  seen->push_back(token);
}

}  // namespace

Call::Call(Parts parts, const tokenizer::Tokenizer& tokenizer)
    : request(std::move(parts.request)),
      static_tokens(parts.observation.static_tokens),
      submitted(Clock::now()),
      text_(tokenizer, request.sampling.stop),
      random_(request.sampling.stream),
      constraint_(std::move(parts.constraint)),
      end_ids_(std::move(parts.end_ids)) {
  policy = parts.policy;
  deadline = request.deadline;
  tokens = std::move(parts.observation.ids);
  prompt_tokens = length();
  most_tokens = prompt_tokens + parts.most_reply_tokens;
  if (request.sampling.repetition_penalty != 1.0) {
    for (const int32_t token : tokens) Mark(token, &is_seen_, &seen_);
  }
}

void Call::Start() {
  TakeForced();
}

void Call::Advance(std::span<float> logits) {
  const engine::Sampling& s = request.sampling;
  if (s.repetition_penalty != 1.0) ApplyRepetitionPenalty(logits, seen_, s.repetition_penalty);
  if (allowed_ != nullptr) {
    const Clock::time_point begin = Clock::now();
    ApplyMask(logits, *allowed_);
    mask_us += MicrosecondsBetween(begin, Clock::now());
  }
  random_.Seek(static_cast<uint64_t>(reply_tokens()));
  const SampledToken token = SampleToken(logits, {s.temperature, s.top_k, s.top_p, s.min_p}, &random_);
  if (token.id < 0) {
    error = Error(ErrorCode::kCorrupt, "the logits are not numbers; the weights are damaged");
    return;
  }
  Push(token.id, token.log_prob);
  TakeForced();
}

void Call::Push(int32_t id, float log_prob) {
  if (constraint_ != nullptr) {
    constraint_states_.push_back(constraint_->number());
    allowed_ = nullptr;
    if (!constraint_->Accept(id)) {
      error = Error(ErrorCode::kCorrupt, "the constraint refuses a token that it allowed");
      return;
    }
  }
  tokens.push_back(id);
  log_probs_.push_back(log_prob);
  if (request.sampling.repetition_penalty != 1.0) Mark(id, &is_seen_, &seen_);
  const bool ended = std::find(end_ids_->begin(), end_ids_->end(), id) != end_ids_->end();
  const bool stopped = !ended && text_.Push(id);
  if (ended || stopped) {
    finish = engine::Finish::kStop;
  } else if (length() >= most_tokens) {
    finish = engine::Finish::kLength;
  }
  if (finish) text_.Finish();
}

void Call::TakeForced() {
  if (constraint_ == nullptr) return;
  while (!finish && !error) {
    const Clock::time_point begin = Clock::now();
    allowed_ = &constraint_->Allowed();
    const int32_t only = OnlyToken(*allowed_);
    mask_us += MicrosecondsBetween(begin, Clock::now());
    if (only == kSeveral) return;
    if (only == kNone) {
      error = Error(ErrorCode::kCorrupt, "the constraint allows no token");
      return;
    }
    Push(only, 0.0f);
  }
}

engine::Reply Call::TakeReply(Clock::time_point now) {
  engine::Reply reply;
  reply.text = text_.text();
  reply.action_ids.assign(tokens.begin() + prompt_tokens, tokens.end());
  tokens.resize(static_cast<size_t>(prompt_tokens));
  reply.observation_ids = std::move(tokens);
  reply.log_probs = std::move(log_probs_);
  reply.constraint_states = std::move(constraint_states_);
  reply.cached_tokens = cached_tokens;
  reply.finish = finish.value_or(engine::Finish::kCancelled);
  reply.error = std::move(error);
  const bool was_admitted = admitted != Clock::time_point{}, began = first_token != Clock::time_point{};
  reply.timings.queue_us = MicrosecondsBetween(submitted, was_admitted ? admitted : now);
  if (was_admitted) reply.timings.prefill_us = MicrosecondsBetween(admitted, began ? first_token : now);
  if (began) reply.timings.decode_us = MicrosecondsBetween(first_token, now);
  return reply;
}

}  // namespace jade::backbone
