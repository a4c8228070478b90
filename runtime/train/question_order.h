#pragma once
// Which questions a step asks: every question once an epoch, each epoch in a new random order that follows from the
// seed. Any thread.

#include <cstdint>
#include <vector>

namespace jade::train {

// Indices into `count` questions, of the `size` that step `step` (from 0) asks; a step may reach into the next epoch.
std::vector<uint64_t> QuestionsOfStep(uint64_t count, uint64_t size, int64_t step, uint64_t seed);

}  // namespace jade::train
