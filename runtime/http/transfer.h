#pragma once
// Internal to runtime/http: one request on its way through the client, and its libcurl handle while it is on the wire.
// Lives on the client's thread.

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/http/http.h"

namespace jade::http::internal {

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;

struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// How an attempt ended.
struct Outcome {
  std::optional<Response> response;  // a whole reply of any status
  std::optional<Error> error;        // or what went wrong
  bool passing = false;              // trying again may help
  std::optional<int64_t> retry_after_us;
};

class Transfer {
 public:
  Transfer(Client::Id id, Request request, std::unique_ptr<Receiver> receiver)
      : id_(id), request_(std::move(request)), receiver_(std::move(receiver)) {}

  Client::Id id() const { return id_; }
  const Request& request() const { return request_; }
  Receiver& receiver() { return *receiver_; }
  int attempts() const { return attempts_; }

  // An attempt begins on `easy`, which the caller adds to its multi handle. kInvalidArgument for a URL or header that
  // libcurl does not take.
  Status Begin(Easy easy, int64_t now_us);
  CURL* easy() const { return easy_.get(); }  // null: not on the wire
  // The attempt is over; gives the handle back.
  Easy Release();
  // Reads off how it ended.
  Outcome Finish(CURLcode code);

  // When the attempt passes a limit; none: never.
  std::optional<int64_t> LimitAt() const;
  // Which limit that is, for people.
  Error LimitError() const;

  // "POST http://host/path: what"
  Error ErrorOf(ErrorCode code, const std::string& what) const;

  // Kept by the client.
  enum class State { kReady, kPausing, kActive };
  State state = State::kReady;
  int64_t submitted_us = 0;
  int64_t resume_us = 0;                                // while it pauses
  std::optional<Error> last_error;                      // of the attempt before
  std::optional<std::pair<int64_t, Client::Id>> timer;  // its entry among the client's timers

 private:
  static size_t OnBody(char* bytes, size_t size, size_t count, void* self);
  static size_t OnHeader(char* bytes, size_t size, size_t count, void* self);
  size_t TakeBody(std::string_view bytes);
  bool Stop(Error error);  // false, always
  Outcome FinishReply(int status);
  Outcome FinishFailure(CURLcode code);

  const Client::Id id_;
  const Request request_;
  const std::unique_ptr<Receiver> receiver_;
  Easy easy_;
  std::unique_ptr<curl_slist, ListCloser> headers_;
  std::string body_;
  std::optional<Error> stopped_;  // why a callback ended the attempt
  bool stop_passes_ = false;
  size_t received_ = 0;
  size_t header_bytes_ = 0;
  bool began_ = false;  // the reply has
  int attempts_ = 0;
  int64_t started_us_ = 0;
  std::array<char, CURL_ERROR_SIZE> message_{};
};

}  // namespace jade::http::internal
