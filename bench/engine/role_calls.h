#pragma once
// Calls as roles make them: prompts that begin alike, short replies. Also the same calls in the style of the method's
// published code: a fixed number of questions at once, the calls of each in series. One thread.

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/engine/call_plan.h"
#include "compiler/result/result.h"
#include "runtime/backbone/measured_model.h"
#include "runtime/engine/engine.h"

namespace jade::bench {

struct RoleCallShape {
  int64_t calls = 500;
  int64_t shared_tokens = 450;  // at the start of every prompt, the chat template's among them
  int64_t own_tokens = 60;      // behind them
  int64_t reply_tokens = 30;
};

struct RoleCalls {
  RoleCallShape shape;
  std::vector<std::shared_ptr<const engine::Messages>> prompts;
  std::vector<std::vector<int32_t>> prompt_ids;  // what the engine makes of them
  bool may_end = false;                          // the model may end a reply early by itself, so that is ruled out
};

// Words in a seeded order, as many as give the numbers of tokens, which are met but for the tokens of the last word.
// kInvalidArgument when the model's template alone is longer.
Result<RoleCalls> WriteRoleCalls(const backbone::MeasuredModel& model, const RoleCallShape& shape);

struct RoleCallOptions {
  int chains = 0;            // calls are dealt to so many chains and made in series in each; 0: all at once
  bool knows_prefix = true;  // tell the engine how much of a prompt is static
};

CallPlan PlanRoleCalls(const RoleCalls& calls, const RoleCallOptions& options);

}  // namespace jade::bench
