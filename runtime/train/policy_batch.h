#pragma once
// A roll-out's transitions as the trainer works through them: flat arrays over all response tokens, and micro-batches
// of packed sequences. Made once a step; the same packing serves old, new and reference log-probabilities, which is why
// the ratio of the first mini-batch is exactly one. One thread.

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/rollout/transition.h"
#include "runtime/train/legal_tokens.h"
#include "runtime/train/token_loss.h"

namespace jade::train {

// Whole transitions, packed end to end.
struct MicroBatch {
  std::vector<uint32_t> transitions;  // indices into PolicyBatch::transitions
  backbone::PackedBatch packed;
  at::Tensor rows_M;          // int64: the hidden row before each response token
  TokenRows tokens;           // targets and masks, M
  std::vector<int64_t> flat;  // M: the token's place in the flat arrays
  int64_t token_count() const { return packed.token_count(); }
};

using MiniBatch = std::vector<MicroBatch>;

struct BatchOptions {
  int64_t mini_transitions = 32;  // of a mini-batch; 0: `mini_batches` says
  int64_t mini_batches = 1;       // of a step, when mini_transitions is 0: as equal in transitions as can be
  int64_t micro_tokens = 8192;    // of a micro-batch, prompts included; a longer transition stands alone
  std::vector<uint32_t> order;    // of the transitions; empty: as they come
  std::vector<uint8_t> chosen;    // by transition of the batch, 0: left out as if it were not trained; empty: none is
  bool pack = true;               // false: the flat arrays alone, without mini-batches
  bool share_prefixes = true;     // prompts that begin alike are computed once in a micro-batch, on the processor
};

struct PolicyBatch {
  std::vector<const rollout::Transition*> transitions;  // those that are trained
  std::vector<int64_t> offsets;                         // [T + 1] into the flat arrays
  std::vector<uint8_t> counted;                         // by response token: it was a choice
  std::vector<float> rollout_log_probs;                 // by response token
  std::vector<uint32_t> roles;                          // by response token, as Transition::role
  std::vector<MiniBatch> mini_batches;

  int64_t token_count() const { return offsets.empty() ? 0 : offsets.back(); }  // response tokens
  // Of all tokens, prompts included, the share that has no row of its own.
  double SharedPrefixes() const;
};

// The batch outlives the result, as does `legal`.
Result<PolicyBatch> MakePolicyBatch(const rollout::Batch& batch, const BatchOptions& options, LegalTokens& legal,
                                    at::Device device);

}  // namespace jade::train
