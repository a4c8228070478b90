#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/model_file.h"
#include "cli/terminal.h"
#include "runtime/assets/assets.h"
#include "runtime/backbone/backbone.h"
#include "runtime/backbone/serving.h"
#include "runtime/train/sft.h"

namespace jade::cli {
namespace {

nlohmann::ordered_json SummaryJson(const train::SftSummary& summary) {
  nlohmann::ordered_json json{
      {"output", summary.output}, {"interrupted", summary.interrupted}, {"parameters", summary.parameters},
      {"steps", summary.steps},   {"tokens", summary.tokens},           {"seconds", summary.seconds},
      {"loss", summary.loss}};
  if (summary.has_dev) {
    json["dev"] = {{"loss", summary.dev_loss}, {"match", summary.dev_match}, {"by_role", summary.dev_match_by_role}};
  }
  return json;
}

}  // namespace

Status EnterBackbone(char** /*arguments*/) {
  return {};
}

Result<std::unique_ptr<engine::Engine>> LoadEngine(const settings::Backbone& backbone) {
  JADE_ASSIGN_OR_RETURN(const std::string path, assets::FindModel(backbone.model));
  backbone::BackboneOptions options;
  options.model = ModelFile(path);
  options.device = backbone.device;
  options.dtype = backbone.dtype;
  options.kv_cache_bytes = static_cast<int64_t>(backbone.kv_cache);
  options.threads = static_cast<int>(backbone.threads);
  options.deterministic = backbone.deterministic;
  for (const auto& [name, model] : backbone.policies) {
    auto found = assets::FindModel(model);
    if (!found.ok()) return std::move(found).error().Wrap(fmt::format("policy `{}`", name));
    options.policies[name] = ModelFile(*found);
  }
  return backbone::LoadBackbone(options);
}

std::optional<eval::EngineUse> UseOf(const engine::Engine& engine) {
  const auto* serving = dynamic_cast<const backbone::ServingEngine*>(&engine);
  if (serving == nullptr) return std::nullopt;
  const backbone::ServingStatistics counted = serving->statistics();
  const auto seconds = [](int64_t us) { return 1e-6 * static_cast<double>(us); };
  eval::EngineUse use;
  use.steps = counted.steps;
  use.prompt_tokens = counted.prefill_tokens + counted.cached_tokens;
  use.cached_tokens = counted.cached_tokens;
  use.decode_tokens = counted.decode_tokens;
  use.kv_peak_bytes = counted.peak_used_blocks * counted.block_bytes;
  use.executor_seconds = seconds(counted.executor_us);
  use.sampling_seconds = seconds(counted.sampling_us);
  use.scheduling_seconds = seconds(counted.scheduling_us);
  use.tokenising_seconds = seconds(counted.tokenising_us);
  return use;
}

std::vector<Finding> BackboneFindings() {
  const auto facts = backbone::GetBackboneFacts();
  return {{"libtorch", facts.libtorch, ""},
          {"device", facts.cuda ? "cuda" : "cpu", ""},
          {"threads", std::to_string(facts.threads), ""},
          {"kernels", facts.kernels + (facts.fast_bf16 ? ", bf16" : ""), ""}};
}

int RunSftCommand(const SftCommand& options, const std::atomic<bool>* cancel) {
  const auto config = train::LoadSftConfig(options.config);
  if (!config.ok()) return Fail(config.error());
  train::SftOptions sft;
  sft.resume = options.resume;
  sft.cancel = cancel;
  ProgressBar bar;
  const auto summary = train::RunSft(*config, bar, sft);
  if (!summary.ok()) return Fail(summary.error());
  if (options.json) {
    fmt::print("{}\n", SummaryJson(*summary).dump());
  } else if (summary->interrupted) {
    fmt::print(stderr, "interrupted at step {}: `jade sft {} --resume` goes on from there\n", summary->steps,
               options.config);
  } else {
    fmt::print("{}: {} parameters, {} steps, {} tokens in {}, loss {:.4f}\n", summary->output,
               HumanCount(static_cast<uint64_t>(summary->parameters)), summary->steps,
               HumanCount(static_cast<uint64_t>(summary->tokens)), HumanDuration(summary->seconds), summary->loss);
  }
  return summary->interrupted ? kInterrupted : kFine;
}

}  // namespace jade::cli
