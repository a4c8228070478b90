#pragma once
// A TensorBoard event file: records framed as TFRecords, each an `Event` of tensorflow/core/util/event.proto, encoded
// by hand. One thread.

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/metrics/run_files.h"

namespace jade::metrics {

// Length, its checksum, the data and theirs, as bytes of a TFRecord.
std::string FramedRecord(std::string_view data);

// Encoded Events.
std::string VersionEvent(double unix_seconds);
std::string ScalarsEvent(double unix_seconds, int64_t step, const Scalars& scalars);
// A restart: TensorBoard forgets what earlier files of the folder hold for `step` and later ones.
std::string RestartEvent(double unix_seconds, int64_t step);

class EventFile {
 public:
  // Creates `folder`/events.out.tfevents.TIME.jade.N, which sorts behind the event files that are there, so that
  // TensorBoard reads them in this order. When there are any, it begins with a restart at `first_step`.
  static Result<EventFile> Create(const std::string& folder, double unix_seconds, int64_t first_step);

  // Appends and flushes; kIo when that fails.
  Status Add(double unix_seconds, int64_t step, const Scalars& scalars);

 private:
  Status Write(std::string_view record);
  std::string path_;
  std::ofstream file_;
};

}  // namespace jade::metrics
