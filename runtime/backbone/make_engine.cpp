#include "runtime/backbone/make_engine.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <set>
#include <thread>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/packed_executor.h"
#include "runtime/backbone/torch_executor.h"

namespace jade::backbone {
namespace {

// The same up to what files of several formats round away.
bool Alike(double a, double b) {
  return std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b));
}

Status CheckPolicies(const std::vector<NamedDecoder>& policies) {
  if (policies.empty()) return Error(ErrorCode::kInvalidArgument, "a backbone needs at least one set of weights");
  const Decoder& first = *policies.front().decoder;
  std::set<std::string> names;
  for (const NamedDecoder& policy : policies) {
    std::string difference = ShapeDifference(first.config(), policy.decoder->config());
    if (difference.empty() && policy.decoder->device() != first.device()) difference = "another device";
    if (!difference.empty()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("policy `{}` cannot be served beside the model, it has {}: the policies of a backbone "
                               "are weights of one shape",
                               policy.name, difference));
    }
    if (!names.insert(policy.name).second) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("two policies are called `{}`", policy.name));
    }
  }
  return {};
}

const char* NumberName(kernels::Number number) {
  switch (number) {
    case kernels::Number::kFp32:
      return "fp32";
    case kernels::Number::kBf16:
      return "bf16";
    case kernels::Number::kInt8:
      return "int8";
  }
  return "";
}

// The kernels go through a head in whole vectors.
bool FitsPackedExecutor(const Decoder& decoder) {
  constexpr int64_t kWidestVector = 16;
  return decoder.device().is_cpu() && decoder.config().head_dim % kWidestVector == 0;
}

std::unique_ptr<Executor> Make(const std::vector<std::shared_ptr<Decoder>>& decoders, const EngineOptions& options) {
  if (FitsPackedExecutor(*decoders.front()) && !options.plain) {
    ExecutorOptions packed;
    packed.weights = options.weights;
    packed.kv_cache_bytes = options.kv_cache_bytes;
    packed.threads = options.threads;
    return MakePackedExecutor(decoders, packed);
  }
  const at::ScalarType dtype = options.weights == kernels::Number::kFp32 ? at::kFloat : at::kBFloat16;
  return MakeTorchExecutor(decoders, {dtype, options.kv_cache_bytes, options.threads});
}

}  // namespace

int UsableProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Result<at::Device> ChooseDevice(const std::string& name) {
  if (name == "cpu") return at::Device(at::kCPU);
  if (name != "auto" && name != "cuda") {
    return Error(ErrorCode::kInvalidArgument, fmt::format("unknown device `{}`; known are auto, cpu, cuda", name));
  }
  if (CudaIsAvailable()) return at::Device(at::kCUDA);
  if (name == "auto") return at::Device(at::kCPU);
  return Error(ErrorCode::kUnavailable,
               "device is `cuda`, but this LibTorch finds no CUDA device; use `cpu` or `auto`");
}

Result<kernels::Number> ChooseNumber(const std::string& dtype, at::Device device, const ModelConfig& config) {
  if (dtype == "fp32") return kernels::Number::kFp32;
  if (dtype == "bf16") return kernels::Number::kBf16;
  if (dtype == "int8") return kernels::Number::kInt8;
  if (dtype != "auto") {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("unknown dtype `{}`; known are auto, fp32, bf16, int8", dtype));
  }
  if (device.is_cuda()) return kernels::Number::kBf16;
  // A model that fits the caches gains nothing from half the bytes.
  const bool large = config.layers * config.hidden_size * config.ffn_size > 4'000'000;
  return ProcessorMultipliesBf16() && large ? kernels::Number::kBf16 : kernels::Number::kFp32;
}

std::string ShapeDifference(const ModelConfig& first, const ModelConfig& other) {
  struct Size {
    const char* what;
    int64_t ModelConfig::*member;
  };
  static constexpr Size kSizes[] = {
      {"layers", &ModelConfig::layers},
      {"as hidden size", &ModelConfig::hidden_size},
      {"heads", &ModelConfig::heads},
      {"key/value heads", &ModelConfig::kv_heads},
      {"numbers in a head", &ModelConfig::head_dim},
      {"as feed-forward size", &ModelConfig::ffn_size},
      {"tokens in its vocabulary", &ModelConfig::vocab_size},
  };
  for (const Size& size : kSizes) {
    if (other.*size.member == first.*size.member) continue;
    return fmt::format("{} {}, not {}", other.*size.member, size.what, first.*size.member);
  }
  struct Part {
    const char* what;
    bool ModelConfig::*member;
  };
  static constexpr Part kParts[] = {
      {"biases on q, k and v", &ModelConfig::qkv_bias},
      {"a bias on the attention's output", &ModelConfig::output_bias},
      {"biases in the feed-forward part", &ModelConfig::mlp_bias},
      {"norms of q and k", &ModelConfig::qk_norm},
  };
  for (const Part& part : kParts) {
    if (other.*part.member == first.*part.member) continue;
    return fmt::format("{}{}", other.*part.member ? "" : "no ", part.what);
  }
  if (!Alike(first.norm_eps, other.norm_eps)) {
    return fmt::format("a norm epsilon of {}, not {}", other.norm_eps, first.norm_eps);
  }
  const std::vector<float> rotary = weights::RopeInverseFrequencies(first);
  if (!std::ranges::equal(rotary, weights::RopeInverseFrequencies(other), Alike)) return "other rotary frequencies";
  return {};
}

Status CheckNumber(kernels::Number weights, at::Device device) {
  if (weights != kernels::Number::kInt8 || device.is_cpu()) return {};
  return Error(ErrorCode::kUnsupported, "int8 weights are for the processor; use bf16 on this device");
}

Result<std::unique_ptr<Executor>> MakeDecoderExecutor(const std::vector<std::shared_ptr<Decoder>>& decoders,
                                                      const EngineOptions& options) {
  try {
    return Make(decoders, options);
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "not enough memory for the KV cache");
  } catch (const c10::Error& error) {
    return Error(ErrorCode::kOutOfMemory, error.what_without_backtrace()).Wrap("making room for the KV cache");
  }
}

Result<std::unique_ptr<ServingEngine>> MakeEngine(const std::vector<NamedDecoder>& policies, tokenizer::ChatFormat chat,
                                                  EngineOptions options) {
  JADE_TRY(CheckPolicies(policies));
  if (options.kv_cache_bytes <= 0) return Error(ErrorCode::kInvalidArgument, "`kv_cache` must be above 0");
  JADE_TRY(CheckNumber(options.weights, policies.front().decoder->device()));
  if (options.threads < 1) return Error(ErrorCode::kInvalidArgument, "threads must be at least 1");
  std::vector<std::shared_ptr<Decoder>> decoders;
  std::vector<ServedPolicy> served;
  for (const NamedDecoder& policy : policies) {
    const auto known = std::find(decoders.begin(), decoders.end(), policy.decoder);
    if (known != decoders.end()) {
      served[static_cast<size_t>(known - decoders.begin())].aliases.push_back(policy.name);
      continue;
    }
    const ModelConfig& config = policy.decoder->config();
    ServedPolicy& of = served.emplace_back();
    of.name = policy.name;
    of.max_positions = config.max_positions;
    for (const int64_t id : config.eos_ids) of.end_ids.push_back(static_cast<int32_t>(id));
    decoders.push_back(policy.decoder);
  }
  options.serving.details =
      fmt::format("{}, {}", NumberName(options.weights), decoders.front()->device().is_cpu() ? "cpu" : "cuda");
  return MakeServingEngine(std::move(served), std::move(chat), options.serving,
                           [decoders, options] { return MakeDecoderExecutor(decoders, options); });
}

}  // namespace jade::backbone
