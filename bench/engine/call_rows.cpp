#include "bench/engine/call_rows.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/files/atomic_file.h"

namespace jade::bench {
namespace {

// Role calls take long and vary less than single steps.
constexpr int kMostRepetitions = 3;

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

class CallBench {
 public:
  CallBench(backbone::MeasuredModel& model, const EngineBenchOptions& options, RoleCalls calls, Meter& meter)
      : model_(model), options_(options), calls_(std::move(calls)), meter_(meter) {}

  Status Measure(const CallCase& one, const std::optional<ScratchFolder>& scratch);
  int64_t CacheBytes(bool plain) const;

 private:
  Result<double> Once(bool plain);

  backbone::MeasuredModel& model_;
  const EngineBenchOptions& options_;
  RoleCalls calls_;
  Meter& meter_;
};

// Room for all calls that are under way, keys and values in fp32.
int64_t CallBench::CacheBytes(bool plain) const {
  const weights::ModelConfig& c = model_.config();
  const int64_t token_bytes = 2 * c.layers * c.kv_heads * c.head_dim * 4;
  const int64_t tokens = calls_.shape.shared_tokens + calls_.shape.own_tokens + calls_.shape.reply_tokens + 64;
  return Sequences(options_, plain) * tokens * token_bytes;
}

// By an engine of its own, whose cache knows no prompt yet.
Result<double> CallBench::Once(bool plain) {
  JADE_ASSIGN_OR_RETURN(const auto engine, model_.MakeEngine({.kv_cache_bytes = CacheBytes(plain),
                                                              .max_sequences = Sequences(options_, plain),
                                                              .prefix_cache = !plain}));
  RoleCalls warm_up = calls_;
  warm_up.shape.calls = 1;
  warm_up.prompts = {std::make_shared<engine::Messages>(engine::Messages{{engine::MessageRole::kUser, "warm up"}})};
  RoleCallOptions options{.cancel = options_.cancel};
  JADE_TRY(RunRoleCalls(*engine, warm_up, options));
  if (plain) options = {.chains = options_.questions, .knows_prefix = false, .cancel = options_.cancel};
  JADE_ASSIGN_OR_RETURN(const RoleCallOutcome outcome, RunRoleCalls(*engine, calls_, options));
  return static_cast<double>(calls_.shape.calls) / outcome.seconds;
}

Status CallBench::Measure(const CallCase& one, const std::optional<ScratchFolder>& scratch) {
  std::optional<LlamaCase> llama;
  if (scratch && !one.plain) {
    const std::string prompts = scratch->path() + "/prompts.json";
    JADE_TRY(files::WriteFileAtomically(prompts, PromptsJson(calls_)));
    llama = LlamaCase::Server(*options_.compare, prompts, options_.slots);
  }
  meter_.MeasureRead();
  std::vector<double> samples;
  for (int repetition = 0; repetition < CallRepetitions(options_); ++repetition) {
    JADE_TRY(meter_.NextSample(one.name));
    JADE_ASSIGN_OR_RETURN(const double rate, Once(one.plain));
    samples.push_back(rate);
    if (llama) JADE_TRY(llama->Sample());
  }
  meter_.Add(MakeRow(one.name, "calls/s", std::move(samples)),
             WorkOf(model_.config(), meter_.element_bytes(), calls_.shape, Sequences(options_, one.plain), one.plain),
             static_cast<double>(calls_.shape.calls));
  if (llama) meter_.AddTwin(*llama);
  return {};
}

}  // namespace

std::vector<CallCase> CallCases(const EngineBenchOptions& options) {
  std::vector<CallCase> cases{{"engine.role_calls.per_s", false}, {"engine.role_calls_plain.per_s", true}};
  std::erase_if(cases, [&](const CallCase& one) { return !one.name.starts_with(options.only); });
  return cases;
}

int CallRepetitions(const EngineBenchOptions& options) {
  return std::min(options.repetitions, kMostRepetitions);
}

Result<int64_t> MeasureCalls(backbone::MeasuredModel& model, const EngineBenchOptions& options,
                             const std::vector<CallCase>& cases, Meter& meter) {
  JADE_ASSIGN_OR_RETURN(RoleCalls calls, WriteRoleCalls(model, options.role_calls));
  std::optional<ScratchFolder> scratch;
  if (options.compare) {
    JADE_ASSIGN_OR_RETURN(ScratchFolder made, ScratchFolder::Make());
    scratch.emplace(std::move(made));
  }
  CallBench bench(model, options, std::move(calls), meter);
  int64_t most = 0;
  for (const CallCase& one : cases) {
    if (Status measured = bench.Measure(one, scratch); !measured.ok()) {
      return Error(measured.error()).Wrap("measuring " + one.name);
    }
    most = std::max(most, bench.CacheBytes(one.plain));
  }
  return most;
}

}  // namespace jade::bench
