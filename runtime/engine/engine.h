#pragma once
// The border between the orchestration (scheduler, calls) and whatever generates text or runs tools. An Engine serves
// model calls, a ToolProvider serves tools; both answer by posting Events to the queue they are connected to. Nothing
// here knows LibTorch or HTTP.
//
// Threads: the owner connects a source once, before its first request, and again only when nothing is in flight. Submit
// and Cancel may be called from any thread and never block on the work itself. A source either has threads of its own
// (Step stays the default) or does a slice of its work in Step, on the scheduler's thread.
//
// Every accepted request gets exactly one kDone event, also when it failed or was cancelled.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "compiler/types/message_role.h"
#include "runtime/engine/constraint.h"

namespace jade::engine {

using types::MessageRole;

// Text is plain: whatever it contains, it never becomes special tokens. Only the backbone's chat template makes those.
// A kPrefill message is last and begins the reply; it is part of the observation, not of Reply::text.
struct Message {
  MessageRole role = MessageRole::kUser;
  std::string text;
  size_t static_bytes = 0;  // at its start, the same in every call of the role; 0: not known
  friend bool operator==(const Message&, const Message&) = default;
};
using Messages = std::vector<Message>;

// Seeds one call's own random stream: the 128-bit hash of (run seed, call path). Equal keys and equal requests give
// equal samples under `deterministic`, whatever else is in the batch.
using StreamKey = std::array<uint64_t, 2>;

struct Sampling {
  double temperature = 1.0;  // 0 is greedy
  int top_k = 0;             // 0: no limit
  double top_p = 1.0;
  double min_p = 0.0;               // tokens below min_p times the most probable one are cut
  double repetition_penalty = 1.0;  // above 1: tokens of prompt and reply become less probable
  int max_tokens = 256;
  std::vector<std::string> stop;  // generation ends before the first of these; it is not part of the text
  StreamKey stream{};
};

struct Request {
  uint64_t id = 0;                           // chosen by the submitter, unique while in flight
  std::shared_ptr<const Messages> messages;  // frozen: engine and trace share it
  std::string role;                          // declaration name, "QR"; for logs, scripts and per-role settings
  std::string policy;                        // named weight set; empty is the engine's default
  Sampling sampling;
  bool want_stream = false;                      // text deltas as they are generated
  std::shared_ptr<const Constraint> constraint;  // null: the reply is free
  // By when the reply is wanted, steady clock; time_point{}: whenever. Earlier ones go first, late ones are not
  // dropped.
  std::chrono::steady_clock::time_point deadline{};
};

enum class Finish : uint8_t {
  kStop,       // end token or stop string
  kLength,     // max_tokens, or the context was full: the action is truncated
  kCancelled,  // nothing but the id is meaningful
  kError,
};

// Microseconds spent in each phase.
struct ReplyTimings {
  int64_t queue_us = 0;
  int64_t prefill_us = 0;
  int64_t decode_us = 0;
};

struct Reply {
  std::string text;
  std::vector<int32_t> observation_ids;     // the whole prompt, prefill included
  std::vector<int32_t> action_ids;          // the end token included, if it was sampled
  std::vector<float> log_probs;             // natural logarithm of each action token under the sampling distribution
  std::vector<uint32_t> constraint_states;  // before each action token; empty without a constraint
  int64_t prompt_tokens = 0;                // of the observation and the action, as far as they are counted without
  int64_t reply_tokens = 0;                 // being named; 0: those above
  int64_t cached_tokens = 0;                // of the observation, found in the prefix cache
  Finish finish = Finish::kStop;
  std::optional<Error> error;  // set exactly when finish is kError
  ReplyTimings timings;
};

// A call of a tool. Arguments and results are JSON texts in the shape of the declared types:
// {"query": "…", "k": 5} and, for [Doc], [{"id": "…", "title": "…", "text": "…", "score": 1.5}, …].
struct ToolRequest {
  uint64_t id = 0;
  std::string tool;
  std::string arguments;
  std::chrono::microseconds timeout{0};  // 0: none. The scheduler cancels late requests itself; this is advice.
  uint64_t seed = 0;                     // of the run that asks: for sources that answer from a recorded one
};

struct ToolReply {
  std::string result;          // JSON
  std::optional<Error> error;  // then result is empty
};

struct Event {
  enum class Kind : uint8_t { kStarted, kDelta, kReply, kToolReply, kRecorded };
  Kind kind = Kind::kStarted;
  uint64_t id = 0;
  std::string delta;  // kDelta: the next piece of text, whole code points
  Reply reply;        // kReply
  ToolReply tool;     // kToolReply
  // kRecorded is the scheduler's own: the record of a call is on disk, or why it could not be written.
  std::optional<Error> error;
};

// Thread-safe mailbox from engines and tools to one scheduler.
class EventQueue {
 public:
  EventQueue();
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  void Post(Event event);
  // Ends a Wait that is under way, or the next one, without an event.
  void Wake();
  // Moves what is there to the end of `out`; true when there was something.
  bool Drain(std::vector<Event>* out);
  // Blocks until there is an event, Wake was called, or `timeout` has passed.
  void Wait(std::chrono::microseconds timeout);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What engines and tool providers have in common: a queue to answer to.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // Sources that pass requests on connect those behind them, too.
  virtual void Connect(std::shared_ptr<EventQueue> queue) { queue_ = std::move(queue); }
  const std::shared_ptr<EventQueue>& queue() const { return queue_; }  // null before the first Connect

  // Does one slice of work on the caller's thread; true when it did something or has more to do. For sources without
  // threads of their own.
  virtual bool Step() { return false; }

  // One line for people and traces: "nano (fp32, cpu)", "scripted".
  virtual std::string Describe() const = 0;

 protected:
  void Post(Event event) { queue_->Post(std::move(event)); }
  void PostReply(uint64_t id, Reply reply);
  void PostToolReply(uint64_t id, ToolReply reply);
  void PostDelta(uint64_t id, std::string text);
  void PostStarted(uint64_t id);

 private:
  std::shared_ptr<EventQueue> queue_;
};

class Engine : public EventSource {
 public:
  // Fails at once for what can be seen at once (a prompt that does not fit, an unknown policy); then no event comes.
  virtual Status Submit(Request request) = 0;
  // Asks for an early end; the kReply still comes (kCancelled, or the finished reply if that was first). Unknown ids
  // are ignored.
  virtual void Cancel(uint64_t id) = 0;
};

class ToolProvider : public EventSource {
 public:
  virtual bool Serves(std::string_view tool) const = 0;
  virtual Status Submit(ToolRequest request) = 0;
  virtual void Cancel(uint64_t id) = 0;
};

}  // namespace jade::engine
