#include "tests/golden/stages.h"

#include "tests/golden/golden.h"

namespace jade::golden {

const std::vector<Stage>& Stages() {
  static const std::vector<Stage> stages = {
      {"parse", RunParse},
      {"plan", RunPlan},
      {"fmt", RunFmt},
  };
  return stages;
}

}  // namespace jade::golden
