#include "runtime/metrics/metrics_writer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"
#include "runtime/metrics/event_file.h"

namespace jade::metrics {
namespace {

using nlohmann::ordered_json;

double SystemSeconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string Dump(const ordered_json& object, int indent = -1) {
  return object.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json Json(const std::map<std::string, Value>& values) {
  ordered_json object = ordered_json::object();
  for (const auto& entry : values) {
    ordered_json& cell = object[entry.first];
    std::visit([&](const auto& plain) { cell = plain; }, entry.second);
  }
  return object;
}

// At most `most` bytes, cut between characters.
std::string Cut(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return fmt::format("{}… ({} more bytes)", text.substr(0, end), text.size() - end);
}

// A JSONL file that is appended to.
class LineFile {
 public:
  // Keeps the whole lines up to `last_step`, drops the others.
  static Result<LineFile> Open(const std::string& path, int64_t last_step) {
    JADE_ASSIGN_OR_RETURN(files::AtomicFile kept, files::AtomicFile::Create(path));
    std::ifstream old(path);
    for (std::string line; std::getline(old, line);) {
      const ordered_json object = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
      const bool whole = object.is_object() && object.contains("step") && object["step"].is_number_integer();
      if (whole && object["step"].get<int64_t>() <= last_step) JADE_TRY(kept.Write(line + "\n"));
    }
    JADE_TRY(kept.Commit());
    LineFile file;
    file.path_ = path;
    file.out_.open(path, std::ios::app);
    if (!file.out_) return Error(ErrorCode::kIo, fmt::format("cannot open `{}`", path));
    return file;
  }

  Status Add(const ordered_json& object) {
    out_ << Dump(object) << "\n" << std::flush;
    if (!out_) return Error(ErrorCode::kIo, fmt::format("cannot write `{}`", path_));
    return {};
  }

 private:
  std::string path_;
  std::ofstream out_;
};

std::string In(const std::string& folder, std::string_view name) {
  return fmt::format("{}/{}", folder, name);
}

}  // namespace

struct MetricsWriter::State {
  WriterOptions options;
  LineFile metrics;
  LineFile plans;
  LineFile samples;
  LineFile alarms;
  EventFile events;
};

MetricsWriter::MetricsWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
MetricsWriter::MetricsWriter(MetricsWriter&&) noexcept = default;
MetricsWriter& MetricsWriter::operator=(MetricsWriter&&) noexcept = default;
MetricsWriter::~MetricsWriter() = default;

Result<MetricsWriter> MetricsWriter::Open(const WriterOptions& options) {
  std::error_code ec;
  std::filesystem::create_directories(options.folder, ec);
  if (ec) return Error(ErrorCode::kIo, fmt::format("cannot create the folder `{}`: {}", options.folder, ec.message()));
  auto state = std::make_unique<State>();
  state->options = options;
  if (!state->options.unix_seconds) state->options.unix_seconds = SystemSeconds;
  const int64_t last = options.last_step;
  JADE_ASSIGN_OR_RETURN(state->metrics, LineFile::Open(In(options.folder, kMetricsFile), last));
  JADE_ASSIGN_OR_RETURN(state->plans, LineFile::Open(In(options.folder, kPlansFile), last));
  JADE_ASSIGN_OR_RETURN(state->samples, LineFile::Open(In(options.folder, kSamplesFile), last));
  JADE_ASSIGN_OR_RETURN(state->alarms, LineFile::Open(In(options.folder, kAlarmsFile), last));
  JADE_ASSIGN_OR_RETURN(state->events, EventFile::Create(In(options.folder, kTensorBoardFolder),
                                                         state->options.unix_seconds(), last + 1));
  return MetricsWriter(std::move(state));
}

Status MetricsWriter::WriteRun(const RunDescription& run) {
  const ordered_json object = {{"name", run.name}, {"started", run.started},     {"arm", run.arm},
                               {"seed", run.seed}, {"model", run.model},         {"workflow", run.workflow},
                               {"data", run.data}, {"config", Json(run.config)}, {"machine", Json(run.machine)}};
  return files::WriteFileAtomically(In(state_->options.folder, kRunFile), Dump(object, 2) + "\n");
}

Status MetricsWriter::Add(int64_t step, double seconds, const Scalars& scalars) {
  ordered_json values = ordered_json::object();
  for (const auto& [tag, scalar] : scalars) values[tag] = scalar;  // not finite: null
  JADE_TRY(state_->metrics.Add({{"step", step}, {"seconds", seconds}, {"scalars", std::move(values)}}));
  return state_->events.Add(state_->options.unix_seconds(), step, scalars);
}

Status MetricsWriter::AddPlans(int64_t step, std::string_view split, const Plans& plans) {
  ordered_json by_type = ordered_json::object();
  for (const auto& [type, counts] : plans) {
    ordered_json chosen = ordered_json::object();
    for (const auto& [plan, count] : counts) {
      ordered_json& cell = chosen[Cut(plan, state_->options.max_text_bytes)];
      cell = (cell.is_null() ? 0 : cell.get<int64_t>()) + count;  // two long plans may be the same when they are cut
    }
    by_type[type] = std::move(chosen);
  }
  return state_->plans.Add({{"step", step}, {"split", split}, {"plans", std::move(by_type)}});
}

Status MetricsWriter::AddSample(int64_t step, const Sample& sample) {
  const size_t most = state_->options.max_text_bytes;
  ordered_json calls = ordered_json::array();
  for (const SampleCall& call : sample.calls) {
    calls.push_back({{"path", call.path},
                     {"role", call.role},
                     {"prompt", Cut(call.prompt, most)},
                     {"action", Cut(call.action, most)},
                     {"validity", call.validity},
                     {"penalty", call.penalty}});
  }
  return state_->samples.Add({{"step", step},
                              {"id", sample.id},
                              {"question", Cut(sample.question, most)},
                              {"type", sample.type},
                              {"gold", sample.gold},
                              {"answer", Cut(sample.answer, most)},
                              {"f1", sample.f1},
                              {"calls", std::move(calls)}});
}

Status MetricsWriter::AddAlarm(const Alarm& alarm) {
  return state_->alarms.Add({{"step", alarm.step}, {"kind", alarm.kind}, {"role", alarm.role}, {"text", alarm.text}});
}

}  // namespace jade::metrics
