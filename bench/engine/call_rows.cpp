#include "bench/engine/call_rows.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "bench/engine/call_plan.h"
#include "bench/engine/replay.h"
#include "runtime/files/atomic_file.h"

namespace jade::bench {
namespace {

// Role calls take long and vary less than single steps.
constexpr int kMostRepetitions = 3;
constexpr int64_t kWarmUpTokens = 30;

// A folder for what other programs read; removed in the end.
class ScratchFolder {
 public:
  static Result<ScratchFolder> Make() {
    std::error_code ec;
    std::string name = (std::filesystem::temp_directory_path(ec) / "jade-bench-XXXXXX").string();
    if (ec || ::mkdtemp(name.data()) == nullptr) return Error(ErrorCode::kIo, "cannot make a temporary folder");
    return ScratchFolder(std::move(name));
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ec;
    if (!path_.empty()) std::filesystem::remove_all(path_, ec);
  }
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Calls that are under way at once.
int Sequences(const EngineBenchOptions& options, bool plain) {
  return plain ? std::max(options.questions, options.slots) : options.slots;
}

// The least that must be done: the shared prompt once (in the plain style by every call), what each call has of its
// own, and as many steps of decode as full batches need.
Work WorkOf(const weights::ModelConfig& config, const ElementBytes& bytes, const RoleCallShape& shape, int batch,
            bool plain) {
  const int64_t prompt = shape.shared_tokens + shape.own_tokens;
  Work work;
  if (plain) {
    for (int64_t done = 0; done < shape.calls; ++done) work += WorkOfStep(config, bytes, {.tokens = prompt});
  } else {
    work += WorkOfStep(config, bytes, {.tokens = shape.shared_tokens});
    for (int64_t done = 0; done < shape.calls; done += batch) {
      const int64_t now = std::min<int64_t>(batch, shape.calls - done);
      work += WorkOfStep(config, bytes,
                         {.sequences = now,
                          .past = shape.shared_tokens,
                          .shared_past = shape.shared_tokens,
                          .tokens = shape.own_tokens});
    }
  }
  for (int64_t done = 0; done < shape.calls; done += batch) {
    const int64_t now = std::min<int64_t>(batch, shape.calls - done);
    for (int64_t step = 0; step + 1 < shape.reply_tokens; ++step) {
      work += WorkOfStep(config, bytes,
                         {.sequences = now, .past = prompt + step, .shared_past = plain ? 0 : shape.shared_tokens});
    }
  }
  return work;
}

double Ratio(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

std::string NoteOf(const CallOutcome& outcome) {
  return fmt::format("{} prompt tokens, {} of them cached, {} generated", outcome.prompt_tokens, outcome.cached_tokens,
                     outcome.reply_tokens);
}

class CallBench {
 public:
  CallBench(backbone::MeasuredModel& model, const EngineBenchOptions& options, Meter& meter)
      : model_(model), options_(options), meter_(meter) {}

  Status Measure(const CallCase& one);
  const CacheUse& cache_use() const { return cache_use_; }

 private:
  struct Sampled {
    CallOutcome outcome;
    double executor_seconds = 0;
  };

  Status MeasureRoleCalls(const CallCase& one, bool plain);
  Status MeasureReplay(const CallCase& one);
  Status PrepareRoleCalls();
  int64_t RoleCallCacheBytes(bool plain) const;
  Result<Sampled> Once(const CallPlan& plan, const backbone::MeasuredEngineOptions& options);
  // `prefix`: "engine.role_calls".
  void AddShares(const std::string& prefix, const Sampled& last);

  backbone::MeasuredModel& model_;
  const EngineBenchOptions& options_;
  Meter& meter_;
  std::optional<RoleCalls> role_calls_;
  std::optional<ScratchFolder> scratch_;
  CacheUse cache_use_;
};

Status CallBench::PrepareRoleCalls() {
  if (role_calls_) return {};
  JADE_ASSIGN_OR_RETURN(role_calls_, WriteRoleCalls(model_, options_.role_calls));
  if (options_.compare) {
    JADE_ASSIGN_OR_RETURN(ScratchFolder made, ScratchFolder::Make());
    scratch_.emplace(std::move(made));
  }
  return {};
}

// Room for all calls that are under way, keys and values in fp32.
int64_t CallBench::RoleCallCacheBytes(bool plain) const {
  const weights::ModelConfig& c = model_.config();
  const int64_t token_bytes = 2 * c.layers * c.kv_heads * c.head_dim * 4;
  const RoleCallShape& shape = options_.role_calls;
  return Sequences(options_, plain) * (shape.shared_tokens + shape.own_tokens + shape.reply_tokens + 64) * token_bytes;
}

// By an engine of its own, whose cache knows no prompt yet.
Result<CallBench::Sampled> CallBench::Once(const CallPlan& plan, const backbone::MeasuredEngineOptions& options) {
  JADE_ASSIGN_OR_RETURN(const auto engine, model_.MakeEngine(options));
  PlannedCall first;
  first.messages = std::make_shared<engine::Messages>(engine::Messages{{engine::MessageRole::kUser, "warm up"}});
  first.role = "warm up";
  first.reply_tokens = kWarmUpTokens;
  CallPlan warm_up;
  warm_up.lines = {{first}};
  warm_up.may_end = plan.may_end;
  JADE_TRY(RunCalls(*engine, warm_up, options_.cancel));
  const backbone::ServingStatistics before = engine->statistics();
  Sampled sampled;
  JADE_ASSIGN_OR_RETURN(sampled.outcome, RunCalls(*engine, plan, options_.cancel));
  const backbone::ServingStatistics after = engine->statistics();
  sampled.executor_seconds = 1e-6 * static_cast<double>(after.executor_us - before.executor_us);
  cache_use_.budget_bytes = std::max(cache_use_.budget_bytes, options.kv_cache_bytes);
  cache_use_.peak_bytes = std::max(cache_use_.peak_bytes, after.peak_used_blocks * after.block_bytes);
  return sampled;
}

void CallBench::AddShares(const std::string& prefix, const Sampled& last) {
  const CallOutcome& outcome = last.outcome;
  meter_.AddPlain(MakeRow(prefix + ".cached", "share", {Ratio(outcome.cached_tokens, outcome.prompt_tokens)}));
  meter_.AddPlain(MakeRow(prefix + ".executor_share", "share", {last.executor_seconds / outcome.seconds}));
}

Status CallBench::MeasureRoleCalls(const CallCase& one, bool plain) {
  JADE_TRY(PrepareRoleCalls());
  std::optional<LlamaCase> llama;
  if (scratch_ && !plain) {
    const std::string prompts = scratch_->path() + "/prompts.json";
    JADE_TRY(files::WriteFileAtomically(prompts, PromptsJson(*role_calls_)));
    llama = LlamaCase::Server(*options_.compare, prompts, options_.slots);
  }
  const CallPlan plan = PlanRoleCalls(*role_calls_, {.chains = plain ? options_.questions : 0, .knows_prefix = !plain});
  const int batch = Sequences(options_, plain);
  meter_.MeasureRead();
  std::vector<double> samples;
  Sampled last;
  for (int repetition = 0; repetition < CallRepetitions(options_); ++repetition) {
    JADE_TRY(meter_.NextSample(one.name));
    JADE_ASSIGN_OR_RETURN(
        last,
        Once(plan, {.kv_cache_bytes = RoleCallCacheBytes(plain), .max_sequences = batch, .prefix_cache = !plain}));
    samples.push_back(static_cast<double>(plan.size()) / last.outcome.seconds);
    if (llama) JADE_TRY(llama->Sample());
  }
  EngineRow row = MakeRow(one.name, "calls/s", std::move(samples));
  row.note = NoteOf(last.outcome);
  meter_.Add(std::move(row), WorkOf(model_.config(), meter_.element_bytes(), options_.role_calls, batch, plain),
             static_cast<double>(plan.size()));
  if (llama) meter_.AddTwin(*llama);
  if (!plain) AddShares("engine.role_calls", last);
  return {};
}

Status CallBench::MeasureReplay(const CallCase& one) {
  JADE_ASSIGN_OR_RETURN(CallPlan plan, ReadReplay(options_.replay));
  plan.may_end = model_.may_end_replies();
  std::vector<double> samples;
  Sampled last;
  for (int repetition = 0; repetition < CallRepetitions(options_); ++repetition) {
    JADE_TRY(meter_.NextSample(one.name));
    JADE_ASSIGN_OR_RETURN(last, Once(plan, {.max_sequences = options_.slots}));
    samples.push_back(static_cast<double>(plan.size()) / last.outcome.seconds);
  }
  EngineRow row = MakeRow(one.name, "calls/s", std::move(samples));
  row.note = fmt::format("{} calls of {} runs, {} at once", plan.size(), plan.lines.size(), plan.lines_at_once);
  meter_.AddPlain(std::move(row));
  const auto tokens = [&](const char* name, int64_t count) {
    meter_.AddPlain(MakeRow(fmt::format("engine.replay.{}", name), "tokens", {static_cast<double>(count)}));
  };
  tokens("prompt_tokens", last.outcome.prompt_tokens);
  tokens("reply_tokens", last.outcome.reply_tokens);
  AddShares("engine.replay", last);
  return {};
}

Status CallBench::Measure(const CallCase& one) {
  return one.style == CallStyle::kReplay ? MeasureReplay(one) : MeasureRoleCalls(one, one.style == CallStyle::kPlain);
}

}  // namespace

std::vector<CallCase> CallCases(const EngineBenchOptions& options) {
  std::vector<CallCase> cases{{"engine.role_calls.per_s", CallStyle::kShared},
                              {"engine.role_calls_plain.per_s", CallStyle::kPlain}};
  if (!options.replay.empty()) cases.push_back({"engine.replay.calls_per_s", CallStyle::kReplay});
  std::erase_if(cases, [&](const CallCase& one) { return !one.name.starts_with(options.only); });
  return cases;
}

int CallRepetitions(const EngineBenchOptions& options) {
  return std::min(options.repetitions, kMostRepetitions);
}

Result<CacheUse> MeasureCalls(backbone::MeasuredModel& model, const EngineBenchOptions& options,
                              const std::vector<CallCase>& cases, Meter& meter) {
  CallBench bench(model, options, meter);
  for (const CallCase& one : cases) {
    if (Status measured = bench.Measure(one); !measured.ok()) {
      return Error(measured.error()).Wrap("measuring " + one.name);
    }
  }
  return bench.cache_use();
}

}  // namespace jade::bench
