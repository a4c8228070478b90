#pragma once
// For tests: receivers that keep what they are told, and a way to wait for it.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/http/http.h"

namespace jade::http {

class Collector {
 public:
  struct Kept {
    std::optional<Result<Response>> result;
    int done = 0;
    int started = 0;
    std::string data;
  };

  std::unique_ptr<Receiver> Receive(int key, bool streams = false) { return std::make_unique<One>(this, key, streams); }

  // Waits until `count` requests are done.
  void Wait(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ >= count; });
  }
  Kept Get(int key) {
    std::lock_guard lock(mutex_);
    return kept_[key];
  }
  Result<Response> Only() {
    Wait(1);
    return *Get(0).result;
  }
  int done() {
    std::lock_guard lock(mutex_);
    return done_;
  }

 private:
  class One final : public Receiver {
   public:
    One(Collector* collector, int key, bool streams) : collector_(collector), key_(key), streams_(streams) {}
    bool streams() const override { return streams_; }
    void Started(int attempt) override {
      std::lock_guard lock(collector_->mutex_);
      collector_->kept_[key_].started = attempt;
    }
    Status Data(std::string_view bytes) override {
      std::lock_guard lock(collector_->mutex_);
      collector_->kept_[key_].data += bytes;
      return {};
    }
    void Done(Result<Response> result) override {
      std::lock_guard lock(collector_->mutex_);
      Kept& kept = collector_->kept_[key_];
      kept.result = std::move(result);
      ++kept.done;
      ++collector_->done_;
      collector_->changed_.notify_all();
    }

   private:
    Collector* collector_;
    int key_;
    bool streams_;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, Kept> kept_;
  int done_ = 0;
};

}  // namespace jade::http
