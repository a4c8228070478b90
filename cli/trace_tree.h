#pragma once
// Recorded runs as text for people and as JSON for programs.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "runtime/trace/record.h"

namespace jade::cli {

// The run's head line, its calls as a tree over their call paths, and its answer. `full` adds whole prompts and
// replies.
std::string TraceTree(const trace::RunRecord& run, const std::vector<trace::CallRecord>& calls, const Style& style,
                      bool full);

// One call as a line: name, mark, what came of it, tokens, time. Ends with a newline.
std::string CallLine(const trace::CallRecord& call, const std::string& name, const Style& style);

// Green for a run that is done, yellow for an unfinished one, red for the others.
std::string_view StatusColour(trace::RunStatus status, const Style& style);

// The first input's text, the question in most workflows.
std::string FirstInput(const trace::RunRecord& run);

// Stable field names, documented in docs/cli.md.
nlohmann::json RunJson(const trace::RunRecord& run);
nlohmann::json CallJson(const trace::CallRecord& call);

}  // namespace jade::cli
