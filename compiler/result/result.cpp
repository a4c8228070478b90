#include "compiler/result/result.h"

#include <cstdio>
#include <cstdlib>

namespace jade {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kVersion:
      return "version";
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kDeadline:
      return "deadline";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

Error& Error::Wrap(std::string context) & {
  contexts_.push_back(std::move(context));
  return *this;
}

Error&& Error::Wrap(std::string context) && {
  return std::move(this->Wrap(std::move(context)));
}

std::string Error::ToString() const {
  std::string text;
  for (auto it = contexts_.rbegin(); it != contexts_.rend(); ++it) text += *it + ": ";
  return text + message_;
}

namespace internal {

void CheckFailed(const char* condition, const char* file, int line, const std::string& message) {
  std::fprintf(stderr, "jade: bug: %s:%d: check `%s` failed%s%s\n", file, line, condition, message.empty() ? "" : ": ",
               message.c_str());
  std::fprintf(stderr, "jade: please report this with the command and the files that led here\n");
  std::fflush(stderr);
  std::_Exit(70);
}

}  // namespace internal
}  // namespace jade
