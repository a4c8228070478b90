#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/model_file.h"
#include "cli/terminal.h"
#include "runtime/assets/assets.h"
#include "runtime/backbone/backbone.h"
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
