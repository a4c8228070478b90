#pragma once
// A byte-level BPE vocabulary for a model that starts from nothing: numbers are cut into digits, and the control tokens
// of ChatML come first. One thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/tokenizer.h"

namespace jade::train {

// Learns from the texts of JSONL files: `messages` and `reply` of demonstrations, `title` and `text` of passages.
Result<tokenizer::TokenizerSpec> LearnTokenizer(const std::vector<std::string>& paths, int64_t vocabulary);

}  // namespace jade::train
