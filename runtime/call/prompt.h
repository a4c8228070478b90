#pragma once
// From a role and its arguments to the messages of a request, and from a reply to the value the program goes on with.
// Pure: no engine, no clock. One thread at a time for each module.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/abi/trap.h"
#include "compiler/ir/module.h"
#include "runtime/builtins/builtins.h"
#include "runtime/engine/engine.h"
#include "runtime/interp/native.h"
#include "runtime/trace/record.h"

namespace jade::call {

// What the clauses of a role are evaluated in.
struct CallContext {
  ir::ModulePtr module;
  ir::CalleeId callee;
  const std::vector<abi::Value>* arguments = nullptr;  // all parameters, in order
  const std::vector<abi::Value>* params = nullptr;     // of the module
  const builtins::Settings* builtins = nullptr;
  interp::CodeSource* code = nullptr;  // null: clauses are interpreted

  const ir::Callee& role() const { return module->callee(callee); }
};

struct Rendered {
  std::shared_ptr<const engine::Messages> messages;
  std::optional<abi::Trap> trap;  // then there are no messages
};
// Fills the role's templates. Values are text and nothing but text: what they contain never becomes special tokens.
Rendered RenderMessages(const CallContext& context);

// The JSON object of a tool's arguments, by parameter name.
std::string ToolArguments(const CallContext& context);

// A text that a planner wrote, compiled.
struct CompiledPlan {
  std::optional<abi::Value> plan;  // none: refused
  bool parsed = false;             // of a refused one: the text is a plan, but not one this planner may write
  std::string canonical;           // of an accepted one
  std::string diagnostics_json;    // of a refused one
  std::optional<int64_t> calls;    // the most that an accepted one makes, when that is a number
};
class PlanCompiler {
 public:
  virtual ~PlanCompiler() = default;
  // `call` is the planner's call: the plan's calls are counted to it (`overrun`).
  virtual CompiledPlan Compile(const ir::ModulePtr& module, ir::CalleeId planner, const std::string& text,
                               uint64_t call) = 0;
};

// What the replies of roles may be: runtime/session makes one of a program.
class ConstraintSource {
 public:
  virtual ~ConstraintSource() = default;
  // For a reply of at most `max_tokens` that goes on from the prompt's prefill. Null: anything. Fails when the prefill
  // is not the beginning of the role's format, and when a planner can write no plan.
  virtual Result<std::shared_ptr<const engine::Constraint>> For(const CallContext& context,
                                                                const engine::Messages& prompt, int max_tokens) = 0;
};

// How many items a subset format chooses from. Fails with what the clause trapped with.
Result<size_t> SubjectSize(const CallContext& context);

struct Outcome {
  trace::Validity validity = trace::Validity::kValid;
  double penalty = 0;
  abi::Value value;
  std::string reason;             // why it is malformed or invalid
  std::string plan;               // canonical text of an accepted plan
  std::string diagnostics_json;   // of a refused plan
  std::optional<abi::Trap> trap;  // a clause trapped, or the output is malformed and the role says nothing of that case
};
// Parses the reply, checks it and applies `malformed` and `invalid`. A planner's plan goes through `plans`, which may
// be null for roles that write none; one that may make more calls than `call_limit` is invalid.
Outcome Interpret(const CallContext& context, const std::string& reply, PlanCompiler* plans, uint64_t call,
                  int64_t call_limit);

}  // namespace jade::call
