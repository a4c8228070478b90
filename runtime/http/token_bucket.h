#pragma once
// A limit on how often something is done: `rate` times a second, after a burst of as many as one second allows (at
// least one). Time is given by the caller, in microseconds, and does not run backwards. One thread.

#include <cstdint>

namespace jade::http {

class TokenBucket {
 public:
  explicit TokenBucket(double rate);  // 0: no limit

  // Takes one token, if there is one now.
  bool Take(int64_t now_us);
  // When there will be one.
  int64_t NextAt(int64_t now_us) const;

 private:
  void Refill(int64_t now_us);
  double rate_;
  double capacity_;
  double tokens_;
  int64_t filled_at_ = 0;
  bool started_ = false;
};

}  // namespace jade::http
