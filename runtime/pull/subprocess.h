#pragma once
// Runs a program without a shell and waits for it. One call, one thread.

#include <functional>
#include <string>
#include <vector>

#include "compiler/result/result.h"

namespace jade::pull {

struct ProcessResult {
  int exit_status = 0;  // 128 + signal when a signal ended it
  std::string output;   // the last 16 KiB of standard output and standard error together
};

// `arguments[0]` is looked up in PATH. `tick` is called about ten times a second; when it returns false, the program is
// terminated and the result is kCancelled. kUnavailable when there is no such program.
Result<ProcessResult> RunProcess(const std::vector<std::string>& arguments, const std::function<bool()>& tick);

}  // namespace jade::pull
