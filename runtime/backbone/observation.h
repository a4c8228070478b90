#pragma once
// Messages as the tokens a model is given, and how many of them at the start are the same in other calls: those are
// worth keeping in the prefix cache.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/tokenizer/chat.h"

namespace jade::backbone {

struct Observation {
  std::vector<int32_t> ids;
  // Tokens at the start that are made of static bytes alone (engine::Message::static_bytes); -1: no message says.
  int64_t static_tokens = -1;
};

// Any thread.
Observation RenderObservation(const tokenizer::ChatFormat& chat, const engine::Messages& messages);

// Where no message says what is static: what all calls of a role so far begin with. One thread.
class RoleStarts {
 public:
  // Tokens that `ids` has in common with all earlier calls of the role; 0 for the first. O(that many).
  int64_t Note(int policy, const std::string& role, std::span<const int32_t> ids);

 private:
  std::map<std::pair<int, std::string>, std::vector<int32_t>> starts_;
};

}  // namespace jade::backbone
