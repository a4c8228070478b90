#pragma once
// The engine over a decoder in memory. Its thread owns the KV cache and runs every forward pass; each step takes one
// token of every call being decoded and a slice of the prompts that wait (continuous batching, Yu et al., "Orca", OSDI
// 2022; prompts in slices, Agrawal et al. 2023, https://arxiv.org/abs/2308.16369).

#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/engine/engine.h"
#include "runtime/tokenizer/chat.h"

namespace jade::backbone {

struct ServingOptions {
  std::string name = "backbone";
  at::ScalarType dtype = at::kFloat;
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int threads = 1;
  bool deterministic = false;
  int max_sequences = 64;
  int prefill_tokens = 512;
};

// The decoder's weights must not change while the engine lives. kInvalidArgument for options out of range.
Result<std::unique_ptr<engine::Engine>> MakeEngine(std::shared_ptr<Decoder> decoder, tokenizer::ChatFormat chat,
                                                   const ServingOptions& options);

}  // namespace jade::backbone
