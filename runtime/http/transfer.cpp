#include "runtime/http/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "runtime/http/backoff.h"
#include "runtime/http/failure.h"

namespace jade::http::internal {
namespace {

constexpr size_t kMaxHeaderBytes = 256ULL << 10U;
constexpr long kMaxRedirects = 5;
constexpr size_t kMaxErrorBytes = 64ULL << 10U;  // of a reply that is not 2xx, for its message

bool IsFine(int status) {
  return status >= 200 && status < 300;
}

// This machine is spoken to directly, whatever the environment says of proxies.
bool IsLoopback(const std::string& url) {
  const std::string shown = ShownUrl(url);
  for (const char* host : {"://127.", "://localhost", "://[::1]"}) {
    if (shown.find(host) != std::string::npos) return true;
  }
  return false;
}

bool Passes(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY:
      return true;
    default:
      return false;
  }
}

std::string Explain(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return "cannot connect: is the server running, and are host and port right?";
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the host's name cannot be resolved";
    case CURLE_GOT_NOTHING:
      return "the server closed the connection without a reply";
    case CURLE_RECV_ERROR:
      return "the connection was reset";
    case CURLE_PARTIAL_FILE:
      return "the connection was closed in the middle of the reply";
    case CURLE_TOO_MANY_REDIRECTS:
      return fmt::format("more than {} redirects", kMaxRedirects);
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "only http:// and https:// are supported";
    case CURLE_URL_MALFORMAT:
      return "not a URL";
    default:
      return curl_easy_strerror(code);
  }
}

}  // namespace

Error Transfer::ErrorOf(ErrorCode code, const std::string& what) const {
  return Error(code, fmt::format("{} {}: {}", request_.method, ShownUrl(request_.url), what));
}

Status Transfer::Begin(Easy easy, int64_t now_us) {
  easy_ = std::move(easy);
  ++attempts_;
  started_us_ = now_us;
  began_ = false;
  received_ = header_bytes_ = 0;
  body_.clear();
  stopped_.reset();
  message_[0] = '\0';
  CURL* curl = easy_.get();
  curl_easy_reset(curl);
  headers_.reset();
  for (const std::string& header : request_.headers) {
    if (header.find_first_of("\r\n") != std::string::npos) {
      return ErrorOf(ErrorCode::kInvalidArgument, "a header contains a line break");
    }
    headers_.reset(curl_slist_append(headers_.release(), header.c_str()));
  }
  // No pause of a second before a large body is sent.
  headers_.reset(curl_slist_append(headers_.release(), "Expect:"));
  bool taken = true;
  const auto set = [&](CURLoption option, auto value) {
    taken = taken && curl_easy_setopt(curl, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, kMaxRedirects);
  set(CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_ALL));
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "jade");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, message_.data());
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  const auto connect = std::chrono::duration_cast<std::chrono::milliseconds>(request_.timeouts.connect).count();
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max<int64_t>(connect, 1)));
  if (IsLoopback(request_.url)) set(CURLOPT_PROXY, "");
  if (request_.method != "GET") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_CUSTOMREQUEST, request_.method == "POST" ? nullptr : request_.method.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  return taken ? Status() : ErrorOf(ErrorCode::kInvalidArgument, "libcurl does not take the request");
}

Easy Transfer::Release() {
  headers_.reset();
  return std::move(easy_);
}

size_t Transfer::OnBody(char* bytes, size_t size, size_t count, void* self) {
  return static_cast<Transfer*>(self)->TakeBody({bytes, size * count});
}

size_t Transfer::OnHeader(char* /*bytes*/, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  transfer->began_ = true;
  transfer->header_bytes_ += size * count;
  if (transfer->header_bytes_ <= kMaxHeaderBytes) return size * count;
  transfer->Stop(transfer->ErrorOf(ErrorCode::kCorrupt,
                                   fmt::format("the headers of the reply are longer than {} bytes", kMaxHeaderBytes)));
  return 0;
}

bool Transfer::Stop(Error error) {
  stopped_ = std::move(error);
  return false;
}

// Fewer bytes than given end the attempt.
size_t Transfer::TakeBody(std::string_view bytes) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (!IsFine(static_cast<int>(status))) {
    body_ += bytes.substr(0, kMaxErrorBytes - std::min(body_.size(), kMaxErrorBytes));
    received_ += bytes.size();
    // Nobody reads on: the status is what counts.
    return received_ <= request_.max_bytes ? bytes.size() : 0;
  }
  received_ += bytes.size();
  if (received_ > request_.max_bytes) {
    Stop(ErrorOf(ErrorCode::kCorrupt, fmt::format("the reply is longer than {} bytes", request_.max_bytes)));
    return 0;
  }
  if (!receiver_->streams()) {
    body_ += bytes;
    return bytes.size();
  }
  Status taken;
  try {
    taken = receiver_->Data(bytes);
  } catch (const std::exception& error) {  // not through libcurl's frames
    taken = Error(ErrorCode::kOutOfMemory, error.what());
  }
  if (taken.ok()) return bytes.size();
  Stop(ErrorOf(taken.error().code(), taken.error().ToString()));
  stop_passes_ = true;
  return 0;
}

Outcome Transfer::FinishReply(int status) {
  Outcome outcome;
  Response response;
  response.status = status;
  response.body = std::move(body_);
  response.attempts = attempts_;
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
  if (seconds > 0) outcome.retry_after_us = std::min<int64_t>(seconds, 1'000'000'000) * 1'000'000;
  outcome.passing = IsPassing(status);
  if (IsFine(status)) {
    if (Status checked = receiver_->Check(response); !checked.ok()) {
      outcome.error = ErrorOf(checked.error().code(), checked.error().ToString());
      outcome.passing = true;
      return outcome;
    }
  }
  outcome.response = std::move(response);
  return outcome;
}

Outcome Transfer::FinishFailure(CURLcode code) {
  Outcome outcome;
  if (stopped_) {
    outcome.error = std::move(*stopped_);
    outcome.passing = std::exchange(stop_passes_, false);
    return outcome;
  }
  outcome.passing = Passes(code);
  ErrorCode kind = ErrorCode::kUnavailable;
  std::string what = Explain(code);
  if (code == CURLE_OPERATION_TIMEDOUT) kind = ErrorCode::kDeadline;
  if (code == CURLE_UNSUPPORTED_PROTOCOL && request_.url.starts_with("http")) {
    what = "what answers there does not speak HTTP";
  } else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    kind = ErrorCode::kInvalidArgument;
  }
  if (message_[0] != '\0' && what != message_.data()) what += fmt::format(" ({})", message_.data());
  outcome.error = ErrorOf(kind, what);
  return outcome;
}

Outcome Transfer::Finish(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  // A reply that says what is wrong counts even when it was cut off or too long.
  const bool refused = status >= 400 && !stopped_ && (code == CURLE_PARTIAL_FILE || code == CURLE_WRITE_ERROR);
  return code == CURLE_OK || refused ? FinishReply(static_cast<int>(status)) : FinishFailure(code);
}

std::optional<int64_t> Transfer::LimitAt() const {
  std::optional<int64_t> at;
  const auto earlier = [&](Micros limit, int64_t since) {
    if (limit.count() > 0) at = std::min(at.value_or(INT64_MAX), since + limit.count());
  };
  if (!began_) earlier(request_.timeouts.first_byte, started_us_);
  earlier(request_.timeouts.attempt, started_us_);
  return at;
}

Error Transfer::LimitError() const {
  const Timeouts& limits = request_.timeouts;
  const bool silent =
      !began_ && limits.first_byte.count() > 0 && (limits.attempt.count() == 0 || limits.first_byte <= limits.attempt);
  const double seconds = static_cast<double>((silent ? limits.first_byte : limits.attempt).count()) * 1e-6;
  return ErrorOf(ErrorCode::kDeadline, silent   ? fmt::format("no reply began within {} s", seconds)
                                       : began_ ? fmt::format("the reply did not end within {} s", seconds)
                                                : fmt::format("no reply within {} s", seconds));
}

}  // namespace jade::http::internal
