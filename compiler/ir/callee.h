#pragma once
// What an `issue` calls: a role of the backbone (executor, planner) or a tool. Everything the runtime needs to make the
// call: the prompt as functions that emit segments, the output format, and what is done with a bad output.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/ids.h"
#include "compiler/source/source.h"
#include "compiler/types/message_role.h"
#include "compiler/types/signature.h"

namespace jade::ir {

enum class CalleeKind : uint8_t { kExecutor, kPlanner, kTool };
std::string_view CalleeKindName(CalleeKind kind);

using types::MessageRole;

// `body` is a kTemplate function of the callee's parameters. Its kEmitText operations are the static segments, kEmit
// the typed holes, kEmitFor / kEmitIf / kEmitSwitch the structured ones.
struct MessageTemplate {
  MessageRole role = MessageRole::kUser;
  FunctionId body;
};

enum class FormatKind : uint8_t {
  kText,          // the whole reply, trimmed
  kTag,           // <tag>…</tag> and nothing else
  kNumbered,      // <tag1>…</tag1><tag2>…: `tag` without the number; gives a list
  kSubset,        // <tag>Document0,Document3</tag>: indices into the list that `subject` computes
  kAlternatives,  // one of `alternatives`, giving a case of the enum result
  kPlan,          // <tag>plan text</tag> (tag may be empty: the whole reply)
};
std::string_view FormatKindName(FormatKind kind);

// One side of `emits <ask> Ask | <final> Final`: fills case `case_index` of the enum with one payload of `type`, or
// with none.
struct Alternative {
  std::string tag;
  uint32_t case_index = 0;
  types::TypeId type;
};

struct OutputFormat {
  FormatKind kind = FormatKind::kText;
  std::string tag;
  types::TypeId type;  // kTag, kText: what the text is read as; kNumbered: the element
  uint32_t max = 0;    // kNumbered: most elements; 0 is no limit
  FunctionId subject;  // kSubset: kPure function of the callee's parameters giving the list
  std::vector<Alternative> alternatives;
};

// Unset members are taken from the configuration.
struct SamplingSpec {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop;
};

struct Callee {
  CalleeKind kind = CalleeKind::kExecutor;
  std::string name;
  types::Signature signature;
  uint32_t file = kInvalidIndex;
  source::Span span;

  // Executors and planners.
  std::vector<MessageTemplate> messages;
  OutputFormat format;
  FunctionId check;      // (parameters…, result, raw: Text) -> Bool; unset: always fine
  FunctionId malformed;  // (parameters…, raw: Text) -> result; unset: the call traps kCallFailed
  FunctionId invalid;    // (parameters…, result, raw: Text) -> result; unset: the parsed value
  double penalty = 0.0;
  double overrun = 0.0;  // planners
  SamplingSpec sampling;
  std::string stages;             // planners: canonical text of the admitted plans; empty when `uses` speaks
  std::vector<std::string> uses;  // planners: names a block may call

  // Tools.
  uint32_t retries = 0;
  int64_t timeout_us = 0;  // 0: none
};

}  // namespace jade::ir
