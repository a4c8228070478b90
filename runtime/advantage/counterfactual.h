#pragma once
// The baseline of one call from its own alternatives: the call sampled again k times from a recorded run, the rest
// replayed (difference rewards, Wolpert and Tumer 2001; Foerster et al. 2018, arXiv 1705.08926, with samples in the
// place of a learned critic). Pure functions, any thread.

#include <cstdint>

#include "runtime/advantage/batch.h"
#include "runtime/advantage/options.h"
#include "runtime/advantage/rewards.h"

namespace jade::advantage {

// Number of alternatives of a transition; 0: the estimator of its role is used.
int64_t Alternatives(const Batch& batch, size_t transition);

struct AlternativeMean {
  double whole = 0.0;  // team − penalty
  double team = 0.0;
  double penalty = 0.0;  // times penalty_scale
};

// Mean over the alternatives of team reward − penalty_scale · penalty. Exclusive (default): of the k alternatives, and
// the advantage own − baseline is unbiased. Inclusive: of the k alternatives and the own reward, which is k/(k+1) of
// it. The own reward is Rewards::whole. The transition has alternatives.
AlternativeMean CounterfactualBaseline(const Batch& batch, const Options& options, const Rewards& rewards,
                                       size_t transition);

}  // namespace jade::advantage
