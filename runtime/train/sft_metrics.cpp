#include "runtime/train/sft_metrics.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"

namespace jade::train {

using nlohmann::ordered_json;

Result<SftMetrics> SftMetrics::Open(const std::string& path, int64_t last_step) {
  std::string kept;
  {
    std::ifstream old(path);
    std::string line;
    while (std::getline(old, line)) {
      const ordered_json object = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
      const bool whole = object.is_object() && object.contains("step") && object["step"].is_number_integer();
      if (whole && object["step"].get<int64_t>() <= last_step) kept += line + "\n";
    }
  }
  JADE_TRY(files::WriteFileAtomically(path, kept));
  SftMetrics metrics;
  metrics.path_ = path;
  metrics.file_.open(path, std::ios::app);
  if (!metrics.file_) return Error(ErrorCode::kIo, fmt::format("cannot open `{}`", path));
  return metrics;
}

Status SftMetrics::Write(const std::string& line) {
  file_ << line << "\n" << std::flush;
  if (!file_) return Error(ErrorCode::kIo, fmt::format("cannot write `{}`", path_));
  return {};
}

Status SftMetrics::Add(const StepMetrics& metrics) {
  const ordered_json line = {{"step", metrics.step},
                             {"tokens", metrics.tokens},
                             {"stage", metrics.stage},
                             {"loss", metrics.loss},
                             {"lr", metrics.lr},
                             {"grad_norm", metrics.grad_norm},
                             {"tokens_per_second", metrics.tokens_per_second}};
  return Write(line.dump());
}

Status SftMetrics::AddDev(int64_t step, int64_t tokens, const DevScore& score) {
  ordered_json by_role = ordered_json::object();
  for (const auto& [role, count] : score.by_role) by_role[role] = count.rate();
  const ordered_json line = {
      {"step", step},
      {"tokens", tokens},
      {"dev",
       {{"loss", score.loss}, {"match", score.match.rate()}, {"count", score.match.total}, {"by_role", by_role}}}};
  return Write(line.dump());
}

}  // namespace jade::train
