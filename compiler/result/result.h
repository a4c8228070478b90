#pragma once
// Errors of operations (files, network, memory, deadlines) as values. A mistake in the user's program is a
// diag::Diagnostic, a failed run is a Trap, a bug in JADE is JADE_CHECK; everything else that can go wrong is a Result.
// Values only, no shared state: any thread may use them.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/result/check.h"

namespace jade {

enum class ErrorCode {
  kInvalidArgument,  // the caller's input or configuration is wrong: exit status 1 or 2
  kNotFound,
  kIo,           // a system call failed
  kCorrupt,      // a file is damaged or not what it claims to be
  kUnsupported,  // well-formed, but a feature or type we do not have
  kVersion,      // written by a newer JADE
  kOutOfMemory,
  kDeadline,
  kCancelled,
  kUnavailable,  // a service or optional tool is missing
};

// Stable lower-case name, as used in JSON output.
std::string_view ErrorCodeName(ErrorCode code);

// What failed, then the contexts it failed in, innermost first.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::vector<std::string>& contexts() const { return contexts_; }

  // Adds the operation that was under way: Error(kIo, "No space left on device").Wrap("writing index `a.db`").
  Error&& Wrap(std::string context) &&;
  Error& Wrap(std::string context) &;

  // "outermost context: … : message", one line.
  std::string ToString() const;

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<std::string> contexts_;
};

// Either a T or an Error. Reading the side that is not there is a bug (JADE_CHECK).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& { return Checked(), std::get<0>(state_); }
  T& value() & { return Checked(), std::get<0>(state_); }
  T&& value() && { return Checked(), std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Error& error() const& { return CheckedError(), std::get<1>(state_); }
  Error& error() & { return CheckedError(), std::get<1>(state_); }
  Error&& error() && { return CheckedError(), std::get<1>(std::move(state_)); }

 private:
  void Checked() const { JADE_CHECK(ok(), "value of a failed Result: {}", std::get<1>(state_).ToString()); }
  void CheckedError() const { JADE_CHECK(!ok(), "error of a successful Result"); }
  std::variant<T, Error> state_;
};

// A Result without a value.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design
  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return CheckedError(), *error_; }
  Error& error() & { return CheckedError(), *error_; }
  Error&& error() && { return CheckedError(), *std::move(error_); }

 private:
  void CheckedError() const { JADE_CHECK(!ok(), "error of a successful Result"); }
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace jade

// JADE_TRY(expr): returns the error of a Status or Result to the caller.
#define JADE_TRY(...)                                                                         \
  do {                                                                                        \
    if (auto jade_try_ = (__VA_ARGS__); !jade_try_.ok()) return std::move(jade_try_).error(); \
  } while (false)

// JADE_ASSIGN_OR_RETURN(auto x, expr): binds the value, or returns the error to the caller.
#define JADE_ASSIGN_OR_RETURN(lhs, ...) JADE_ASSIGN_OR_RETURN_I_(JADE_CONCAT_(jade_result_, __LINE__), lhs, __VA_ARGS__)
#define JADE_ASSIGN_OR_RETURN_I_(tmp, lhs, ...) \
  auto tmp = (__VA_ARGS__);                     \
  if (!tmp.ok()) return std::move(tmp).error(); \
  lhs = std::move(tmp).value()
#define JADE_CONCAT_(a, b) JADE_CONCAT_I_(a, b)
#define JADE_CONCAT_I_(a, b) a##b
