#pragma once
// An update of a decoder as something to be measured (bench/train): forward, loss on all positions, backward and AdamW
// over random tokens and weights. No LibTorch here. One thread calls; an update itself runs on LibTorch's.

#include <cstdint>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/weights/model_config.h"

namespace jade::train {

struct MeasuredUpdateOptions {
  weights::ModelConfig shape;
  int64_t sequences = 1;
  int64_t tokens = 1;             // of each
  std::string dtype = "bf16";     // of the products: bf16, fp32; masters and moments are fp32
  bool recompute_layers = false;  // backbone::ForwardOptions
  int threads = 0;                // 0: one for each processor this process may use
  uint64_t seed = 1;
};

class MeasuredUpdate {
 public:
  virtual ~MeasuredUpdate() = default;
  virtual int64_t parameters() const = 0;
  // Seconds of one update of all sequences as one batch.
  virtual Result<double> Run() = 0;
};

// kInvalidArgument for options out of range.
Result<std::unique_ptr<MeasuredUpdate>> MakeMeasuredUpdate(const MeasuredUpdateOptions& options);

}  // namespace jade::train
