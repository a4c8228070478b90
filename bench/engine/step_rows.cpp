#include "bench/engine/step_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace jade::bench {
namespace {

constexpr uint64_t kSeed = 1;

// Of all steps of a sample.
Work WorkOf(const weights::ModelConfig& config, const ElementBytes& bytes, const StepPlan& plan) {
  Work work;
  StepShape shape = plan.shape;
  for (int64_t step = 0; step < plan.steps; ++step) {
    work += WorkOfStep(config, bytes, shape);
    shape.past += shape.tokens;
  }
  return work;
}

Status MeasureStep(backbone::MeasuredModel& model, const EngineBenchOptions& options, const StepCase& step,
                   StepTimer& timer, Meter& meter) {
  const StepPlan& plan = step.plan;
  const auto tokens = static_cast<double>(plan.shape.sequences * plan.shape.tokens * plan.steps);
  std::optional<LlamaCase> llama;
  if (options.compare) llama = LlamaCase::Step(*options.compare, plan.shape, plan.steps);
  meter.MeasureRead();
  JADE_TRY(timer.Prepare(plan));
  std::vector<double> samples;
  for (int repetition = 0; repetition < options.repetitions; ++repetition) {
    JADE_TRY(meter.NextSample(step.name));
    // llama.cpp's tools warm up before they measure, and have just emptied the caches.
    if (llama) {
      JADE_ASSIGN_OR_RETURN([[maybe_unused]] const double warming_up, timer.Run());
    }
    JADE_ASSIGN_OR_RETURN(const double seconds, timer.Run());
    samples.push_back(tokens / seconds);
    if (llama) JADE_TRY(llama->Sample());
  }
  meter.Add(MakeRow(step.name, "tokens/s", std::move(samples)), WorkOf(model.config(), meter.element_bytes(), plan),
            tokens);
  if (llama) meter.AddTwin(*llama);
  return {};
}

}  // namespace

std::vector<StepCase> StepCases(const EngineBenchOptions& options) {
  std::vector<StepCase> cases{{"engine.prefill512.tok_s", {.shape = {.tokens = 512}}},
                              {"engine.suffix64.tok_s", {.shape = {.past = 512, .tokens = 64}}}};
  const int64_t most = *std::max_element(options.batches.begin(), options.batches.end());
  for (const int64_t context : options.contexts) {
    const std::string suffix = context == 512 ? "" : fmt::format(".c{}", context);
    for (const int64_t batch : options.batches) {
      cases.push_back({fmt::format("engine.decode.b{}{}.tok_s", batch, suffix),
                       {.shape = {.sequences = batch, .past = context}, .steps = options.decode_steps}});
    }
    const int64_t shared = context / backbone::kKvBlockTokens * backbone::kKvBlockTokens;
    cases.push_back(
        {fmt::format("engine.decode_shared.b{}{}.tok_s", most, suffix),
         {.shape = {.sequences = most, .past = context, .shared_past = shared}, .steps = options.decode_steps}});
  }
  std::erase_if(cases, [&](const StepCase& step) { return !step.name.starts_with(options.only); });
  return cases;
}

Result<int64_t> MeasureSteps(backbone::MeasuredModel& model, const EngineBenchOptions& options,
                             const std::vector<StepCase>& cases, Meter& meter) {
  int64_t blocks = 0;
  for (const StepCase& step : cases) blocks = std::max(blocks, BlocksOf(step.plan));
  const weights::ModelConfig& c = model.config();
  // Room for an executor that holds keys and values in fp32 whatever the type.
  const int64_t block_bytes = 2 * c.layers * c.kv_heads * c.head_dim * backbone::kKvBlockTokens * 4;
  JADE_ASSIGN_OR_RETURN(const auto executor, model.MakeExecutor(blocks * block_bytes));
  StepTimer timer(*executor, kSeed);
  for (const StepCase& step : cases) {
    if (Status measured = MeasureStep(model, options, step, timer, meter); !measured.ok()) {
      return Error(measured.error()).Wrap("measuring " + step.name);
    }
  }
  return executor->block_count() * executor->block_bytes();
}

}  // namespace jade::bench
