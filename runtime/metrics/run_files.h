#pragma once
// What a training run leaves in its folder for people and tools to read, as values, and the names of the files
// (docs/training-report.md has their formats). Values only: any thread may use them.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jade::metrics {

inline constexpr std::string_view kRunFile = "run.json";
inline constexpr std::string_view kMetricsFile = "metrics.jsonl";
inline constexpr std::string_view kPlansFile = "plans.jsonl";
inline constexpr std::string_view kSamplesFile = "samples.jsonl";
inline constexpr std::string_view kAlarmsFile = "alarms.jsonl";
inline constexpr std::string_view kAblationFile = "ablation.json";
inline constexpr std::string_view kTensorBoardFolder = "tensorboard";

using Value = std::variant<bool, int64_t, double, std::string>;

// run.json.
struct RunDescription {
  std::string name;
  std::string started;                  // ISO 8601, e.g. "2026-03-01T12:00:00Z"
  std::map<std::string, Value> config;  // flattened: "actor.lr" -> 0.1
  std::string arm;                      // what the run tries, e.g. "joint"; runs of one arm are drawn as one
  uint64_t seed = 0;
  std::string model;
  std::string workflow;
  std::string data;
  std::map<std::string, Value> machine;  // "cpu", "cores", "memory_gib", "gpu", "threads", …
};

// "tag/with/slashes" -> value. A value that is not finite is kept: as null in metrics.jsonl, as it is for TensorBoard.
using Scalars = std::map<std::string, double>;

// Question type -> text of the plan -> how often it was chosen.
using Plans = std::map<std::string, std::map<std::string, int64_t>>;

struct SampleCall {
  std::string path;      // place of the call in the run, e.g. "solve/answer[1]/AG"
  std::string role;      // "QR", "AG", …
  std::string prompt;    // text
  std::string action;    // what the model wrote
  std::string validity;  // trace::ValidityName: "valid", "malformed", "invalid", "not_checked"
  double penalty = 0;    // ≤ 0, what the call lost for it
};

// One question of the development set as the team answered it at one step.
struct Sample {
  std::string id;
  std::string question;
  std::string type;
  std::vector<std::string> gold;
  std::string answer;
  double f1 = 0;
  std::vector<SampleCall> calls;  // in the order of their start
};

struct Alarm {
  int64_t step = 0;
  std::string kind;  // one of runtime/metrics/alarms.h, or the trainer's own
  std::string role;  // empty: of the whole team
  std::string text;  // one sentence with the figures, for people
};

}  // namespace jade::metrics
