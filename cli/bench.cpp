// jade bench compiler|engine|plans|train

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "bench/compiler_bench.h"
#include "bench/plan_churn.h"
#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/tier.h"

namespace jade::cli {
namespace {

struct BenchOptions {
  bool json = false;
  bench::PlanChurnOptions plans;
};

int Show(const Result<std::vector<bench::Figure>>& figures, bool json) {
  if (!figures.ok()) return Fail(figures.error());
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const bench::Figure& figure : *figures) {
    if (json) {
      list.push_back({{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}});
    } else {
      fmt::print("{:<26} {:>12.2f} {}\n", figure.name, figure.value, figure.unit);
    }
  }
  if (json) fmt::print("{}\n", list.dump());
  return kFine;
}

int BenchPlans(const BenchOptions& options, const Invocation& invocation) {
  std::unique_ptr<interp::CodeSource> code;
  if (options.plans.native_every > 0) {
    auto made = MakeCode({.mode = "jit", .expose = ""});
    if (!made.ok()) return Fail(made.error());
    code = std::move(*made);
  }
  ProgressBar bar;
  bench::PlanChurnOptions plans = options.plans;
  plans.progress = &bar;
  plans.cancel = invocation.cancel;
  return Show(bench::BenchPlanChurn(plans, code.get()), options.json);
}

void AddBenchEngine(CLI::App& bench, Invocation& invocation) {
  CLI::App* engine = bench.add_subcommand(
      "engine", "Prefill, decode and role calls beside what the machine allows, and beside llama.cpp");
  engine->footer(
      "Examples:\n  jade bench engine\n  jade bench engine --only engine.decode --contexts 512,2048\n"
      "  jade eval workflows/jade.jade --data qa.jsonl --record --trace calls.db\n"
      "  jade bench engine --replay calls.db --only engine.replay\n"
      "  jade bench engine --model smollm2-135m --compare llama.cpp/build/bin --compare-model smollm2-bf16.gguf "
      "--svg engine.svg");
  auto options = std::make_shared<EngineBenchCommand>();
  const CLI::Range some(1, 1'000'000);
  engine->add_option("--model", options->model, "a model; without it, random weights of SmolLM2-135M's shape");
  engine->add_option("--dtype", options->dtype, "of the weights")
      ->check(CLI::IsMember({"bf16", "fp32", "int8"}))
      ->capture_default_str();
  engine->add_option("--device", options->device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  engine->add_option("--threads", options->threads, "0: one for each processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  engine->add_option("--repetitions", options->repetitions, "samples of each row; a row is their median")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  engine->add_option("--batches", options->batches, "sequences that are decoded at once")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  engine->add_option("--contexts", options->contexts, "tokens that each of them has before")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000));
  engine->add_option("--calls", options->calls, "role calls of a sample")->check(some)->capture_default_str();
  engine->add_option("--slots", options->slots, "role calls in one batch")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  engine->add_option("--only", options->only, "measure only rows whose names begin so");
  engine->add_option("--replay", options->replay, "make the calls of this experience store again")
      ->check(CLI::ExistingFile);
  engine->add_option("--svg", options->svg, "draw the rows into this file");
  auto* compare = engine->add_option("--compare", options->compare, "folder with llama.cpp's tools, run in turn");
  engine->add_option("--compare-model", options->compare_model, "GGUF of the same shape for them")->needs(compare);
  compare->needs("--compare-model");
  engine->add_flag("--json", options->json, "print a JSON array of rows");
  engine->callback([options, &invocation] {
    invocation.action = [options, &invocation] {
      if (Status entered = EnterBackbone(invocation.arguments); !entered.ok()) return Fail(entered.error());
      return RunEngineBenchCommand(*options, invocation.cancel);
    };
  });
}

void AddBenchTrain(CLI::App& bench, Invocation& invocation) {
  CLI::App* train = bench.add_subcommand(
      "train", "Training updates beside the machine's peak of matrix products, and whole steps of joint training");
  train->footer(
      "Examples:\n  jade bench train --steps 3\n  jade bench train --only train.update\n"
      "  jade bench train --only train.smollm2 --model smollm2-135m --recompute-layers --json\n"
      "  jade bench train --only train.step --work steps && "
      "python3 scripts/bench_transformers_step.py steps/train.json");
  auto options = std::make_shared<TrainBenchCommand>();
  train->add_option("--model", options->model,
                    "of the steps of SmolLM2-135M's shape; without it, random weights and short replies");
  train->add_option("--dtype", options->dtype, "of the products; masters and moments are fp32")
      ->check(CLI::IsMember({"bf16", "fp32"}))
      ->capture_default_str();
  train->add_option("--threads", options->threads, "0: one for each processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  train->add_option("--repetitions", options->repetitions, "samples of an update's rows; a row is their median")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  train->add_option("--steps", options->steps, "samples of a whole step, which may take minutes; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  train->add_option("--questions", options->questions, "of a step")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  train->add_option("--work", options->work, "write the steps' calls into this folder, for other trainers");
  train->add_flag("--recompute-layers", options->recompute_layers, "keep no activations inside layers");
  train->add_option("--only", options->only, "measure only rows whose names begin so");
  train->add_flag("--json", options->json, "print a JSON array of rows");
  train->callback([options, &invocation] {
    invocation.action = [options, &invocation] {
      if (Status entered = EnterBackbone(invocation.arguments); !entered.ok()) return Fail(entered.error());
      return RunTrainBenchCommand(*options, invocation.cancel);
    };
  });
}

}  // namespace

void AddBenchCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* bench = app.add_subcommand("bench", "Measure JADE on this machine");
  bench->require_subcommand(1);
  CLI::App* compiler =
      bench->add_subcommand("compiler", "Plans from text to their first call, calls without a model, the front end");
  compiler->footer(
      "Examples:\n  jade bench compiler\n  jade bench compiler --json | jq '.[] | select(.unit == \"us\")'");
  compiler->add_flag("--json", options->json, "print a JSON array of {\"name\", \"value\", \"unit\"}");
  compiler->callback([options, &invocation] {
    invocation.action = [options] { return Show(bench::BenchCompiler({}), options->json); };
  });
  AddBenchEngine(*bench, invocation);
  AddBenchTrain(*bench, invocation);
  CLI::App* plans = bench->add_subcommand("plans", "Memory while ever new plans are compiled, run once and dropped");
  plans->footer(
      "Examples:\n  jade bench plans --plans 1000000 --kept 4096\n  jade bench plans --plans 20000 --native-every 1");
  plans->add_flag("--json", options->json, "print a JSON array of {\"name\", \"value\", \"unit\"}");
  const CLI::Range some(1, 1'000'000'000);
  plans->add_option("--plans", options->plans.plans, "how many")->check(some)->capture_default_str();
  plans->add_option("--kept", options->plans.kept, "capacity of the plan cache")->check(some)->capture_default_str();
  plans
      ->add_option("--native-every", options->plans.native_every,
                   "enter one plan in so many in machine code; 0: interpret them all")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  plans->callback([options, &invocation] {
    invocation.action = [options, &invocation] { return BenchPlans(*options, invocation); };
  });
}

}  // namespace jade::cli
