#pragma once
// Internal to runtime/remote: one call on its way, as the receiver of its HTTP request. Lives on the client's thread.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/http/http.h"
#include "runtime/remote/endpoint.h"
#include "runtime/remote/reply_reader.h"

namespace jade::remote::internal {

// Where a call's events go. Any of them may be called from the client's thread.
struct CallSink {
  std::function<void(uint64_t id)> started;
  std::function<void(uint64_t id, std::string delta)> delta;
  std::function<void(uint64_t id, engine::Reply reply)> ended;  // once
};

class RemoteCall final : public http::Receiver {
 public:
  // The endpoint and the sink outlive it.
  RemoteCall(const engine::Request& request, std::vector<int32_t> observation_ids, const Endpoint* endpoint,
             std::string url, const CallSink* sink);

  void Started(int attempt) override;
  bool streams() const override { return want_stream_; }
  Status Data(std::string_view bytes) override;
  Status Check(const http::Response& response) override;
  bool MayRetry() override { return !delivered_; }
  void Done(Result<http::Response> result) override;

 private:
  using Clock = std::chrono::steady_clock;
  engine::Reply Failed(const Error& error) const;

  const uint64_t id_;
  const bool want_stream_;
  std::vector<int32_t> observation_ids_;
  const Endpoint* endpoint_;
  const std::string url_;
  const CallSink* sink_;
  const std::string echo_;  // the prefill, when the server repeats it
  ReplyReader reader_;
  bool delivered_ = false;  // text of this call has been seen: a second attempt would say something else
  Clock::time_point submitted_ = Clock::now();
  Clock::time_point started_{};  // the latest attempt
  Clock::time_point first_{};    // text of it
};

}  // namespace jade::remote::internal
