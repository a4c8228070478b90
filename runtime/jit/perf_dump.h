#pragma once
// Internal to runtime/jit: the file that compiled code is written down in for `perf inject --jit`. LLVM 19 leaves the
// flags in its head undefined, which perf refuses; they are set when the file is complete.

#include <string>

namespace jade::jit {

class PerfDump {
 public:
  PerfDump() = default;
  ~PerfDump();
  PerfDump(const PerfDump&) = delete;
  PerfDump& operator=(const PerfDump&) = delete;

  // The file that this process has mapped as a mark for perf.
  void Find();

 private:
  std::string path_;
};

}  // namespace jade::jit
