#include "bench/train/step_work.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"

namespace jade::bench {

std::vector<int64_t> LevelsOf(const std::vector<train::StepCall>& calls) {
  std::map<uint64_t, std::vector<size_t>> runs;
  for (size_t i = 0; i < calls.size(); ++i) runs[calls[i].run].push_back(i);
  std::vector<int64_t> levels(calls.size(), 0);
  for (auto& [run, of_run] : runs) {
    std::stable_sort(of_run.begin(), of_run.end(),
                     [&](size_t a, size_t b) { return calls[a].issued_us < calls[b].issued_us; });
    for (size_t i = 1; i < of_run.size(); ++i) {
      int64_t& level = levels[of_run[i]];
      for (size_t before = 0; before < i; ++before) {
        const bool ended = calls[of_run[before]].finished_us <= calls[of_run[i]].issued_us;
        if (ended) level = std::max(level, levels[of_run[before]] + 1);
      }
    }
  }
  return levels;
}

Status WriteStepWork(const StepWork& work, const std::string& path) {
  using nlohmann::ordered_json;
  const std::vector<int64_t> levels = LevelsOf(work.calls);
  ordered_json calls = ordered_json::array();
  for (size_t i = 0; i < work.calls.size(); ++i) {
    const train::StepCall& call = work.calls[i];
    calls.push_back({{"run", call.run},
                     {"level", levels[i]},
                     {"trained", call.trained},
                     {"reply_tokens", call.reply_tokens},
                     {"prompt", call.prompt}});
  }
  const ordered_json json{{"format", "jade-step"},
                          {"version", 1},
                          {"model", ordered_json::parse(weights::ModelConfigJson(work.shape, "float32"))},
                          {"dtype", work.dtype},
                          {"mini_batches", work.figures.mini_batches},
                          {"seconds",
                           {{"rollout", work.figures.rollout_seconds},
                            {"update", work.figures.update_seconds},
                            {"step", work.figures.seconds}}},
                          {"calls", std::move(calls)}};
  std::error_code ignored;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  return files::WriteFileAtomically(path, json.dump() + "\n");
}

}  // namespace jade::bench
