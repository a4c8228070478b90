#pragma once
// Writes a run folder as the run goes on: run.json, the JSONL files, and the same scalars as TensorBoard event files in
// `tensorboard/`. Every call ends with a flush, so that what has been added survives the process. One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/metrics/run_files.h"

namespace jade::metrics {

struct WriterOptions {
  std::string folder;  // of the run; created when it is not there
  // What an earlier, cut-off run wrote for steps after this one is dropped; TensorBoard is told to forget it as well.
  // The default drops everything: a new run.
  int64_t last_step = -1;
  // Longest text kept of a sample's prompt and of its action, in bytes; the rest is cut off and the cut marked.
  size_t max_text_bytes = 8192;
  // Seconds since 1970 for TensorBoard's wall times, which affect nothing else. Empty: the system's clock.
  std::function<double()> unix_seconds;
};

class MetricsWriter {
 public:
  // kIo when the folder or a file cannot be written.
  static Result<MetricsWriter> Open(const WriterOptions& options);
  MetricsWriter(MetricsWriter&&) noexcept;
  MetricsWriter& operator=(MetricsWriter&&) noexcept;
  ~MetricsWriter();

  // Replaces run.json. A resumed run leaves it as it is, or writes the same.
  Status WriteRun(const RunDescription& run);

  // Steps count from 0 (before the first update) and do not fall. Several calls for one step add up: a later scalar of
  // the same tag wins in the report. `seconds` since the start of the run, those before a resumption included.
  // All fail with kIo, naming the file.
  Status Add(int64_t step, double seconds, const Scalars& scalars);
  Status AddPlans(int64_t step, std::string_view split, const Plans& plans);  // split: "train" or "dev"
  Status AddSample(int64_t step, const Sample& sample);
  Status AddAlarm(const Alarm& alarm);

 private:
  struct State;
  explicit MetricsWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jade::metrics
