#include "bench/tier_bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>

#include "bench/programs.h"
#include "bench/quantile.h"
#include "runtime/assets/assets.h"
#include "runtime/interp/interpreter.h"
#include "runtime/jit/tiers.h"
#include "runtime/session/plan_cache.h"

namespace jade::bench {

namespace {

using Clock = std::chrono::steady_clock;

// Functions that make no calls. The first ones compute, the texts are mostly the runtime's own work.
struct Kernel {
  const char* name;  // of the workflow
  int64_t size;
  bool text;
};
constexpr Kernel kKernels[] = {{"Squares", 30'000, false}, {"Collatz", 97, false},      {"Primes", 2'000, false},
                               {"Escape", 60, false},      {"Filtered", 30'000, false}, {"Pairs", 150, false},
                               {"Digits", 3'000, true},    {"Longest", 3'000, true}};

constexpr std::string_view kKernelProgram = R"(
record Point { x: Int, y: Int }
record Orbit { re: Float, im: Float, steps: Int }

workflow Squares(n: Int) -> Int { fold i in range(n) with sum: Int = 0 { sum + i * i % 7 } }
workflow Collatz(n: Int) -> Int {
  let last = repeat up to 10000 with p = Point(n, 0) {
    let next = if p.x % 2 == 0 { p.x / 2 } else { 3 * p.x + 1 }
    Point(next, p.y + 1)
    until next == 1
  }
  last.y
}
workflow Primes(n: Int) -> Int {
  fold i in range(n) with count: Int = 0 {
    let divisor = repeat up to n with d = 2 { if i % d == 0 { d } else { d + 1 } until i < 4 or d * d > i or i % d == 0 }
    if i > 1 and (i < 4 or i % divisor != 0) { count + 1 } else { count }
  }
}
workflow Escape(n: Int) -> Int {
  fold row in range(n) with total: Int = 0 {
    let steps = fold column in range(n) with sum: Int = 0 {
      let re = -2.0 + 3.0 * (0.0 + column) / (0.0 + n)
      let im = -1.5 + 3.0 * (0.0 + row) / (0.0 + n)
      let x = repeat up to 50 with z = re { z * z + re - im * im until z > 2.0 or z < -2.0 }
      if x > 0.0 { sum + 1 } else { sum }
    }
    total + steps
  }
}
workflow Filtered(n: Int) -> Int { sum([i * 3 for i in range(n) if i % 3 != 1]) }
workflow Pairs(n: Int) -> Int {
  let xs = [i * 17 % 101 for i in range(n)]
  fold a in xs with best: Int = 0 { fold b in xs with least: Int = best { if a * b % 97 > least { a * b % 97 } else { least } } }
}
workflow Digits(n: Int) -> Int { fold i in range(n) with sum: Int = 0 { sum + len("{i}") } }
workflow Longest(n: Int) -> Text {
  fold i in range(n) with best: Text = "" { let t = "{i * i % 1000}x"; if len(t) > len(best) { t } else { best } }
}
)";

std::unique_ptr<jit::Tiers> MakeTiers(const std::shared_ptr<jit::Jit>& jit) {
  return std::make_unique<jit::Tiers>(jit, jit::TierOptions{.at_once = true});
}

// Microseconds of one run of a kernel; least of `rounds`.
Result<double> TimeKernel(const session::ProgramPtr& program, const Kernel& kernel, interp::CodeSource* code,
                          int rounds, std::string* value) {
  const ir::FunctionId function = program->module()->FindFunction(kernel.name);
  double least = 0;
  for (int i = 0; i < rounds; ++i) {
    const Clock::time_point start = Clock::now();
    const interp::PureResult result = interp::EvaluatePure(program->module(), function, {abi::Value::Int(kernel.size)},
                                                           {}, {}, nullptr, int64_t{1} << 40, code);
    const double time = Micros(Clock::now() - start);
    if (result.trap) return Error(ErrorCode::kCorrupt, fmt::format("{}: {}", kernel.name, result.trap->ToString()));
    if (i == 0 || time < least) least = time;
    *value = abi::DisplayText(result.value);
  }
  return least;
}

// By how much each kernel is faster compiled. The figure of all is that of the slowest of those that compute.
Status AddKernels(const std::shared_ptr<jit::Jit>& jit, std::vector<Figure>& figures) {
  JADE_ASSIGN_OR_RETURN(const session::ProgramPtr program, LoadProgram(kKernelProgram));
  const auto tiers = MakeTiers(jit);
  double least = 0;
  for (const Kernel& kernel : kKernels) {
    std::string interpreted;
    std::string compiled;
    JADE_ASSIGN_OR_RETURN(const double tier1, TimeKernel(program, kernel, tiers.get(), 7, &compiled));
    JADE_ASSIGN_OR_RETURN(const double tier0, TimeKernel(program, kernel, nullptr, 3, &interpreted));
    if (interpreted != compiled) {
      return Error(ErrorCode::kCorrupt, fmt::format("{} gives {} and {}", kernel.name, interpreted, compiled));
    }
    const double ratio = tier0 / tier1;
    figures.push_back({fmt::format("compute.{}.tier1.us", kernel.name), tier1, "us"});
    figures.push_back({fmt::format("compute.{}.tier1_over_tier0", kernel.name), ratio, "x"});
    if (!kernel.text && (least == 0 || ratio < least)) least = ratio;
  }
  figures.push_back({"compute.tier1_over_tier0", least, "x"});
  return {};
}

// Milliseconds until the functions of a module can be entered.
Result<double> TimeCompile(const std::shared_ptr<jit::Jit>& jit, const ir::Module& module, int rounds, bool cached) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const Clock::time_point start = Clock::now();
    JADE_ASSIGN_OR_RETURN(const jit::ModuleCodePtr code, jit->Compile(module));
    times.push_back(Micros(Clock::now() - start) / 1000);
    if (code->from_cache() != cached && (cached || i == 0)) {
      return Error(ErrorCode::kCorrupt, "the object did not come from where it should");
    }
  }
  return Quantile(times, 0.5);
}

Status AddModule(std::vector<Figure>& figures) {
  JADE_ASSIGN_OR_RETURN(const std::string path, assets::FindShipped("workflows/jade.jade"));
  JADE_ASSIGN_OR_RETURN(const session::Loaded loaded, session::Program::LoadFile(path));
  if (loaded.program == nullptr) return Error(ErrorCode::kCorrupt, path + " does not load");
  const ir::Module& module = *loaded.program->module();
  JADE_ASSIGN_OR_RETURN(const std::shared_ptr<jit::Jit> cold, jit::Jit::Create({}));
  JADE_ASSIGN_OR_RETURN(const double cold_ms, TimeCompile(cold, module, 5, false));
  figures.push_back({"jit.module.cold.ms", cold_ms, "ms"});

  const std::string folder = (std::filesystem::temp_directory_path() / fmt::format("jade_bench_{}", getpid())).string();
  jit::JitOptions options;
  options.cache_directory = folder;
  JADE_ASSIGN_OR_RETURN(const std::shared_ptr<jit::Jit> cached, jit::Jit::Create(options));
  const auto first = TimeCompile(cached, module, 1, false);
  const auto again = TimeCompile(cached, module, 15, true);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!first.ok()) return first.error();
  if (!again.ok()) return again.error();
  figures.push_back({"jit.module.cached.ms", *again, "ms"});

  // A plan of four stages, as a planner of that program writes it.
  session::PlanCache plans(loaded.program);
  const ir::CalleeId planner = module.FindCallee("MakePlan");
  const call::CompiledPlan plan = plans.Compile(loaded.program->module(), planner, "QR,R,DS,AG", 1);
  if (!plan.plan) return Error(ErrorCode::kCorrupt, plan.diagnostics_json);
  const auto* target = dynamic_cast<const interp::PlanFunction*>(plan.plan->as_plan().get());
  JADE_ASSIGN_OR_RETURN(const double plan_ms, TimeCompile(cold, *target->module(), 15, false));
  figures.push_back({"jit.plan.ms", plan_ms, "ms"});
  return {};
}

}  // namespace

Result<std::vector<Figure>> BenchTiers() {
  std::vector<Figure> figures;
  JADE_TRY(AddModule(figures));
  JADE_ASSIGN_OR_RETURN(const std::shared_ptr<jit::Jit> jit, jit::Jit::Create({}));
  JADE_TRY(AddKernels(jit, figures));
  return figures;
}

Result<std::unique_ptr<interp::CodeSource>> MakeCompiledCode() {
  JADE_ASSIGN_OR_RETURN(const std::shared_ptr<jit::Jit> jit, jit::Jit::Create({}));
  return std::unique_ptr<interp::CodeSource>(MakeTiers(jit));
}

}  // namespace jade::bench
