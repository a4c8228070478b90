#pragma once
// How well a model replies to held-out demonstrations, from one forward pass over each.

#include <map>
#include <string>
#include <vector>

#include "runtime/backbone/model.h"
#include "runtime/train/demonstration_set.h"

namespace jade::train {

struct MatchCount {
  int64_t matched = 0;
  int64_t total = 0;
  double rate() const { return total == 0 ? 0.0 : static_cast<double>(matched) / static_cast<double>(total); }
};

struct DevScore {
  double loss = 0;  // mean over reply tokens
  MatchCount match;
  std::map<std::string, MatchCount> by_role;
};

// A reply matches when every token of it, the end of turn included, is the most likely one after the tokens before it:
// that is so exactly when greedy decoding would write it.
DevScore Evaluate(const backbone::Decoder& model, const std::vector<const DemonstrationSet*>& sets,
                  at::ScalarType dtype, int64_t micro_tokens);

}  // namespace jade::train
