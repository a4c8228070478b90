#pragma once
// The one HTTP client of JADE: many requests at once on one thread. A request waits in a queue, is tried, and tried
// again after a pause when what went wrong may pass (no connection, reset, half a reply, 408, 429, 5xx). Connections
// are kept and used again. libcurl stays behind this header.
//
// Threads: Submit, Cancel and Wake from any thread. The methods of a Receiver are called on the client's own thread,
// one at a time; they may call Submit and Cancel, and must not block. A client lives longer than nothing it calls: its
// destructor ends what is under way (kCancelled) before it returns.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/clock.h"

namespace jade::http {

using Micros = std::chrono::microseconds;

// Zero is no limit. What passes a limit but `total` may be tried again.
struct Timeouts {
  Micros connect = std::chrono::seconds(10);  // until there is a connection, in real time
  Micros first_byte{0};                       // of an attempt, until its reply begins
  Micros attempt{0};                          // of an attempt, until its reply has ended
  Micros total{0};                            // from Submit to the end, waiting in the queue and pauses included
};

struct Request {
  std::string method = "GET";
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"; never shown in messages
  std::string body;
  Timeouts timeouts;
  int retries = 0;                  // attempts after the first
  uint64_t seed = 0;                // of the pauses between attempts
  size_t max_bytes = 16ULL << 20U;  // of the reply's body
  // Earlier ones leave the queue first, of equals the one submitted first; time_point{}: after all others.
  std::chrono::steady_clock::time_point wanted{};
};

struct Response {
  int status = 0;
  std::string body;  // empty when Receiver::Data took it
  int attempts = 1;
};

// Who gets the reply.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // An attempt leaves the queue; what an earlier one brought is void. `attempt` counts from 1.
  virtual void Started(int /*attempt*/) {}
  // True: Data is given the body of a 2xx reply piece by piece. Else it is collected in Response::body.
  virtual bool streams() const { return false; }
  // An error ends the attempt; it may be tried again.
  virtual Status Data(std::string_view /*bytes*/) { return {}; }
  // A 2xx reply has ended: an error when it is not what was asked for, as a reply cut off in the middle. It may be
  // tried again.
  virtual Status Check(const Response& /*response*/) { return {}; }
  // Asked before the request is tried again.
  virtual bool MayRetry() { return true; }
  // The last call, once for each request: a reply of any status, or why there is none. Messages name the URL.
  virtual void Done(Result<Response> result) = 0;
};

struct ClientOptions {
  int concurrency = 64;            // requests on the wire at once
  double requests_per_second = 0;  // attempts leave the queue no faster, after a burst of one second's; 0: no limit
  // Null: real time. A virtual clock is moved to the next pause's end only while nothing is on the wire; whoever moves
  // it otherwise calls Wake.
  std::shared_ptr<engine::Clock> clock;
};

class Client {
 public:
  using Id = uint64_t;  // never 0
  static Result<std::unique_ptr<Client>> Create(ClientOptions options = {});
  virtual ~Client() = default;

  virtual Id Submit(Request request, std::unique_ptr<Receiver> receiver) = 0;
  // Done still comes: kCancelled, or what had come first. Unknown ids are ignored.
  virtual void Cancel(Id id) = 0;
  virtual void Wake() = 0;
};

// One request and its reply, on the caller's thread; for programs that have nothing else to do.
Result<Response> Fetch(Client& client, Request request);

}  // namespace jade::http
