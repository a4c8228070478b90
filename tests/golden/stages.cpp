#include "tests/golden/stages.h"

#include "tests/golden/golden.h"

namespace jade::golden {

const std::vector<Stage>& Stages() {
  static const std::vector<Stage> stages = {
      {"parse", RunParse},     {"plan", RunPlan},     {"fmt", RunFmt},       {"sema", RunSema},
      {"lower", RunLower},     {"passes", RunPasses}, {"bounds", RunBounds}, {"run", RunRun},
#ifdef JADE_HAS_JIT
      {"codegen", RunCodegen},
#endif
  };
  return stages;
}

}  // namespace jade::golden
