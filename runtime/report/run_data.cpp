#include "runtime/report/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/jsonl/jsonl.h"
#include "runtime/report/run_json.h"

namespace jade::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kMostProblems = 20;  // of one file
constexpr uint64_t kMostLines = 1'000'000;
constexpr size_t kMostTags = 4096;
constexpr double kMostValue =
    1e100;  // sums of more are not finite; such a value is left out, as one that is not finite

std::string In(const std::string& folder, std::string_view name) {
  return fmt::format("{}/{}", folder, name);
}

bool Exists(const std::string& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

// Takes one object of a file; the text of the result is what is wrong with it.
using TakeObject = std::function<std::optional<std::string>(const json& object)>;

void ReadLines(jsonl::Reader reader, const TakeObject& take, std::vector<std::string>* problems) {
  size_t wrong = 0;
  const auto report = [&](const Error& error) {
    if (++wrong <= kMostProblems) problems->push_back(error.ToString());
  };
  json object;
  while (reader.line() < kMostLines) {
    const auto more = reader.Next(&object);
    if (!more.ok()) {
      report(more.error());
      if (more.error().code() == ErrorCode::kIo) break;
      continue;
    }
    if (!*more) break;
    if (const auto problem = take(object)) report(reader.ErrorHere(*problem));
  }
  if (reader.line() >= kMostLines) report(reader.ErrorHere("the file goes on; what follows is left out"));
  if (wrong > kMostProblems) problems->push_back(fmt::format("… and {} more in the same file", wrong - kMostProblems));
}

void ReadOptional(const std::string& path, const TakeObject& take, std::vector<std::string>* problems) {
  if (!Exists(path)) return;
  auto reader = jsonl::Reader::Open(path);
  if (!reader.ok()) {
    problems->push_back(reader.error().ToString());
    return;
  }
  ReadLines(std::move(*reader), take, problems);
}

// Tag -> step -> value, so that a later line for a step wins.
using Table = std::map<std::string, std::map<int64_t, double>>;

std::optional<std::string> TakeScalars(const json& object, Table* table, RunData* run) {
  const auto step = IntegerIn(object, "step");
  if (!step || *step < 0) return "`step` must be a whole number from 0 on";
  const auto scalars = object.find("scalars");
  if (scalars == object.end() || !scalars->is_object()) return "`scalars` must be an object";
  if (*step >= run->last_step) {
    run->last_step = *step;
    run->seconds = NumberIn(object, "seconds").value_or(run->seconds);
  }
  std::optional<std::string> problem;
  for (const auto& [tag, value] : scalars->items()) {
    if (!value.is_number() && !value.is_null()) {
      problem = fmt::format("`{}` must be a number", Shorten(tag));
      continue;
    }
    if (table->size() >= kMostTags && table->find(tag) == table->end()) return "too many different tags";
    const double number = value.is_null() ? std::nan("") : value.get<double>();
    if (std::fabs(number) <= kMostValue) (*table)[tag][*step] = number;
  }
  return problem;
}

std::optional<std::string> TakePlans(const json& object, RunData* run) {
  const auto step = IntegerIn(object, "step");
  const auto plans = object.find("plans");
  if (!step || plans == object.end() || !plans->is_object()) return "expected `step` and an object `plans`";
  PlansAt at{*step, TextIn(object, "split"), {}};
  for (const auto& [type, counts] : plans->items()) {
    if (!counts.is_object()) return fmt::format("the plans of `{}` must be an object", Shorten(type));
    for (const auto& [plan, count] : counts.items()) {
      if (!count.is_number_integer() || count.get<int64_t>() < 0) return "the count of a plan must be a whole number";
      at.plans[type][plan] += count.get<int64_t>();
    }
  }
  run->plans.push_back(std::move(at));
  return std::nullopt;
}

std::optional<std::string> TakeSample(const json& object, RunData* run) {
  const auto step = IntegerIn(object, "step");
  const std::string id = TextIn(object, "id");
  if (!step || id.empty()) return "expected `step` and `id`";
  SampleAt at{*step, {}};
  at.sample.id = id;
  at.sample.question = TextIn(object, "question");
  at.sample.type = TextIn(object, "type");
  at.sample.answer = TextIn(object, "answer");
  at.sample.f1 = NumberIn(object, "f1").value_or(std::nan(""));
  if (const auto gold = object.find("gold"); gold != object.end() && gold->is_array()) {
    for (const json& answer : *gold) {
      if (answer.is_string()) at.sample.gold.push_back(answer.get<std::string>());
    }
  }
  if (const auto calls = object.find("calls"); calls != object.end() && calls->is_array()) {
    for (const json& call : *calls) {
      if (!call.is_object()) return "a call must be an object";
      at.sample.calls.push_back({TextIn(call, "path"), TextIn(call, "role"), TextIn(call, "prompt"),
                                 TextIn(call, "action"), TextIn(call, "validity"),
                                 NumberIn(call, "penalty").value_or(0)});
    }
  }
  run->samples.push_back(std::move(at));
  return std::nullopt;
}

std::optional<std::string> TakeAlarm(const json& object, RunData* run) {
  const auto step = IntegerIn(object, "step");
  if (!step) return "expected `step`";
  run->alarms.push_back({*step, TextIn(object, "kind"), TextIn(object, "role"), TextIn(object, "text")});
  return std::nullopt;
}

void ReadAbout(RunData* run) {
  const std::string path = In(run->folder, metrics::kRunFile);
  auto object = ReadJsonObject(path);
  if (object.ok()) {
    run->about = DescriptionOf(*object);
  } else {
    run->problems.push_back(object.error().ToString());
  }
  if (run->about.name.empty()) run->about.name = fs::path(run->folder).lexically_normal().filename().string();
  if (run->about.name.empty()) run->about.name = fs::absolute(run->folder).parent_path().filename().string();
}

}  // namespace

Result<std::vector<std::string>> FindRuns(const std::string& path) {
  std::error_code ec;
  if (!fs::exists(path, ec)) return Error(ErrorCode::kNotFound, fmt::format("there is no folder `{}`", path));
  if (!fs::is_directory(path, ec)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is a file: name the folder of a run", path));
  }
  if (Exists(In(path, metrics::kMetricsFile))) return std::vector{path};
  std::vector<std::string> runs;
  for (auto it = fs::directory_iterator(path, ec); !ec && it != fs::directory_iterator(); it.increment(ec)) {
    if (Exists(In(it->path().string(), metrics::kMetricsFile))) runs.push_back(it->path().string());
  }
  std::sort(runs.begin(), runs.end());
  if (!runs.empty()) return runs;
  return Error(ErrorCode::kNotFound,
               fmt::format("`{}` is not the folder of a run: neither it nor a folder in it holds {}", path,
                           metrics::kMetricsFile));
}

Result<RunData> ReadRun(const std::string& folder) {
  RunData run;
  run.folder = folder;
  JADE_ASSIGN_OR_RETURN(jsonl::Reader reader, jsonl::Reader::Open(In(folder, metrics::kMetricsFile)));
  ReadAbout(&run);
  Table table;
  ReadLines(
      std::move(reader), [&](const json& object) { return TakeScalars(object, &table, &run); }, &run.problems);
  for (const auto& [tag, values] : table) {
    Curve& curve = run.curves[tag];
    for (const auto& [step, value] : values) curve.push_back({static_cast<double>(step), value});
  }
  if (table.empty()) run.problems.push_back(In(folder, metrics::kMetricsFile) + ": holds no figures yet");
  const auto read = [&](std::string_view name, auto* take) {
    ReadOptional(
        In(folder, name), [&](const json& object) { return take(object, &run); }, &run.problems);
  };
  read(metrics::kPlansFile, TakePlans);
  read(metrics::kSamplesFile, TakeSample);
  read(metrics::kAlarmsFile, TakeAlarm);
  return run;
}

}  // namespace jade::report
