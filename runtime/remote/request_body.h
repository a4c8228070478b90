#pragma once
// Internal to runtime/remote: a request of the engine as the JSON that a server of a kind is sent. Pure; any thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/remote/endpoint.h"

namespace jade::remote::internal {

struct Body {
  std::string json;
  std::vector<int32_t> observation_ids;  // when the prompt was sent as ids
};

// kInvalidArgument for what the server has no way to do, naming it: a constraint, a prefill over a plain `chat`, top-k
// or a repetition penalty at a server without them. kNotFound for an unknown policy.
Result<Body> MakeBody(const engine::Request& request, const Endpoint& endpoint);

}  // namespace jade::remote::internal
