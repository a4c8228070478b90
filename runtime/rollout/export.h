#pragma once
// A batch of transitions as files that any trainer can read: packed tokens in safetensors, all else in JSON.
// docs/export.md has the format. One thread.

#include <cstdint>
#include <span>
#include <string>

#include "compiler/result/result.h"
#include "runtime/rollout/transition.h"

namespace jade::rollout {

// What a trainer knows of the batch's response tokens, those of all transitions end to end; each may be empty.
struct TokenCredit {
  std::span<const uint8_t> counted;  // 1 where the policy had a choice and learns
  std::span<const float> advantages;
  std::span<const float> returns;
};

struct ExportOptions {
  int64_t step = -1;  // of the training; −1: of none
  TokenCredit credit;
};

// Writes `path`.safetensors, then `path`.json: a reader that finds the second finds both whole. The folder is made.
// Fails with kIo, and with kInvalidArgument when an array of `credit` has another size than the batch has response
// tokens or the batch has more tokens than 32 bits count.
Status ExportBatch(const Batch& batch, const std::string& path, const ExportOptions& options = {});

}  // namespace jade::rollout
