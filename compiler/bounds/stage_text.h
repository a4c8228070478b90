#pragma once
// A planner's `stages`, read from the canonical text that JIR keeps: "[QR] [R [DS]] AG | QDS([R] AG)".

#include <string>
#include <string_view>
#include <vector>

namespace jade::bounds {

// Optional parts are not marked: a bound takes them all.
struct StageNode {
  enum class Kind { kStage, kSequence, kAlternatives };
  Kind kind = Kind::kSequence;
  std::string name;                 // kStage
  std::vector<StageNode> children;  // kStage: none, or the pattern of its sub-plan
};

// The text is one that sema wrote (nesting is bounded): of anything else, what could be read.
StageNode ReadStages(std::string_view text);

}  // namespace jade::bounds
