#pragma once
// An Engine and a ToolProvider that answer from a script: `jade test`, golden files and scheduler tests run on them
// without a model. Replies come from a queue for each role, or from a matcher that sees the request. Time is a virtual
// clock that Step moves, so delays cost nothing and overlap can be measured exactly.
//
// Not for several threads: Submit, Cancel and Step belong to the scheduler's thread.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/engine/clock.h"
#include "runtime/engine/engine.h"

namespace jade::engine {

struct ScriptedReply {
  std::string text;
  int64_t delay_us = 0;        // of virtual time, from submission
  std::optional<Error> error;  // fail instead
  bool never = false;          // stay in flight until cancelled
};

struct ScriptOptions {
  // In which order requests that are in flight complete.
  enum class Order {
    kDelay,     // by delay, then by submission
    kShuffled,  // any order, drawn from `seed`; delays are ignored
  };
  Order order = Order::kDelay;
  uint64_t seed = 0;
  int64_t default_delay_us = 0;  // for replies from queues
  bool repeat_last = false;      // the last reply of a queue answers every later call too, until another is added
};

// Replies in the order in which they are taken.
template <typename Reply>
class ReplyQueue {
 public:
  void Add(Reply reply) {
    if (repeating_) replies_.pop_front();
    repeating_ = false;
    replies_.push_back(std::move(reply));
  }
  bool empty() const { return replies_.empty(); }
  size_t unused() const { return replies_.size() - (repeating_ ? 1 : 0); }
  Reply Take(bool repeat_last) {
    if (repeat_last && replies_.size() == 1) {
      repeating_ = true;
      return replies_.front();
    }
    Reply reply = std::move(replies_.front());
    replies_.pop_front();
    return reply;
  }

 private:
  std::deque<Reply> replies_;
  bool repeating_ = false;  // the only one left has been used
};

// What is in flight and which of it completes next. An engine and its tools share one, so that their completions are
// ordered in time together; Step of either completes whichever is next.
class ScriptSchedule {
 public:
  explicit ScriptSchedule(ScriptOptions options = {}, std::shared_ptr<VirtualClock> clock = nullptr);

  // Runs `complete` in a later Step, when `delay_us` of virtual time has passed; returns a ticket for Remove.
  using Ticket = std::pair<int64_t, uint64_t>;  // when, and the order among equals
  static constexpr Ticket kNoTicket{-1, 0};
  Ticket Add(int64_t delay_us, std::function<void()> complete);
  void Remove(const Ticket& ticket) { pending_.erase(ticket); }
  bool Step();

  const ScriptOptions& options() const { return options_; }
  const std::shared_ptr<VirtualClock>& clock() const { return clock_; }

 private:
  ScriptOptions options_;
  std::shared_ptr<VirtualClock> clock_;
  std::mt19937_64 random_;
  uint64_t added_ = 0;
  std::map<Ticket, std::function<void()>> pending_;
};

// Splits text into the pieces that the scripted engine counts as tokens: a word with the white space before it, and
// white space at the end. Their ids are hashes; joined, they give the text back.
std::vector<std::string_view> ScriptedTokens(std::string_view text);

class ScriptedEngine final : public Engine {
 public:
  // Sees a request and answers it, or leaves it to the queues.
  using Matcher = std::function<std::optional<ScriptedReply>(const Request&)>;

  explicit ScriptedEngine(ScriptOptions options = {});
  explicit ScriptedEngine(std::shared_ptr<ScriptSchedule> schedule) : schedule_(std::move(schedule)) {}

  // The next call of `role` gets this reply; replies of a role are used in the order in which its calls are submitted.
  void Add(const std::string& role, ScriptedReply reply);
  void Add(const std::string& role, std::string text);
  // Calls of `role` get this reply whenever the role's queue is empty.
  void AddDefault(const std::string& role, ScriptedReply reply);
  // Asked first, for every request.
  void SetMatcher(Matcher matcher) { matcher_ = std::move(matcher); }

  Status Submit(Request request) override;
  void Cancel(uint64_t id) override;
  bool Step() override { return schedule_->Step(); }
  std::string Describe() const override { return "scripted"; }

  // Every request so far, in order of submission.
  const std::vector<Request>& requests() const { return requests_; }
  // Replies that no call has taken: role and how many.
  std::map<std::string, size_t> Unused() const;
  size_t in_flight() const { return waiting_.size(); }
  size_t max_in_flight() const { return max_in_flight_; }
  const std::shared_ptr<ScriptSchedule>& schedule() const { return schedule_; }
  const std::shared_ptr<VirtualClock>& clock() const { return schedule_->clock(); }

 private:
  struct Waiting {
    size_t request;  // index into requests_
    ScriptedReply reply;
    int64_t submitted_us;
    ScriptSchedule::Ticket ticket;
  };
  void Complete(uint64_t id);
  std::optional<ScriptedReply> ReplyTo(const Request& request);
  Reply MakeReply(const Request& request, const Waiting& waiting) const;

  std::shared_ptr<ScriptSchedule> schedule_;
  Matcher matcher_;
  std::map<std::string, ReplyQueue<ScriptedReply>> queues_;
  std::map<std::string, ScriptedReply> defaults_;
  std::vector<Request> requests_;
  std::unordered_map<uint64_t, Waiting> waiting_;
  size_t max_in_flight_ = 0;
};

class ScriptedTools final : public ToolProvider {
 public:
  struct Result {
    std::string json;
    int64_t delay_us = 0;
    std::optional<Error> error;
  };
  using Handler = std::function<Result(const ToolRequest&)>;

  explicit ScriptedTools(ScriptOptions options = {});
  explicit ScriptedTools(std::shared_ptr<ScriptSchedule> schedule) : schedule_(std::move(schedule)) {}

  // The next call of `tool` gets this result.
  void Add(const std::string& tool, Result result);
  // Calls of `tool` whenever its queue is empty.
  void Set(const std::string& tool, Handler handler);

  bool Serves(std::string_view tool) const override;
  Status Submit(ToolRequest request) override;
  void Cancel(uint64_t id) override;
  bool Step() override { return schedule_->Step(); }
  std::string Describe() const override { return "scripted tools"; }

  const std::vector<ToolRequest>& requests() const { return requests_; }
  std::map<std::string, size_t> Unused() const;

 private:
  std::shared_ptr<ScriptSchedule> schedule_;
  std::map<std::string, ReplyQueue<Result>, std::less<>> queues_;
  std::map<std::string, Handler, std::less<>> handlers_;
  std::vector<ToolRequest> requests_;
  struct Waiting {
    Result result;
    ScriptSchedule::Ticket ticket;
  };
  void Complete(uint64_t id);
  std::unordered_map<uint64_t, Waiting> waiting_;
};

}  // namespace jade::engine
