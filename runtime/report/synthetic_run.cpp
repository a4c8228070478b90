#include "runtime/report/synthetic_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "runtime/metrics/alarms.h"
#include "runtime/metrics/metrics_writer.h"

namespace jade::report {
namespace {

using metrics::Plans;
using metrics::Sample;
using metrics::Scalars;

constexpr std::array<const char*, 7> kRoles = {"AG", "AS", "DS", "MakePlan", "QDS", "QR", "SubPlan"};

// About normal, the same on every machine: the sum of uniform numbers.
class Noise {
 public:
  explicit Noise(uint64_t seed) : engine_(seed) {}
  double operator()(double deviation) {
    double sum = 0;
    for (int i = 0; i < 6; ++i) sum += static_cast<double>(engine_() >> 11U) * 0x1.0p-53 - 0.5;
    return deviation * sum * std::sqrt(2.0);
  }

 private:
  std::mt19937_64 engine_;
};

// From 0 to 1, fast at first.
double Learnt(const SyntheticRun& run, int64_t step) {
  return 1 - std::exp(-4.0 * static_cast<double>(step) / static_cast<double>(std::max<int64_t>(run.steps, 1)));
}

bool Collapsing(const SyntheticRun& run, int64_t step) {
  return run.collapses && step > run.steps * 6 / 10;
}

void AddRoles(const SyntheticRun& run, int64_t step, Noise& noise, Scalars* scalars) {
  const double learnt = Learnt(run, step);
  for (size_t i = 0; i < kRoles.size(); ++i) {
    const std::string role = fmt::format("role/{}/", kRoles[i]);
    const bool is_bad = Collapsing(run, step) && i == 5;
    const double start = 0.62 + 0.05 * static_cast<double>(i);
    const double valid = std::clamp(start + (0.995 - start) * learnt + noise(0.012) - (is_bad ? 0.25 : 0.0), 0.0, 1.0);
    Scalars& s = *scalars;
    s[role + "valid"] = valid;
    s[role + "calls"] = 128 * (1 + 0.4 * static_cast<double>(i)) * (1 - 0.2 * learnt) + noise(6);
    s[role + "length"] = 8 + 9 * static_cast<double>(i) + noise(1) + (is_bad ? 4.0 : 0.0);
    s[role + "entropy"] = is_bad ? 0.004 : (0.9 - 0.5 * learnt) * (0.3 + 0.1 * static_cast<double>(i)) + noise(0.01);
    s[role + "kl"] = 0.08 * learnt * (1 + 0.2 * static_cast<double>(i)) + std::fabs(noise(0.004));
    s[role + "clip_fraction"] = std::max(0.0, 0.02 + noise(0.006));
    s[role + "reward"] = 0.3 + run.gain * learnt - 2 * (1 - valid) + noise(0.02);
    s[role + "advantage_mean"] = noise(0.02);
    s[role + "advantage_variance_team"] = 0.14 + noise(0.008);
    s[role + "advantage_variance_penalty"] = 4 * valid * (1 - valid) + std::fabs(noise(0.004));
    s[role + "advantage_variance"] = 0.14 + 4 * valid * (1 - valid);
    s[role + "value_error"] = 0.2 * (1 - 0.6 * learnt) + std::fabs(noise(0.01));
    s[role + "too_long"] = std::max(0.0, 0.03 * (1 - learnt) + noise(0.003));
  }
}

Scalars TrainScalars(const SyntheticRun& run, int64_t step, Noise& noise) {
  const double learnt = Learnt(run, step);
  const double saving = std::min(1.0, run.alpha + run.beta) * learnt;
  Scalars s;
  s["reward/f1"] = 0.30 + (run.gain - 0.1 * saving) * learnt + noise(0.03);
  s["run/turns"] = 2.6 - 0.3 * learnt - 1.2 * saving + noise(0.06);
  s["run/retrievals"] = 1.9 - 0.2 * learnt - 1.1 * saving + noise(0.05);
  s["reward/cost"] = run.alpha * (s["run/turns"] - 1) / 3 + run.beta * s["run/retrievals"] / 3;
  s["reward/mean"] = s["reward/f1"] - s["reward/cost"];
  s["run/tokens"] = 120 - 20 * learnt + noise(4);
  s["run/failed"] = std::max(0.0, 0.02 * (1 - learnt) + noise(0.002));
  AddRoles(run, step, noise, &s);
  s["policy/loss"] = -0.01 - 0.02 * learnt + noise(0.004);
  s["policy/clip_fraction"] = std::max(0.0, 0.02 + noise(0.004));
  s["policy/grad_norm"] = 0.8 + 0.5 * (1 - learnt) + std::fabs(noise(0.15));
  s["value/loss"] = 0.12 * (1 - 0.6 * learnt) + std::fabs(noise(0.006));
  s["value/explained_variance"] = 0.75 * learnt + noise(0.03) - 0.05;
  s["train/mismatch_kl"] = 3e-6 * (1 + learnt) * std::exp(noise(0.3));
  s["train/mismatch_max"] = 4e-5 * std::exp(noise(0.25));
  s["time/rollout"] = 5.2 - 1.0 * learnt + noise(0.2);
  s["time/update"] = 7.4 - 0.8 * learnt + noise(0.2);
  s["time/step"] = s["time/rollout"] + s["time/update"] + 0.3;
  s["speed/update_tok_s"] = 21'000 + noise(400);
  s["speed/calls_s"] = 180 + 20 * learnt + noise(5);
  return s;
}

void AddDev(const SyntheticRun& run, int64_t step, Noise& noise, Scalars* scalars) {
  const double learnt = Learnt(run, step);
  const double saving = std::min(1.0, run.alpha + run.beta) * learnt;
  Scalars& s = *scalars;
  s["dev/f1"] = 0.33 + (run.gain - 0.1 * saving) * learnt + noise(0.008);
  s["dev/em"] = s["dev/f1"] - 0.06;
  s["dev/accuracy"] = s["dev/f1"] + 0.02;
  s["dev/turns"] = 2.5 - 0.3 * learnt - 1.2 * saving + noise(0.02);
  s["dev/retrievals"] = 1.8 - 0.2 * learnt - 1.1 * saving + noise(0.02);
  for (const char* role : kRoles) {
    const double valid = s[fmt::format("role/{}/valid", role)];
    s[fmt::format("dev/role/{}/valid", role)] = std::clamp(valid + 0.02 + noise(0.005), 0.0, 1.0);
  }
}

Plans PlansOf(const SyntheticRun& run, int64_t step, int64_t questions, Noise& noise) {
  const double learnt = Learnt(run, step);
  const auto count = [&](double share) {
    return std::max<int64_t>(0, std::llround(static_cast<double>(questions) * share * (1 + noise(0.08))));
  };
  Plans plans;
  plans["single"] = {{"R,AG", count(0.3 + 0.4 * learnt)},
                     {"QR,R,AG", count(0.3 - 0.1 * learnt)},
                     {"R,DS,AG", count(0.2)},
                     {"QDS", count(0.2 - 0.18 * learnt)}};
  plans["bridge"] = {{"R,AG", count(0.4 - 0.3 * learnt)},
                     {"QDS", count(0.3 + 0.45 * learnt)},
                     {"QR,R,DS,AG", count(0.2 - 0.1 * learnt)},
                     {"QDP", count(0.1 - 0.05 * learnt)}};
  plans["comparison"] = {{"R,AG", count(0.4 - 0.3 * learnt)},
                         {"QDP", count(0.2 + 0.5 * learnt)},
                         {"QDS", count(0.3 - 0.15 * learnt)},
                         {"AG", count(0.1 - 0.05 * learnt)}};
  return plans;
}

Sample SampleOf(const SyntheticRun& run, bool is_after) {
  Sample sample;
  sample.id = "bridge-17";
  sample.question = "Which river flows through the city where the author of \"The Salt Road\" was born?";
  sample.type = "bridge";
  sample.gold = {"Velna", "the Velna"};
  sample.answer = is_after ? "the Velna" : "The Salt Road";
  sample.f1 = is_after ? 1 : 0;
  const std::string plan = is_after ? "<workflow>QDS</workflow>" : "<workflow>R,AG</workflow>";
  sample.calls.push_back(
      {"Solve/MakePlan", "MakePlan", "Choose a workflow.\nQuestion: " + sample.question, plan, "valid", 0});
  if (!is_after) {
    const std::string action = run.sample_text.empty() ? "The author is <answer>The Salt Road" : run.sample_text;
    sample.calls.push_back({"Solve/R", "R", "", "5 passages", "not_checked", 0});
    sample.calls.push_back({"Solve/AG", "AG", "Answer the question.", action, "malformed", -2});
    return sample;
  }
  sample.calls.push_back({"Solve/QDS", "QDS", "Split the question.",
                          "<q1>Who wrote \"The Salt Road\"?</q1><q2>Where was this author born?</q2>"
                          "<q3>Which river flows through it?</q3>",
                          "valid", 0});
  const std::array<const char*, 3> answers = {"Ilse Maran", "Orvik", "the Velna"};
  for (size_t i = 0; i < answers.size(); ++i) {
    const std::string path = fmt::format("Solve/QDS/fold[{}]/", i);
    sample.calls.push_back({path + "QR", "QR", "Rewrite.", "<query>Ilse Maran born in</query>",
                            i == 1 ? "invalid" : "valid", i == 1 ? -2.0 : 0.0});
    sample.calls.push_back({path + "R", "R", "", "5 passages", "not_checked", 0});
    sample.calls.push_back({path + "AG", "AG", "Answer.", fmt::format("<answer>{}</answer>", answers[i]), "valid", 0});
  }
  sample.calls.push_back({"Solve/QDS/AS", "AS", "Summarise.", "<answer>the Velna</answer>", "valid", 0});
  return sample;
}

Status WriteStep(const SyntheticRun& run, int64_t step, Noise& noise, metrics::MetricsWriter& writer,
                 std::vector<metrics::StepRecord>* history) {
  metrics::StepRecord record{step, TrainScalars(run, step, noise), PlansOf(run, step, 64, noise)};
  if (step % 10 == 0 || step == run.steps) {
    AddDev(run, step, noise, &record.scalars);
    JADE_TRY(writer.AddPlans(step, "dev", PlansOf(run, step, 100, noise)));
  }
  JADE_TRY(writer.Add(step, 13.1 * static_cast<double>(step), record.scalars));
  JADE_TRY(writer.AddPlans(step, "train", record.plans));
  history->push_back(std::move(record));
  for (const metrics::Alarm& alarm : metrics::NewAlarms(*history)) JADE_TRY(writer.AddAlarm(alarm));
  return {};
}

}  // namespace

Status WriteSyntheticRun(const std::string& folder, const SyntheticRun& run) {
  JADE_ASSIGN_OR_RETURN(metrics::MetricsWriter writer,
                        metrics::MetricsWriter::Open({.folder = folder, .unix_seconds = [] { return 1.7e9; }}));
  JADE_TRY(writer.WriteRun({.name = run.name,
                            .started = "2026-01-15T08:00:00Z",
                            .config = {{"params.alpha", fmt::format("{:g}", run.alpha)},
                                       {"params.beta", fmt::format("{:g}", run.beta)},
                                       {"batch.questions", int64_t{128}},
                                       {"optimiser.lr", 3e-5},
                                       {"freeze", std::string("none")}},
                            .arm = run.arm,
                            .seed = run.seed,
                            .model = "nano",
                            .workflow = "workflows/jade.jade",
                            .data = "data/atlas/train.jsonl",
                            .machine = {{"cores", int64_t{2}}, {"memory_gib", int64_t{24}}}}));
  Noise noise(run.seed);
  std::vector<metrics::StepRecord> history;
  for (int64_t step = 0; step <= run.steps; ++step) JADE_TRY(WriteStep(run, step, noise, writer, &history));
  JADE_TRY(writer.AddSample(0, SampleOf(run, /*is_after=*/false)));
  return writer.AddSample(run.steps, SampleOf(run, /*is_after=*/true));
}

}  // namespace jade::report
