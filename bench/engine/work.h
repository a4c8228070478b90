#pragma once
// What a step of a decoder cannot do without: its floating-point operations, and the bytes of weights, keys and values
// that have to be read once. With the machine's rates they give the least time that any engine needs. Values.

#include <cstdint>

#include "runtime/weights/model_config.h"

namespace jade::bench {

struct Work {
  double flops = 0;
  double bytes = 0;
  Work& operator+=(const Work& other);
};

// Bytes of an element as it lies in memory while serving.
struct ElementBytes {
  double weight = 2;
  double key_value = 2;
};

// A step of `sequences` equal sequences.
struct StepShape {
  int64_t sequences = 1;
  int64_t past = 0;         // tokens of each that are in the cache
  int64_t shared_past = 0;  // of those, so many are the same blocks for all
  int64_t tokens = 1;       // new ones, of each
};

// Matrix products count two operations a weight and row, attention four a query head, element and key that the mask
// lets through; the vocabulary projection counts for the last row of each sequence alone. Weights are read once a step,
// the embedding only where it is the projection too; the cache is read once a sequence, what is shared once.
Work WorkOfStep(const weights::ModelConfig& config, const ElementBytes& bytes, const StepShape& step);

struct MachineRates {
  double flops_per_s = 0;
  double bytes_per_s = 0;
};

// The larger of the two times: they may overlap wholly, but neither can be left out. 0 where a rate is not known.
double LeastSeconds(const Work& work, const MachineRates& rates);
bool BoundByMemory(const Work& work, const MachineRates& rates);

}  // namespace jade::bench
