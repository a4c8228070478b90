#pragma once
// From a row of logits to a token. Plain functions over floats; any thread.

#include <cstdint>
#include <span>

#include "runtime/backbone/random_stream.h"
#include "runtime/engine/token_mask.h"

namespace jade::backbone {

struct SamplerSettings {
  double temperature = 1.0;  // 0: the most probable token
  int top_k = 0;             // 0: no limit
  double top_p = 1.0;
  double min_p = 0.0;
};

struct SampledToken {
  int32_t id = -1;  // -1: the logits hold NaN or +inf, or only -inf
  float log_prob = 0.0f;
};

// The token and the natural logarithm of its probability under the distribution sampled from: softmax(logits /
// temperature), cut to the top_k most probable tokens, of those to the fewest that reach top_p, of those to the ones
// that have at least min_p times the probability of the first; renormalised. Ties are cut by id. At temperature 0 the
// argmax, lowest id first, with its log-probability at temperature 1. Takes one number of the stream, none when greedy.
// `logits` is overwritten. Without cuts two passes, nothing is sorted.
SampledToken SampleToken(std::span<float> logits, const SamplerSettings& settings, RandomStream* random);

// Divides the positive logits of the tokens by `penalty` and multiplies the others by it (Keskar et al. 2019,
// https://arxiv.org/abs/1909.05858, as Hugging Face has it). `tokens` are distinct; those out of range are ignored.
void ApplyRepetitionPenalty(std::span<float> logits, std::span<const int32_t> tokens, double penalty);

// Sets the logits of tokens outside `allowed` to -inf.
void ApplyMask(std::span<float> logits, const engine::TokenMask& allowed);

}  // namespace jade::backbone
