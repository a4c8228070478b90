#pragma once
// From a row of logits to a token. Plain functions over floats; any thread.

#include <cstdint>
#include <span>

#include "runtime/backbone/random_stream.h"

namespace jade::backbone {

struct SamplerSettings {
  double temperature = 1.0;  // 0: the most probable token
  int top_k = 0;             // 0: no limit
  double top_p = 1.0;
};

struct SampledToken {
  int32_t id = -1;  // -1: the logits hold NaN or only -inf
  float log_prob = 0.0f;
};

// The token and the natural logarithm of its probability under the distribution sampled from: softmax(logits /
// temperature), cut to the top_k most probable tokens and of those to the fewest that reach top_p, renormalised. Ties
// are cut by id. At temperature 0 the argmax, lowest id first, with its log-probability at temperature 1. Takes one
// number of the stream, none when greedy. `logits` is overwritten.
SampledToken SampleToken(std::span<float> logits, const SamplerSettings& settings, RandomStream* random);

}  // namespace jade::backbone
