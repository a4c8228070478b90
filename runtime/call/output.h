#pragma once
// Reads what a model wrote into the value its role promises. Strict: nothing but white space may stand outside the
// tags, numbers run from 1 without gaps, document ids are written exactly. Linear in the length of the text; pure; any
// thread.

#include <string>
#include <string_view>
#include <vector>

#include "compiler/abi/value.h"
#include "compiler/ir/callee.h"

namespace jade::call {

inline constexpr size_t kMaxReplyBytes = size_t{1} << 20;  // longer replies are malformed
inline constexpr size_t kMaxNumbered = 64;                 // more numbered tags are malformed, whatever `max` says

enum class OutputStatus {
  kOk,
  kMalformed,  // the format is broken; there is no value
  kInvalid,    // the format is right, but its own limits are not kept (ids out of range or repeated, too many numbered
               // tags); the value is what remains: the ids in range, once each, or the whole list
};

struct ParsedOutput {
  OutputStatus status = OutputStatus::kMalformed;
  abi::Value value;    // kPlan: the text between the tags
  std::string reason;  // of a failure, for people: "no `</query>` at the end"
};

// `subject` is the list a subset format chooses from.
ParsedOutput ParseOutput(const ir::OutputFormat& format, std::string_view reply, const types::TypeTable& types,
                         const std::vector<abi::Value>* subject = nullptr);

}  // namespace jade::call
