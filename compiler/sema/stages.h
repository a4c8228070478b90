#pragma once
// The pipelines a planner may write, as an automaton over stages. Built once from `stages`, then immutable: any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace jade::sema {

struct StageGrammar {
  struct Edge {
    uint32_t to = 0;
    uint32_t declaration = UINT32_MAX;             // UINT32_MAX: taken without reading a stage
    std::shared_ptr<const StageGrammar> sub_plan;  // QDS(pattern): what its sub-plan may be; null admits none
  };
  std::vector<std::vector<Edge>> states;
  uint32_t start = 0;
  uint32_t accept = 0;
  std::string text;  // canonical: "[QR] [R [DS]] AG | QDS | QDP"

  // States reachable without reading a stage, `from` included; sorted, unique.
  std::vector<uint32_t> Closure(std::vector<uint32_t> from) const;
};

}  // namespace jade::sema
