#include "runtime/jit/perf_dump.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>

namespace jade::jit {

namespace {
constexpr std::streamoff kFlagsOffset = 32;  // of `struct jitheader`, tools/perf/util/jitdump.h of Linux
}

void PerfDump::Find() {
  const std::string name = fmt::format("/jit-{}.dump", getpid());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path != std::string::npos && line.ends_with(name)) path_ = line.substr(path);
  }
}

PerfDump::~PerfDump() {
  if (path_.empty()) return;
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(kFlagsOffset);
  const std::array<char, 8> none{};
  file.write(none.data(), none.size());
}

}  // namespace jade::jit
