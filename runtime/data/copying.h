#pragma once
// The first lessons of a small backbone: saying names again and recalling one of a few pairs. No facts, no roles.

#include "runtime/data/demonstrations.h"
#include "runtime/data/rng.h"

namespace jade::data {

// "Say again: A, B, C" → "A, B, C". The world needs at least ten names.
Demonstration SayAgain(const World& world, Rng& rng);

// "A: B", "C: 17", then "C?" → "17"; with `all`, the other pairs are asked for in further turns.
Demonstration Recall(const World& world, Rng& rng, bool all);

}  // namespace jade::data
