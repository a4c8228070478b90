#pragma once
// A local backbone as an engine::Engine: loads a model, serves calls in batches on a thread of its own. No LibTorch
// here.

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"

namespace jade::backbone {

struct BackboneOptions {
  std::string model;  // a Hugging Face folder or a .gguf file
  // Named weight sets served beside `model`, which serves calls without a policy: folders or .gguf files of the same
  // shape, tokenizer and chat form. What several names share (a path, whatever links lead to it) is in memory once.
  std::map<std::string, std::string> policies;
  std::string device = "auto";  // auto, cpu, cuda
  // auto, fp32, bf16, int8 (weights only, on the processor); auto is bf16 where the processor or the device multiplies
  // it fast.
  std::string dtype = "auto";
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int threads = 0;  // 0: one for each processor this process may use
  // Replies do not depend on what else is in flight, bit for bit. On the processor they never do and this costs
  // nothing; elsewhere every call is computed by itself and no prefix is shared. Slower.
  bool deterministic = false;
  int max_sequences = 64;    // calls in one batch
  int prefill_tokens = 512;  // prompt tokens added to a step, so that long prompts do not hold up calls being decoded
};

// Sampling::temperature 0 takes the most probable token (the lowest id among equals) and records its log-probability
// at temperature 1. Otherwise the recorded log-probability is that of the distribution sampled from: after repetition
// penalty and constraint, temperature, top-k, top-p and min-p, renormalised. The i-th token of a call takes the i-th
// number of its stream. A token that a constraint leaves no choice about has log-probability 0 and is not asked of the
// model.
//
// Submit tokenises the prompt and binds its constraint on the caller's thread. Prompts that begin with tokens the KV
// cache knows are not computed again there (Reply::cached_tokens). A call that can never fit into the KV cache is
// refused at once, as is a prompt longer than the model's context. The engine is a ServingEngine (serving.h), which has
// figures about itself.
Result<std::unique_ptr<engine::Engine>> LoadBackbone(const BackboneOptions& options);

// What `jade doctor` reports of LibTorch and this machine.
struct BackboneFacts {
  std::string libtorch;  // version it was built with
  std::string kernels;   // instruction set of our own kernels
  bool cuda = false;
  int threads = 0;
  bool fast_bf16 = false;
};
BackboneFacts GetBackboneFacts();

// Keeps freed memory in the process instead of handing it back after every tensor (a training step is a fifth faster).
// Once, before threads are started; LoadBackbone does it.
void TuneAllocator();

}  // namespace jade::backbone
