#pragma once
// The serving engine over decoders in memory.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/backbone/model.h"
#include "runtime/backbone/serving.h"
#include "runtime/kernels/serving_kernels.h"
#include "runtime/tokenizer/chat.h"

namespace jade::backbone {

struct NamedDecoder {
  std::string name;                  // of the policy; the first is the default and may have none
  std::shared_ptr<Decoder> decoder;  // the same in several: one set of weights by several names, served as one
};

struct EngineOptions {
  ServingOptions serving;                            // `details` are filled in
  kernels::Number weights = kernels::Number::kFp32;  // kInt8 on the processor only
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int threads = 1;
  bool plain = false;  // plain LibTorch on the processor too
};

// By the words of a configuration: "auto", "cpu", "cuda"; kUnavailable where there is no such device.
Result<at::Device> ChooseDevice(const std::string& name);
// "auto", "fp32", "bf16", "int8"; auto is bf16 where that is fast and the model does not fit the caches.
Result<kernels::Number> ChooseNumber(const std::string& dtype, at::Device device, const ModelConfig& config);
// That this process may use.
int UsableProcessors();

// Whether weights may be multiplied so on a device.
Status CheckNumber(kernels::Number weights, at::Device device);

// The executor for the decoders: packed_executor.h on the processor, torch_executor.h elsewhere and for heads that are
// no multiple of 16 wide (int8 is then bf16). On the thread that will use it.
Result<std::unique_ptr<Executor>> MakeDecoderExecutor(const std::vector<std::shared_ptr<Decoder>>& decoders,
                                                      const EngineOptions& options);

// What of its shape or its use of the weights keeps `other` from being served beside `first`: "2 layers, not 4"; empty
// when nothing does.
std::string ShapeDifference(const ModelConfig& first, const ModelConfig& other);

// The decoders' weights must not change while the engine lives, but in ServingEngine::Refresh. They are on one device
// and have the same shape. kInvalidArgument for options out of range and for policies that differ in shape.
Result<std::unique_ptr<ServingEngine>> MakeEngine(const std::vector<NamedDecoder>& policies, tokenizer::ChatFormat chat,
                                                  EngineOptions options);

}  // namespace jade::backbone
