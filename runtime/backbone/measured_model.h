#pragma once
// A model as something to be measured (bench/engine): its executor alone and the engine round it, with the weights of a
// file or with random ones of a given shape. No LibTorch here. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/executor.h"
#include "runtime/backbone/serving.h"
#include "runtime/engine/engine.h"
#include "runtime/weights/model_config.h"

namespace jade::backbone {

struct MeasuredModelOptions {
  std::string path;            // a Hugging Face folder or a .gguf file; empty: random weights of `shape`
  weights::ModelConfig shape;  // only read without a path
  std::string tokenizer;       // a tokenizer.json; only read without a path
  uint64_t seed = 1;
  std::string device = "auto";  // auto, cpu, cuda
  std::string dtype = "bf16";   // fp32, bf16, int8
  int threads = 0;              // 0: one for each processor this process may use
};

struct MeasuredEngineOptions {
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int max_sequences = 64;
  bool prefix_cache = true;  // prompts that begin alike share what is computed of the beginning
};

// How fast a kernel multiplies large matrices.
struct ProductRate {
  std::string kernel;  // "at::mm"
  double flops_per_s = 0;
};

class MeasuredModel {
 public:
  virtual ~MeasuredModel() = default;

  virtual const weights::ModelConfig& config() const = 0;
  virtual std::string Describe() const = 0;  // "random weights (bf16, cpu)"
  virtual std::string dtype() const = 0;
  virtual int threads() const = 0;
  virtual bool on_cpu() const = 0;
  virtual bool may_end_replies() const = 0;  // random weights do not know the end tokens

  virtual Result<std::unique_ptr<Executor>> MakeExecutor(int64_t kv_cache_bytes) = 0;
  virtual Result<std::unique_ptr<ServingEngine>> MakeEngine(const MeasuredEngineOptions& options) = 0;
  // The ids of the prompt that the engine makes of these messages.
  virtual std::vector<int32_t> Render(const engine::Messages& messages) const = 0;

  // `dtype`: fp32 or bf16. A second or so.
  virtual std::vector<ProductRate> ProductRates(const std::string& dtype) = 0;
  // Of the device's memory; 0 on the CPU, which needs no LibTorch for it (bench/engine/machine.h).
  virtual double DeviceReadBytesPerSecond() = 0;
};

// kInvalidArgument for options out of range; what loading a model fails with.
Result<std::unique_ptr<MeasuredModel>> OpenMeasuredModel(const MeasuredModelOptions& options);

// How fast this processor multiplies, on as many threads as LibTorch has; `dtype` as above. What limits are taken from.
std::vector<ProductRate> CpuProductRates(const std::string& dtype);

// SmolLM2-135M's.
weights::ModelConfig SmolLm2Shape();

}  // namespace jade::backbone
