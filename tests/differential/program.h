#pragma once
// A generated program with everything that a run of it needs besides a configuration: its text, its inputs, its budget
// and what its roles and tools answer.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/differential/type_pool.h"

namespace jade::differential {

enum class Format : uint8_t { kText, kTag, kNumbered, kSubset, kAlternatives, kPlan };

struct RoleScript {
  struct Alternative {
    std::string tag;
    const Type* type;  // null: a case without a value
  };
  Format format = Format::kText;
  std::string tag;
  const Type* type = nullptr;  // tag, text: of the value; numbered: of one item
  uint32_t max = 0;            // numbered
  std::vector<Alternative> alternatives;
  std::vector<std::string> plans;  // what a planner writes, good and bad
  uint32_t broken_percent = 0;     // replies that are not of the format
  uint32_t failing_percent = 0;    // calls that the engine fails
};

struct ToolScript {
  const Type* result = nullptr;
  uint32_t failing_percent = 0;
};

// Every `else` of a `within` calls this tool, so that the log tells whether a trap was caught.
inline constexpr std::string_view kCaughtTool = "Caught";

struct GeneratedProgram {
  uint64_t seed = 0;
  std::string text;
  std::shared_ptr<TypePool> types;
  std::map<std::string, RoleScript> roles;
  std::map<std::string, ToolScript> tools;
  std::map<std::string, std::string> inputs;  // of the main workflow
  std::map<std::string, std::string> params;
  bool traps = false;    // arithmetic, indices and calls may fail, depth may run out
  bool budgets = false;  // limits on calls or tokens that are meant to run out; never with traps, see Limits()
  int64_t depth = 12;
  int64_t calls = 150;
  int64_t tokens = 100'000;
};

}  // namespace jade::differential
