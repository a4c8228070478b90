#include "bench/engine/work.h"

#include <algorithm>

namespace jade::bench {
namespace {

// Elements of the matrices of all layers.
double LayerWeights(const weights::ModelConfig& c) {
  const int64_t joint = (c.heads + 2 * c.kv_heads) * c.head_dim;
  const int64_t layer = joint * c.hidden_size + c.heads * c.head_dim * c.hidden_size + 3 * c.ffn_size * c.hidden_size;
  return static_cast<double>(c.layers * layer);
}

}  // namespace

Work& Work::operator+=(const Work& other) {
  flops += other.flops;
  bytes += other.bytes;
  return *this;
}

Work WorkOfStep(const weights::ModelConfig& c, const ElementBytes& bytes, const StepShape& step) {
  const auto sequences = static_cast<double>(step.sequences);
  const auto tokens = static_cast<double>(step.tokens);
  const auto past = static_cast<double>(step.past);
  const double layers = LayerWeights(c);
  const auto head = static_cast<double>(c.vocab_size * c.hidden_size);
  // Row i of a sequence sees past + i + 1 keys.
  const double keys = tokens * past + tokens * (tokens + 1) / 2;
  const auto query_elements = static_cast<double>(c.layers * c.heads * c.head_dim);
  const auto token_elements = static_cast<double>(2 * c.layers * c.kv_heads * c.head_dim);
  Work work;
  work.flops = sequences * (2 * layers * tokens + 2 * head + 4 * query_elements * keys);
  const double cached =
      sequences * (past - static_cast<double>(step.shared_past)) + static_cast<double>(step.shared_past);
  work.bytes = (layers + head) * bytes.weight + (cached + sequences * tokens) * token_elements * bytes.key_value;
  return work;
}

double LeastSeconds(const Work& work, const MachineRates& rates) {
  if (rates.flops_per_s <= 0 || rates.bytes_per_s <= 0) return 0;
  return std::max(work.flops / rates.flops_per_s, work.bytes / rates.bytes_per_s);
}

bool BoundByMemory(const Work& work, const MachineRates& rates) {
  return work.bytes * rates.flops_per_s > work.flops * rates.bytes_per_s;
}

}  // namespace jade::bench
