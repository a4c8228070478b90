#pragma once
// What a run leaves behind: one RunRecord and one CallRecord for every executor, planner and tool call. Plain values,
// filled by runtime/call and runtime/schedule, written by the experience store. A finished call is one transition
// <observation, action, reward> of the method.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jade::trace {

// Hash of a call path (XXH3-128, big-endian bytes): keys random streams, traces and replay.
using PathHash = std::array<uint8_t, 16>;

enum class CallKind : uint8_t { kExecutor, kPlanner, kTool };
enum class Validity : uint8_t {
  kValid,
  kMalformed,   // the output format was broken
  kInvalid,     // the format was right, the check failed
  kNotChecked,  // tools, cancelled and failed calls
};
enum class CallStatus : uint8_t { kDone, kCancelled, kFailed };
enum class RunStatus {
  kDone,
  kTrapped,
  kCancelled,
  kUnfinished,  // under way, or its process died
};

// Times are microseconds since the run started.
struct CallTimings {
  int64_t issued_us = 0;
  int64_t started_us = 0;  // the engine began to prefill
  int64_t first_us = 0;    // first token (0 for tools)
  int64_t finished_us = 0;
};

struct CallMessage {
  std::string role;  // system, user, assistant, prefill
  std::string text;
};

struct CallRecord {
  uint64_t index = 0;  // in order of issue within the run
  std::string path;    // readable: "Solve/QDS@2/fold[1]/QR"
  PathHash path_hash{};
  std::string parent_path;  // path of the workflow or plan frame that issued it
  CallKind kind = CallKind::kExecutor;
  std::string role;    // declaration name: "QR", "MakePlan", "R"
  std::string policy;  // named weight set that served it; empty: the backbone's default, and of tools
  CallStatus status = CallStatus::kDone;
  std::string error;  // why it failed, empty otherwise

  std::vector<CallMessage> messages;     // the observation as text; for a tool one message with its JSON arguments
  std::vector<int32_t> observation_ids;  // prompt tokens, whole
  std::string action;                    // what came back, verbatim; for a tool its result as JSON
  std::vector<int32_t> action_ids;
  std::vector<float> log_probs;  // natural logarithm, one for each action token
  // The id of what the reply might be, and its state before each action token; empty when the reply was free.
  std::string constraint;
  std::vector<uint32_t> constraint_states;
  bool truncated = false;  // ended by max_tokens, not by an end token

  Validity validity = Validity::kNotChecked;
  double penalty = 0.0;                    // subtracted from this transition's own reward
  std::string value_json;                  // the value the program saw
  std::string plan;                        // canonical text of an accepted plan
  std::string diagnostics_json;            // why a plan was refused: a JSON array of diagnostics
  std::optional<std::string> shared_with;  // path of the tool call whose execution this one shares
  CallTimings timings;
};

struct RunRecord {
  std::string id;           // unique in the store
  std::string module_name;  // file of the entry workflow
  std::string module_hash;  // hex XXH3-128 of the source texts
  std::string workflow;
  std::string inputs_json;
  std::string backbone;  // Engine::Describe
  uint64_t seed = 0;
  int64_t started_unix_us = 0;
  int64_t elapsed_us = 0;
  RunStatus status = RunStatus::kDone;
  std::string value_json;        // the answer
  std::string trap_json;         // kind, message, place, call path
  std::optional<double> reward;  // the team's, where gold answers were given
  std::string gold_json;
  // The counters of `Run` in the language.
  int64_t turns = 0;
  int64_t retrievals = 0;
  int64_t calls = 0;
  int64_t tokens = 0;  // generated
  int64_t prompt_tokens = 0;
  int64_t depth = 0;
};

}  // namespace jade::trace
