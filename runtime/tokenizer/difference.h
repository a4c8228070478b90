#pragma once
// Whether two models are given the same ids for the same messages, so that one may answer in the other's place. Pure;
// any thread.

#include <string>

#include "runtime/tokenizer/chat.h"

namespace jade::tokenizer {

// The first thing in which `other` differs: "token 17 is `a`, not `b`"; empty when ids and prompts are the same. Linear
// in the vocabularies.
std::string Difference(const ChatFormat& first, const ChatFormat& other);

}  // namespace jade::tokenizer
