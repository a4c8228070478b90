#pragma once
// JADE_CHECK guards against bugs in JADE itself. It prints what it knows and ends the process with status 70. It must
// never be reachable from user input, model output or configuration: those get a diagnostic, an Error or a Trap.

#include <fmt/format.h>

#include <string>

namespace jade::internal {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line, const std::string& message);
}  // namespace jade::internal

#define JADE_CHECK(condition, ...)                                                                  \
  do {                                                                                              \
    if (!(condition)) [[unlikely]]                                                                  \
      ::jade::internal::CheckFailed(#condition, __FILE__, __LINE__, ::fmt::format("" __VA_ARGS__)); \
  } while (false)

#define JADE_UNREACHABLE(...) \
  ::jade::internal::CheckFailed("unreachable", __FILE__, __LINE__, ::fmt::format("" __VA_ARGS__))
