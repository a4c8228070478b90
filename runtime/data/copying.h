#pragma once
// The first lessons of a small backbone: saying names again, recalling one of a few
// pairs, and judging two of them. No facts, no roles.

#include "runtime/data/demonstrations.h"
#include "runtime/data/rng.h"

namespace jade::data {

// "Say again: A, B, C" → "A, B, C". The world needs at least ten names.
Demonstration SayAgain(const World& world, Rng& rng);

// "A: B", "C: 17", then "C?" → "17"; with `all`, the other pairs are asked for in further turns.
Demonstration Recall(const World& world, Rng& rng, bool all);

// Values themselves: "Same, A and B?" → "no", or "More, 17 or 4?" → "17". With `all`, a dozen of them, else one.
Demonstration Drill(const World& world, Rng& rng, bool all);

// Over pairs as above: "More, A or C?" → "C"; "Same, A and C?" → "no"; "Is A B?" → "yes"; and some of values
// themselves. With `all`, up to nine questions, else one.
Demonstration Judge(const World& world, Rng& rng, bool all);

}  // namespace jade::data
