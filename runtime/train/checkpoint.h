#pragma once
// Everything a supervised run needs to go on as if it had not stopped, in one safetensors file: master weights, both
// moments of the optimiser, and the position as JSON in the file's metadata. Written beside its place and renamed, so a
// crash leaves the checkpoint before it. One thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/train/demonstration_set.h"
#include "runtime/train/optimiser.h"

namespace jade::train {

struct SftPosition {
  int64_t stage = 0;         // in progress; the number of stages when all are done
  int64_t stage_tokens = 0;  // trained on in that stage
  int64_t tokens = 0;        // in all stages
  int64_t step = 0;
  std::vector<SourceCursor> cursors;  // of that stage
  int64_t since_dev = 0;              // tokens since the last evaluation
  double best = 0;                    // the best score on dev, if `has_best`
  bool has_best = false;
  double seconds = 0;       // of training so far
  std::string fingerprint;  // of the configuration
};

Status SaveCheckpoint(const std::string& path, const backbone::Decoder& model, Optimiser& optimiser,
                      const SftPosition& position);
// Restores model and optimiser in place. kCorrupt when the file holds another model.
Result<SftPosition> LoadCheckpoint(const std::string& path, backbone::Decoder& model, Optimiser& optimiser);

}  // namespace jade::train
