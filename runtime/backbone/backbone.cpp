#include "runtime/backbone/backbone.h"

#include <fmt/format.h>
#include <malloc.h>

#include <filesystem>
#include <thread>

#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/make_engine.h"
#include "runtime/backbone/model_io.h"
#include "runtime/tokenizer/difference.h"
#include "runtime/weights/model_files.h"

namespace jade::backbone {
namespace {

std::string ModelName(const std::string& path) {
  std::filesystem::path p(path);
  if (!p.has_filename()) p = p.parent_path();
  return p.filename().string();
}

// What serves a policy, before its weights are read.
struct Opened {
  weights::ModelFiles files;
  tokenizer::ChatFormat chat;
};

Result<Opened> Open(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(weights::ModelFiles files, weights::ModelFiles::Open(path));
  JADE_ASSIGN_OR_RETURN(const tokenizer::Tokenizer tokenizer, files.LoadTokenizer());
  JADE_ASSIGN_OR_RETURN(tokenizer::ChatFormat chat, tokenizer::ChatFormat::Detect(tokenizer));
  if (tokenizer.vocab_size() > files.config().vocab_size) {
    return Error(ErrorCode::kCorrupt, fmt::format("the tokenizer has {} tokens, the model's vocabulary {}",
                                                  tokenizer.vocab_size(), files.config().vocab_size));
  }
  return Opened{std::move(files), std::move(chat)};
}

Result<std::shared_ptr<Decoder>> LoadPolicy(const std::string& path, const Opened& model, const std::string& model_path,
                                            at::Device device) {
  JADE_ASSIGN_OR_RETURN(const Opened opened, Open(path));
  const std::string shape = ShapeDifference(model.files.config(), opened.files.config());
  if (!shape.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`{}` has another shape than `{}`: {}", path, model_path, shape));
  }
  const std::string tokens = tokenizer::Difference(model.chat, opened.chat);
  if (!tokens.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`{}` has another tokenizer than `{}`: {}", path, model_path, tokens));
  }
  return LoadDecoder(opened.files, device);
}

// The model first, which has no name.
Result<std::vector<NamedDecoder>> LoadPolicies(const BackboneOptions& options, const Opened& model, at::Device device) {
  const auto place = [](const std::string& path) {
    std::error_code failed;
    const auto canonical = std::filesystem::canonical(path, failed);
    return failed ? path : canonical.string();
  };
  std::map<std::string, std::shared_ptr<Decoder>> loaded;  // by place
  std::vector<NamedDecoder> policies;
  JADE_ASSIGN_OR_RETURN(auto decoder, LoadDecoder(model.files, device));
  loaded[place(options.model)] = decoder;
  policies.push_back({"", std::move(decoder)});
  for (const auto& [name, path] : options.policies) {
    std::shared_ptr<Decoder>& known = loaded[place(path)];
    if (known == nullptr) {
      auto made = LoadPolicy(path, model, options.model, device);
      if (!made.ok()) return std::move(made).error().Wrap(fmt::format("policy `{}`", name));
      known = std::move(*made);
    }
    policies.push_back({name, known});
  }
  return policies;
}

Result<std::unique_ptr<engine::Engine>> Load(const BackboneOptions& options) {
  TuneAllocator();
  JADE_ASSIGN_OR_RETURN(const at::Device device, ChooseDevice(options.device));
  JADE_ASSIGN_OR_RETURN(Opened model, Open(options.model));
  JADE_ASSIGN_OR_RETURN(const kernels::Number number, ChooseNumber(options.dtype, device, model.files.config()));
  JADE_TRY(CheckNumber(number, device));
  JADE_ASSIGN_OR_RETURN(const std::vector<NamedDecoder> policies, LoadPolicies(options, model, device));
  EngineOptions served;
  served.weights = number;
  served.kv_cache_bytes = options.kv_cache_bytes;
  served.threads = options.threads > 0 ? options.threads : UsableProcessors();
  served.serving.name = ModelName(options.model);
  served.serving.deterministic = options.deterministic;
  served.serving.max_sequences = options.max_sequences;
  served.serving.prefill_tokens = options.prefill_tokens;
  JADE_ASSIGN_OR_RETURN(auto made, MakeEngine(policies, std::move(model.chat), served));
  return std::unique_ptr<engine::Engine>(std::move(made));
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> LoadBackbone(const BackboneOptions& options) {
  try {
    auto engine = Load(options);
    if (!engine.ok()) engine.error().Wrap(fmt::format("loading the backbone `{}`", options.model));
    return engine;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, fmt::format("not enough memory for the weights of `{}`", options.model));
  } catch (const c10::Error& error) {
    return Error(ErrorCode::kUnavailable, error.what_without_backtrace())
        .Wrap(fmt::format("loading the backbone `{}`", options.model));
  } catch (const std::exception& error) {
    return Error(ErrorCode::kUnavailable, error.what()).Wrap(fmt::format("loading the backbone `{}`", options.model));
  }
}

BackboneFacts GetBackboneFacts() {
  BackboneFacts facts;
  facts.libtorch = TORCH_VERSION;
  facts.kernels = kernels::BestServingTable().name;
  facts.cuda = CudaIsAvailable();
  facts.threads = UsableProcessors();
  facts.fast_bf16 = ProcessorMultipliesBf16();
  return facts;
}

void TuneAllocator() {
#if defined(__GLIBC__)
  // What is mapped is cleared by the kernel each time, and blocks above 32 MiB are, whatever the threshold.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);  // other arenas are cut into 64 MiB heaps and map what is larger
#endif
}

}  // namespace jade::backbone
