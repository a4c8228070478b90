#pragma once
// Turns what a planner wrote into something to run: parse, check against the planner's type and stages, lower. Results,
// refusals too, are kept in a bounded cache, so that a text seen before costs a look-up. One thread.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "runtime/call/prompt.h"
#include "runtime/session/program.h"

namespace jade::session {

class PlanCache final : public call::PlanCompiler {
 public:
  // `capacity` texts are kept, the longest unused go first.
  explicit PlanCache(ProgramPtr program, size_t capacity = 4096) : program_(std::move(program)), capacity_(capacity) {}

  call::CompiledPlan Compile(const ir::ModulePtr& module, ir::CalleeId planner, const std::string& text,
                             uint64_t call) override;

  size_t size() const { return entries_.size(); }
  uint64_t hits() const { return hits_; }

 private:
  struct Entry {
    std::string key;       // planner and text
    ir::ModulePtr module;  // null: refused
    bool parsed = false;
    std::string canonical;
    std::string diagnostics_json;
    std::optional<int64_t> calls;  // see call::CompiledPlan
  };
  Entry Check(uint32_t planner, const std::string& text);

  ProgramPtr program_;
  size_t capacity_;
  uint64_t hits_ = 0;
  std::list<Entry> order_;                                                    // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> entries_;  // by the key inside the entry
  std::unordered_map<std::string, std::weak_ptr<const ir::Module>> by_canonical_;
};

}  // namespace jade::session
