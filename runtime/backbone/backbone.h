#pragma once
// A local backbone as an engine::Engine: loads a model, serves calls in batches on a thread of its own. No LibTorch
// here.

#include <cstdint>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"

namespace jade::backbone {

struct BackboneOptions {
  std::string model;            // a Hugging Face folder or a .gguf file
  std::string device = "auto";  // auto, cpu, cuda
  std::string dtype = "auto";   // auto, fp32, bf16; auto is bf16 where the processor or the device multiplies it fast
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int threads = 0;  // 0: one for each processor this process may use
  // Replies do not depend on what else is in flight, bit for bit: every call is computed by itself. Slower.
  bool deterministic = false;
  int max_sequences = 64;    // calls in one batch
  int prefill_tokens = 512;  // prompt tokens added to a step, so that long prompts do not hold up calls being decoded
};

// Sampling::temperature 0 takes the most probable token (the lowest id among equals) and records its log-probability
// at temperature 1. Otherwise the recorded log-probability is that of the distribution sampled from: after temperature,
// top-k and top-p, renormalised. The i-th token of a call takes the i-th number of its stream.
//
// Submit tokenises the prompt on the caller's thread. A call waits until prompt and max_tokens fit into the KV cache;
// one that never can is refused at once, as is a prompt longer than the model's context.
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
