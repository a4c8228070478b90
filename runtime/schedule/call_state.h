#pragma once
// Internal to runtime/schedule: one call of a run, from its issue to its end. Thousands wait at once: what few of them
// need is behind a pointer, and texts of paths are made only for a record that leaves the run. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/module.h"
#include "runtime/engine/engine.h"
#include "runtime/interp/task.h"
#include "runtime/trace/record.h"

namespace jade::schedule {

struct CallState {
  using Outcome = std::variant<abi::Value, interp::Raised>;
  // What came back, and what was made of it.
  struct Ending {
    std::string error;
    std::vector<int32_t> observation_ids;
    std::string action;
    std::vector<int32_t> action_ids;
    std::vector<float> log_probs;
    std::vector<uint32_t> constraint_states;
    std::string value_json;
    std::string plan;
    std::string diagnostics_json;
    double penalty = 0;
    int64_t prompt_tokens = 0;  // counted, whether or not their ids are known
    int64_t reply_tokens = 0;
    int64_t first_us = 0;
    int64_t finished_us = 0;
    trace::Validity validity = trace::Validity::kNotChecked;
    bool truncated = false;
    bool overran = false;
  };
  // Of a tool's call.
  struct Sharing {
    uint32_t attempts = 0;
    uint32_t shared_with = 0;       // number of the call whose execution this one shares; 0: none
    std::vector<uint64_t> sharers;  // identical calls that wait for this one's result
  };
  // It has ended, but its value waits for its record to be on disk.
  struct Held {
    uint64_t recording = 0;
    Outcome outcome;
  };

  interp::CallPathPtr path;
  ir::ModulePtr module;
  std::vector<abi::Value> arguments;                     // until it ends
  std::shared_ptr<const engine::Messages> prompt;        // shared with the engine; of a tool: its arguments as JSON
  std::shared_ptr<const engine::Constraint> constraint;  // null: the reply is free
  interp::ScopePtr scope;
  interp::FuturePtr future;
  source::Span span;
  uint64_t request = 0;  // under way at the engine or tool; 0: not
  int64_t issued_us = 0;
  int64_t started_us = 0;
  std::unique_ptr<Ending> ending;  // null: nothing has come back
  std::unique_ptr<Held> held;
  std::unique_ptr<Sharing> tool;  // null: a model's call
  ir::CalleeId callee;
  uint32_t file_index = ir::kInvalidIndex;  // in the module
  trace::CallStatus status = trace::CallStatus::kDone;
  bool ended = false;

  const ir::Callee& role() const { return module->callee(callee); }
  source::SourceFilePtr File() const { return file_index == ir::kInvalidIndex ? nullptr : module->file(file_index); }
  std::string ParentPath() const { return path->parent() == nullptr ? "" : path->parent()->ToString(); }
  Ending& End() {
    if (ending == nullptr) ending = std::make_unique<Ending>();
    return *ending;
  }
  // The call as it stands. `index` in order of issue; `executed` is the call that Sharing::shared_with names, or null.
  // `take` moves what came back out of the call, which is over.
  trace::CallRecord Record(uint64_t index, const CallState* executed, bool take);
};

}  // namespace jade::schedule
