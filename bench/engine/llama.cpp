#include "bench/engine/llama.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "runtime/pull/subprocess.h"

namespace jade::bench {
namespace {

using nlohmann::json;

// Calls for each of the server's slots by which its settings are chosen.
constexpr int kTrialRounds = 3;

// Calls `use` with every line that is a JSON object.
template <typename Use>
void ForEachObject(std::string_view output, const Use& use) {
  while (!output.empty()) {
    const size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    const size_t begin = line.find('{');
    if (begin == std::string_view::npos) continue;
    const json object = json::parse(line.substr(begin), nullptr, /*allow_exceptions=*/false);
    if (object.is_object()) use(object);
  }
}

std::optional<double> Number(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

Error NoFigure(const char* tool, std::string_view output) {
  const size_t shown = std::min<size_t>(output.size(), 400);
  return {ErrorCode::kCorrupt,
          fmt::format("`{}` printed no figure; its output ends with: {}", tool, output.substr(output.size() - shown))};
}

}  // namespace

std::string LlamaSettings::ToString() const {
  return fmt::format("-fa {} -{}kvu", flash ? "on" : "off", unified ? "" : "no-");
}

Result<double> ReadLlamaBench(std::string_view output) {
  std::optional<double> rate;
  ForEachObject(output, [&](const json& object) {
    if (Number(object, "n_prompt").value_or(0) > 0) {
      if (auto found = Number(object, "avg_ts")) rate = found;
    }
  });
  if (!rate || !(*rate > 0)) return NoFigure("llama-bench", output);
  return *rate;
}

Result<double> ReadBatchedBench(std::string_view output, int64_t batch) {
  std::optional<double> rate;
  ForEachObject(output, [&](const json& object) {
    if (Number(object, "pl") == static_cast<double>(batch)) {
      if (auto found = Number(object, "speed_tg")) rate = found;
    }
  });
  if (!rate || !(*rate > 0)) return NoFigure("llama-batched-bench", output);
  return *rate;
}

Result<double> ReadServerBench(std::string_view output) {
  std::optional<double> rate;
  ForEachObject(output, [&](const json& object) {
    if (auto found = Number(object, "calls_per_s")) rate = found;
  });
  if (!rate || !(*rate > 0)) return NoFigure("bench_llama_server.py", output);
  return *rate;
}

LlamaCase LlamaCase::Step(const LlamaOptions& options, const StepShape& shape, int64_t steps) {
  LlamaCase made(options, shape.tokens > 1 ? Kind::kPrompt : Kind::kDecode);
  made.shape_ = shape;
  made.steps_ = steps;
  return made;
}

LlamaCase LlamaCase::Server(const LlamaOptions& options, std::string prompts_path, int slots) {
  LlamaCase made(options, Kind::kServer);
  made.prompts_path_ = std::move(prompts_path);
  made.slots_ = slots;
  return made;
}

std::vector<LlamaSettings> LlamaCase::Candidates() const {
  std::vector<LlamaSettings> candidates{{.flash = true, .unified = false}};
  if (kind_ == Kind::kServer || shape_.sequences > 1) candidates.push_back({.flash = true, .unified = true});
  // The server takes minutes, and flash attention was never slower. With one sequence the two caches are the same.
  if (kind_ == Kind::kServer) return candidates;
  candidates.push_back({.flash = false, .unified = false});
  if (shape_.sequences > 1) candidates.push_back({.flash = false, .unified = true});
  return candidates;
}

std::vector<std::string> LlamaCase::Command(const LlamaSettings& settings, bool trial) const {
  const std::string threads = std::to_string(options_.threads);
  const std::string flash = settings.flash ? "on" : "off";
  // What suits our own threads is taken out of the environment.
  std::vector<std::string> command{
      "env", "-u", "OMP_WAIT_POLICY", "-u", "OMP_NUM_THREADS", "-u", "OPENBLAS_CORETYPE", "-u", "OPENBLAS_L2_SIZE"};
  const auto add = [&command](std::initializer_list<std::string> more) {
    command.insert(command.end(), more.begin(), more.end());
  };
  if (kind_ == Kind::kPrompt) {
    add({options_.folder + "/llama-bench",
         "-m",
         options_.model,
         "-t",
         threads,
         "-n",
         "0",
         "-p",
         std::to_string(shape_.tokens),
         "-d",
         std::to_string(shape_.past),
         "-fa",
         flash,
         "-b",
         "2048",
         "-ub",
         "512",
         "-r",
         "1",
         "-o",
         "jsonl"});
  } else if (kind_ == Kind::kDecode) {
    const int64_t tokens = shape_.sequences * (shape_.past + steps_ + 16);
    add({options_.folder + "/llama-batched-bench",
         "-m",
         options_.model,
         "-t",
         threads,
         "-tb",
         threads,
         "-c",
         std::to_string((tokens + 255) / 256 * 256 + 256 * shape_.sequences),
         "-b",
         "2048",
         "-ub",
         "512",
         "-npp",
         std::to_string(shape_.past),
         "-ntg",
         std::to_string(steps_),
         "-npl",
         std::to_string(shape_.sequences),
         "-fa",
         flash,
         settings.unified ? "-kvu" : "-no-kvu",
         "--output-format",
         "jsonl"});
    if (shape_.shared_past > 0) add({"-pps"});
  } else {
    add({"python3", options_.server_script, "--server", options_.folder + "/llama-server", "--model", options_.model,
         "--prompts", prompts_path_, "--slots", std::to_string(slots_), "--threads", threads, "--flash", flash,
         "--unified", settings.unified ? "on" : "off"});
    if (trial) add({"--limit", std::to_string(kTrialRounds * slots_)});
  }
  return command;
}

Result<double> LlamaCase::Measure(const LlamaSettings& settings, bool trial) const {
  const auto tick = [this] { return options_.cancel == nullptr || !*options_.cancel; };
  JADE_ASSIGN_OR_RETURN(const pull::ProcessResult run, pull::RunProcess(Command(settings, trial), tick));
  if (run.exit_status != 0) {
    return NoFigure("llama.cpp", run.output).Wrap(fmt::format("exit status {}", run.exit_status));
  }
  switch (kind_) {
    case Kind::kPrompt:
      return ReadLlamaBench(run.output);
    case Kind::kDecode:
      return ReadBatchedBench(run.output, shape_.sequences);
    case Kind::kServer:
      break;
  }
  return ReadServerBench(run.output);
}

Status LlamaCase::Sample() {
  if (samples_.empty()) {
    double best = 0;
    for (const LlamaSettings& settings : Candidates()) {
      JADE_ASSIGN_OR_RETURN(const double rate, Measure(settings, /*trial=*/true));
      if (rate <= best) continue;
      best = rate;
      best_ = settings;
    }
    if (kind_ != Kind::kServer) {
      samples_.push_back(best);
      return {};
    }
  }
  JADE_ASSIGN_OR_RETURN(const double rate, Measure(best_, /*trial=*/false));
  samples_.push_back(rate);
  return {};
}

Status CheckLlama(const LlamaOptions& options) {
  for (const char* tool : {"llama-bench", "llama-batched-bench", "llama-server"}) {
    const std::string path = options.folder + "/" + tool;
    if (access(path.c_str(), X_OK) != 0) {
      return Error(ErrorCode::kNotFound, fmt::format("there is no program `{}`", path));
    }
  }
  if (options.model.empty()) return Error(ErrorCode::kInvalidArgument, "llama.cpp needs a GGUF of the same shape");
  if (access(options.model.c_str(), R_OK) != 0) {
    return Error(ErrorCode::kNotFound, fmt::format("there is no model `{}`", options.model));
  }
  return {};
}

std::string PromptsJson(const RoleCalls& calls) {
  return json{{"reply_tokens", calls.shape.reply_tokens}, {"prompts", calls.prompt_ids}}.dump();
}

}  // namespace jade::bench
