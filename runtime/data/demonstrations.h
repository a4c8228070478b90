#pragma once
// Role demonstrations: messages as a run would send them, and the reply a good role would give. They come from pretend
// worlds, and, where asked, from the training split of the atlas. Written as JSONL
//   {"role", "messages": [{"role", "content"}], "reply"}
// Deterministic by options. Not shared between threads.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/data/names.h"
#include "runtime/data/passages.h"
#include "runtime/data/roles.h"
#include "runtime/data/world.h"

namespace jade::data {

enum class Stage {
  kCopying,   // a: copying, recall, one passage and a question; loss on all tokens
  kShort,     // b: answers from one or two passages, and the short roles
  kFull,      // c: every role, three to five passages
  kGate,      // answers given exactly the right passages, names of the gate's pool
  kGateFive,  // the same among the top five
};

struct Demonstration {
  std::string role;
  std::vector<Message> messages;
  std::string reply;
  std::vector<std::string> answers;  // gold answers and question type, in gate sets only
  std::string type;
};

struct DemonstrationOptions {
  int count = 1000;
  uint64_t seed = 1;
  Stage stage = Stage::kFull;
  NamePool pool = NamePool::kTraining;  // kGate for a development set of unseen names
  double real = 0.0;                    // share made from `atlas`, 0 to 1
  const World* atlas = nullptr;         // outlives the call; needed when real > 0; its names are never pretended
  uint64_t atlas_seed = 20;             // seed of the atlas's passages
  Split atlas_split = Split::kTrain;    // whose questions and passages are used
  bool uniform_plans = false;           // planners choose any valid plan, each as likely, whatever the question
};

// Calls `sink` for each demonstration in order. Fails when the options contradict each other.
Status MakeDemonstrations(const DemonstrationOptions& options, const std::function<Status(const Demonstration&)>& sink);

// The line of a JSONL file, without the line break.
std::string ToJsonLine(const Demonstration& demonstration);

// Parses "a", "b", "c", "gate", "gate5".
Result<Stage> ParseStage(std::string_view name);

}  // namespace jade::data
