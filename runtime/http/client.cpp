#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>
#include <unordered_map>

#include "runtime/http/backoff.h"
#include "runtime/http/http.h"
#include "runtime/http/token_bucket.h"
#include "runtime/http/transfer.h"

namespace jade::http {
namespace {

using internal::Easy;
using internal::Outcome;
using internal::Transfer;
using State = Transfer::State;

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
constexpr int kLongestPollMs = 10'000;
constexpr size_t kKeptHandles = 256;

struct MultiCloser {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// Signals are for the program's other threads; a write to a closed connection must not raise one here.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

class MultiClient final : public Client {
 public:
  MultiClient(ClientOptions options, CURLM* multi)
      : options_(std::move(options)), multi_(multi), bucket_(options_.requests_per_second) {
    if (options_.clock == nullptr) options_.clock = std::make_shared<engine::SteadyClock>();
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.concurrency));
    thread_ = std::thread([this] { Serve(); });
  }

  ~MultiClient() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
  }

  Id Submit(Request request, std::unique_ptr<Receiver> receiver) override {
    Id id = 0;
    {
      std::lock_guard lock(mutex_);
      id = ++last_id_;
      arrived_.push_back(std::make_unique<Transfer>(id, std::move(request), std::move(receiver)));
    }
    Wake();
    return id;
  }

  void Cancel(Id id) override {
    {
      std::lock_guard lock(mutex_);
      cancelled_.push_back(id);
    }
    Wake();
  }

  void Wake() override { curl_multi_wakeup(multi_.get()); }

 private:
  using Transfers = std::unordered_map<Id, std::unique_ptr<Transfer>>;

  // ---- Everything below runs on the client's thread.

  int64_t Now() const { return options_.clock->NowMicros(); }

  void Serve() {
    BlockSignals();
    while (TakeWork()) {
      FireTimers();
      Dispatch();
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      Reap();
      Rest();
    }
    // A receiver may submit anew when it is told of its end.
    for (TakeWork(); !transfers_.empty(); TakeWork()) {
      Transfer& transfer = *transfers_.begin()->second;
      End(transfer, transfer.ErrorOf(ErrorCode::kCancelled, "cancelled: the client ends"));
    }
  }

  // Takes what arrived and drops what was cancelled. False when the client ends.
  bool TakeWork() {
    std::vector<std::unique_ptr<Transfer>> arrived;
    std::vector<Id> cancelled;
    bool stopping = false;
    {
      std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (auto& transfer : arrived) {
      Transfer& one = *transfer;
      transfers_.emplace(one.id(), std::move(transfer));
      one.submitted_us = Now();
      MakeReady(one);
    }
    for (const Id id : cancelled) {
      const auto found = transfers_.find(id);
      if (found != transfers_.end()) End(*found->second, found->second->ErrorOf(ErrorCode::kCancelled, "cancelled"));
    }
    return !stopping;
  }

  // Earlier deadlines first; of equals the first submitted.
  static std::tuple<int64_t, Id> PlaceOf(const Transfer& transfer) {
    const auto wanted = transfer.request().wanted.time_since_epoch();
    const int64_t at = std::chrono::duration_cast<Micros>(wanted).count();
    return {at == 0 ? kForever : at, transfer.id()};
  }

  void MakeReady(Transfer& transfer) {
    transfer.state = State::kReady;
    ready_.insert(PlaceOf(transfer));
    Arm(transfer);
  }

  // Sets the one timer of a transfer to the next thing that happens to it.
  void Arm(Transfer& transfer) {
    Disarm(transfer);
    int64_t at = kForever;
    const Micros total = transfer.request().timeouts.total;
    if (total.count() > 0) at = transfer.submitted_us + total.count();
    if (transfer.state == State::kPausing) at = std::min(at, transfer.resume_us);
    if (transfer.state == State::kActive) at = std::min(at, transfer.LimitAt().value_or(kForever));
    if (at == kForever) return;
    transfer.timer = {at, transfer.id()};
    timers_.insert(*transfer.timer);
  }

  void Disarm(Transfer& transfer) {
    if (transfer.timer) timers_.erase(*transfer.timer);
    transfer.timer.reset();
  }

  void FireTimers() {
    const int64_t now = Now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      Transfer& transfer = *transfers_.at(timers_.begin()->second);
      Disarm(transfer);
      const Micros total = transfer.request().timeouts.total;
      if (total.count() > 0 && now >= transfer.submitted_us + total.count()) {
        std::string what = fmt::format("not done within {} s", static_cast<double>(total.count()) * 1e-6);
        if (transfer.last_error) what += fmt::format("; before: {}", transfer.last_error->message());
        End(transfer, transfer.ErrorOf(ErrorCode::kDeadline, what));
      } else if (transfer.state == State::kPausing) {
        MakeReady(transfer);
      } else if (transfer.LimitAt().value_or(kForever) <= now) {
        Outcome outcome;
        outcome.error = transfer.LimitError();
        outcome.passing = true;
        Leave(transfer);
        Settle(transfer, std::move(outcome));
      } else {  // its reply has begun since
        Arm(transfer);
      }
    }
  }

  void Dispatch() {
    while (!ready_.empty() && active_ < options_.concurrency) {
      const int64_t now = Now();
      if (now < held_until_us_ || !bucket_.Take(now)) return;
      Transfer& transfer = *transfers_.at(std::get<1>(*ready_.begin()));
      ready_.erase(ready_.begin());
      Start(transfer, now);
    }
  }

  void Start(Transfer& transfer, int64_t now) {
    Easy easy = TakeHandle();
    if (easy == nullptr) return End(transfer, transfer.ErrorOf(ErrorCode::kOutOfMemory, "no memory for a connection"));
    transfer.state = State::kActive;
    ++active_;
    if (Status begun = transfer.Begin(std::move(easy), now); !begun.ok()) return End(transfer, begun.error());
    transfer.receiver().Started(transfer.attempts());
    curl_multi_add_handle(multi_.get(), transfer.easy());
    Arm(transfer);
  }

  Easy TakeHandle() {
    if (handles_.empty()) return Easy(curl_easy_init());
    Easy easy = std::move(handles_.back());
    handles_.pop_back();
    return easy;
  }

  // Off the wire.
  void Leave(Transfer& transfer) {
    curl_multi_remove_handle(multi_.get(), transfer.easy());
    --active_;
    Easy easy = transfer.Release();
    if (handles_.size() < kKeptHandles) handles_.push_back(std::move(easy));
  }

  void Reap() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      char* self = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
      auto& transfer = *reinterpret_cast<Transfer*>(self);  // NOLINT: as libcurl keeps it
      Outcome outcome = transfer.Finish(code);
      Leave(transfer);
      Settle(transfer, std::move(outcome));
    }
  }

  // An attempt is over: again after a pause, or the end.
  void Settle(Transfer& transfer, Outcome outcome) {
    const bool too_long = outcome.retry_after_us.value_or(0) > kLongestRetryAfterUs;
    const bool again = outcome.passing && !too_long && transfer.attempts() <= transfer.request().retries &&
                       transfer.receiver().MayRetry();
    if (again) return Pause(transfer, outcome);
    if (outcome.response) return End(transfer, std::move(*outcome.response));
    Error error = std::move(*outcome.error);
    if (transfer.attempts() > 1) {
      error = Error(error.code(), fmt::format("{} (after {} attempts)", error.message(), transfer.attempts()));
    }
    End(transfer, std::move(error));
  }

  void Pause(Transfer& transfer, const Outcome& outcome) {
    const int64_t now = Now();
    transfer.state = State::kPausing;
    transfer.resume_us =
        now + PauseMicros(transfer.attempts(), transfer.request().seed ^ transfer.id(), outcome.retry_after_us);
    // Who is told to come back later speaks for all: the others wait too.
    if (outcome.retry_after_us) held_until_us_ = std::max(held_until_us_, now + *outcome.retry_after_us);
    transfer.last_error =
        outcome.error ? *outcome.error
                      : transfer.ErrorOf(ErrorCode::kUnavailable, fmt::format("status {}", outcome.response->status));
    Arm(transfer);
  }

  void End(Transfer& transfer, Result<Response> result) {
    if (transfer.easy() != nullptr) Leave(transfer);
    if (transfer.state == State::kReady) ready_.erase(PlaceOf(transfer));
    Disarm(transfer);
    const auto node = transfers_.extract(transfer.id());
    transfer.receiver().Done(std::move(result));
  }

  // Until something comes over the wire, Wake is called, or the next timer fires.
  void Rest() {
    const int64_t now = Now();
    int64_t next = timers_.empty() ? kForever : timers_.begin()->first;
    if (!ready_.empty() && active_ < options_.concurrency) {
      next = std::min(next, std::max(held_until_us_, bucket_.NextAt(now)));
    }
    if (next <= now) return;
    if (next != kForever && active_ == 0 && Idle() && options_.clock->SkipTo(next)) return;
    const int64_t ms = next == kForever ? kLongestPollMs : std::min<int64_t>((next - now + 999) / 1000, kLongestPollMs);
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(ms), nullptr);
  }

  bool Idle() {
    std::lock_guard lock(mutex_);
    return arrived_.empty() && cancelled_.empty() && !stopping_;
  }

  ClientOptions options_;
  std::unique_ptr<CURLM, MultiCloser> multi_;

  std::mutex mutex_;  // guards what other threads touch
  std::vector<std::unique_ptr<Transfer>> arrived_;
  std::vector<Id> cancelled_;
  Id last_id_ = 0;
  bool stopping_ = false;

  TokenBucket bucket_;
  Transfers transfers_;
  std::set<std::tuple<int64_t, Id>> ready_;
  std::set<std::pair<int64_t, Id>> timers_;
  std::vector<Easy> handles_;
  int active_ = 0;
  int64_t held_until_us_ = 0;
  std::thread thread_;  // last: it uses what stands above
};

// Waits for one reply.
struct Waiter {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<Response>> result;
};

class WaitingReceiver final : public Receiver {
 public:
  explicit WaitingReceiver(std::shared_ptr<Waiter> waiter) : waiter_(std::move(waiter)) {}
  void Done(Result<Response> result) override {
    {
      std::lock_guard lock(waiter_->mutex);
      waiter_->result = std::move(result);
    }
    waiter_->changed.notify_all();
  }

 private:
  std::shared_ptr<Waiter> waiter_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  if (options.concurrency < 1) return Error(ErrorCode::kInvalidArgument, "`concurrency` must be at least 1");
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = started == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) return Error(ErrorCode::kUnavailable, "libcurl cannot be started");
  return std::unique_ptr<Client>(std::make_unique<MultiClient>(std::move(options), multi));
}

Result<Response> Fetch(Client& client, Request request) {
  auto waiter = std::make_shared<Waiter>();
  client.Submit(std::move(request), std::make_unique<WaitingReceiver>(waiter));
  std::unique_lock lock(waiter->mutex);
  waiter->changed.wait(lock, [&] { return waiter->result.has_value(); });
  return std::move(*waiter->result);
}

}  // namespace jade::http
