#include "runtime/backbone/measured_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <utility>

#include "runtime/backbone/backbone.h"
#include "runtime/backbone/make_engine.h"
#include "runtime/backbone/model.h"
#include "runtime/backbone/model_io.h"
#include "runtime/backbone/observation.h"
#include "runtime/weights/model_files.h"

namespace jade::backbone {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Of one call of `work`, the least of those that fit into a fifth of a second.
double LeastSeconds(const std::function<void()>& work) {
  work();
  double least = std::numeric_limits<double>::infinity();
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    work();
    least = std::min(least, SecondsSince(begin));
  } while (SecondsSince(start) < 0.2);
  return least;
}

// A device may still be at work when an operator returns; reading one element waits for it.
void WaitFor(const at::Tensor& tensor) {
  tensor.flatten().narrow(0, 0, 1).item<float>();
}

kernels::Number NumberOf(const std::string& dtype) {
  if (dtype == "int8") return kernels::Number::kInt8;
  return dtype == "fp32" ? kernels::Number::kFp32 : kernels::Number::kBf16;
}

class LoadedModel final : public MeasuredModel {
 public:
  LoadedModel(std::shared_ptr<Decoder> decoder, tokenizer::ChatFormat chat, MeasuredModelOptions options)
      : decoder_(std::move(decoder)), chat_(std::move(chat)), options_(std::move(options)) {}

  const weights::ModelConfig& config() const override { return decoder_->config(); }
  std::string dtype() const override { return options_.dtype; }
  int threads() const override { return options_.threads; }
  bool on_cpu() const override { return decoder_->device().is_cpu(); }
  bool may_end_replies() const override { return !options_.path.empty(); }

  std::string Describe() const override {
    const std::string name = options_.path.empty()
                                 ? fmt::format("random weights, {} parameters", decoder_->parameter_count())
                                 : std::filesystem::path(options_.path).stem().string();
    return fmt::format("{} ({}, {}, {} threads)", name, options_.dtype, on_cpu() ? "cpu" : "cuda", options_.threads);
  }

  Result<std::unique_ptr<Executor>> MakeExecutor(int64_t kv_cache_bytes) override;
  Result<std::unique_ptr<ServingEngine>> MakeEngine(const MeasuredEngineOptions& options) override;
  std::vector<int32_t> Render(const engine::Messages& messages) const override;
  std::vector<ProductRate> ProductRates(const std::string& dtype) override;
  double DeviceReadBytesPerSecond() override;

 private:
  EngineOptions Options(int64_t kv_cache_bytes) const;

  std::shared_ptr<Decoder> decoder_;
  tokenizer::ChatFormat chat_;
  MeasuredModelOptions options_;
};

EngineOptions LoadedModel::Options(int64_t kv_cache_bytes) const {
  EngineOptions options;
  options.weights = NumberOf(options_.dtype);
  options.kv_cache_bytes = kv_cache_bytes;
  options.threads = options_.threads;
  return options;
}

Result<std::unique_ptr<Executor>> LoadedModel::MakeExecutor(int64_t kv_cache_bytes) {
  return MakeDecoderExecutor({decoder_}, Options(kv_cache_bytes));
}

Result<std::unique_ptr<ServingEngine>> LoadedModel::MakeEngine(const MeasuredEngineOptions& options) {
  EngineOptions served = Options(options.kv_cache_bytes);
  served.serving.name = "bench";
  served.serving.max_sequences = options.max_sequences;
  served.serving.prefix_cache = options.prefix_cache;
  return backbone::MakeEngine({{"", decoder_}}, chat_, served);
}

std::vector<int32_t> LoadedModel::Render(const engine::Messages& messages) const {
  return RenderObservation(chat_, messages).ids;
}

std::vector<ProductRate> ProductRatesOn(at::Device device, const std::string& dtype) {
  const at::ScalarType type = dtype == "fp32" ? at::kFloat : at::kBFloat16;
  std::vector<int64_t> sizes{1024, 2048};
  if (!device.is_cpu()) sizes = {4096, 8192};
  ProductRate rate{.kernel = "at::mm"};
  for (const int64_t size : sizes) {
    const auto options = at::TensorOptions().dtype(type).device(device);
    const at::Tensor a = at::randn({size, size}, at::TensorOptions().device(device)).to(options);
    const at::Tensor b = a.clone();
    at::Tensor out = at::empty({size, size}, options);
    const double seconds = LeastSeconds([&] { WaitFor(at::mm_out(out, a, b)); });
    rate.flops_per_s = std::max(rate.flops_per_s, 2.0 * static_cast<double>(size * size * size) / seconds);
  }
  return {rate};
}

std::vector<ProductRate> LoadedModel::ProductRates(const std::string& dtype) {
  return ProductRatesOn(decoder_->device(), dtype);
}

double LoadedModel::DeviceReadBytesPerSecond() {
  if (on_cpu()) return 0;
  const int64_t elements = int64_t{1} << 28;
  const at::Tensor data = at::ones({elements}, at::TensorOptions().device(decoder_->device()));
  return 4.0 * static_cast<double>(elements) / LeastSeconds([&] { WaitFor(data.sum()); });
}

Result<at::Device> ChooseDevice(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !CudaIsAvailable())) return at::Device(at::kCPU);
  if ((name == "auto" || name == "cuda") && CudaIsAvailable()) return at::Device(at::kCUDA);
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("there is no device `{}` here; known are auto, cpu, cuda", name));
}

Result<std::unique_ptr<MeasuredModel>> Open(MeasuredModelOptions options) {
  TuneAllocator();
  if (options.dtype != "fp32" && options.dtype != "bf16" && options.dtype != "int8") {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("unknown dtype `{}`; known are fp32, bf16, int8", options.dtype));
  }
  JADE_ASSIGN_OR_RETURN(const at::Device device, ChooseDevice(options.device));
  if (options.threads <= 0) options.threads = GetBackboneFacts().threads;
  at::set_num_threads(options.threads);
  std::optional<tokenizer::Tokenizer> tokenizer;
  std::shared_ptr<Decoder> decoder;
  if (options.path.empty()) {
    JADE_TRY(weights::ValidateModelConfig(options.shape));
    JADE_ASSIGN_OR_RETURN(tokenizer, tokenizer::Tokenizer::LoadTokenizerJson(options.tokenizer));
    decoder = std::make_shared<Decoder>(options.shape, device);
    decoder->InitialiseRandom(options.seed);
  } else {
    JADE_ASSIGN_OR_RETURN(const weights::ModelFiles files, weights::ModelFiles::Open(options.path));
    JADE_ASSIGN_OR_RETURN(tokenizer, files.LoadTokenizer());
    JADE_ASSIGN_OR_RETURN(decoder, LoadDecoder(files, device));
  }
  if (tokenizer->vocab_size() > decoder->config().vocab_size) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("the tokenizer has {} tokens, the model's vocabulary {}",
                                                          tokenizer->vocab_size(), decoder->config().vocab_size));
  }
  const kernels::Number number = options.dtype == "int8" ? kernels::Number::kInt8 : kernels::Number::kFp32;
  JADE_TRY(CheckNumber(number, device));
  JADE_ASSIGN_OR_RETURN(tokenizer::ChatFormat chat, tokenizer::ChatFormat::Detect(*tokenizer));
  return std::unique_ptr<MeasuredModel>(
      std::make_unique<LoadedModel>(std::move(decoder), std::move(chat), std::move(options)));
}

}  // namespace

Result<std::unique_ptr<MeasuredModel>> OpenMeasuredModel(const MeasuredModelOptions& options) {
  try {
    return Open(options);
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "not enough memory for the weights");
  } catch (const std::exception& error) {
    return Error(ErrorCode::kUnavailable, error.what()).Wrap("making the model to be measured");
  }
}

std::vector<ProductRate> CpuProductRates(const std::string& dtype) {
  return ProductRatesOn(at::kCPU, dtype);
}

weights::ModelConfig SmolLm2Shape() {
  weights::ModelConfig c;
  c.vocab_size = 49152, c.hidden_size = 576, c.layers = 30, c.heads = 9, c.kv_heads = 3, c.head_dim = 64;
  c.ffn_size = 1536, c.max_positions = 8192, c.rope_theta = 100000, c.tied_embeddings = true;
  return c;
}

}  // namespace jade::backbone
