#pragma once
// Recorded calls as the answers to requests.

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/session/session.h"
#include "runtime/trace/record.h"

namespace jade::replay {

// A run as it was started, and its calls in order of issue.
struct RecordedRun {
  session::RunRequest request;
  std::vector<trace::CallRecord> calls;
};

// Whether there is an answer that can be given again: not of calls that were cancelled or failed at the engine or tool.
bool IsAnswered(const trace::CallRecord& call);
// What the engine said, without timings. Of an answered call of a model.
engine::Reply ReplyOf(const trace::CallRecord& call);
// Whether a request shows the messages of the recorded call.
bool HasObservation(const engine::Request& request, const trace::CallRecord& call);
// The arguments of a recorded call of a tool, as JSON.
const std::string& ArgumentsOf(const trace::CallRecord& call);
// The key of a call's random stream in a run of this seed.
engine::StreamKey StreamKeyOf(uint64_t seed, const trace::PathHash& path);

}  // namespace jade::replay
