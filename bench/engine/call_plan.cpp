#include "bench/engine/call_plan.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace jade::bench {
namespace {

// A constraint that allows every token but the ends, so that a reply is as long as asked for.
class EndlessState final : public engine::ConstraintState {
 public:
  explicit EndlessState(const engine::TokenMask& mask) : mask_(mask) {}
  const engine::TokenMask& Allowed() override { return mask_; }
  bool Accept(int32_t id) override { return mask_.Has(id); }
  uint32_t number() const override { return 0; }

 private:
  const engine::TokenMask& mask_;
};

class BoundEndless final : public engine::BoundConstraint {
 public:
  explicit BoundEndless(const engine::Vocabulary& vocabulary) : mask_(static_cast<int64_t>(vocabulary.bytes.size())) {
    for (size_t id = 0; id < vocabulary.bytes.size(); ++id) {
      if (!vocabulary.bytes[id].empty()) mask_.Add(static_cast<int32_t>(id));
    }
  }
  std::unique_ptr<engine::ConstraintState> Start(int64_t /*most_tokens*/) const override {
    return std::make_unique<EndlessState>(mask_);
  }

 private:
  engine::TokenMask mask_;
};

class Endless final : public engine::Constraint {
 public:
  const std::string& id() const override { return id_; }
  Result<std::shared_ptr<const engine::BoundConstraint>> Bind(
      std::shared_ptr<const engine::Vocabulary> vocabulary) const override {
    return std::shared_ptr<const engine::BoundConstraint>(std::make_shared<BoundEndless>(*vocabulary));
  }

 private:
  std::string id_ = "bench: no end";
};

// Follows the calls of one measurement. A call's id is its place in the plan, from 1.
class Dealer {
 public:
  Dealer(engine::Engine& engine, const CallPlan& plan, const std::atomic<bool>* cancel)
      : engine_(engine), plan_(plan), cancel_(cancel), lines_(plan.lines.size()) {
    if (plan.may_end) constraint_ = std::make_shared<Endless>();
    for (size_t line = 0; line < plan.lines.size(); ++line) {
      lines_[line].first_id = ids_.size() + 1;
      lines_[line].done.resize(plan.lines[line].size());
      ids_.insert(ids_.end(), plan.lines[line].size(), line);
    }
  }

  Result<CallOutcome> Run() {
    const std::shared_ptr<engine::EventQueue> owners = engine_.queue();
    auto queue = std::make_shared<engine::EventQueue>();
    engine_.Connect(queue);
    const auto begin = std::chrono::steady_clock::now();
    Status status = BeginLines();
    std::vector<engine::Event> events;
    while (status.ok() && done_ < ids_.size()) {
      if (cancel_ != nullptr && *cancel_) status = Error(ErrorCode::kCancelled, "interrupted");
      TakeEvents(*queue, &events);
      for (const engine::Event& event : events) {
        if (event.kind == engine::Event::Kind::kReply && status.ok()) status = Take(event);
      }
    }
    outcome_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!status.ok()) Drop(*queue);
    engine_.Connect(owners);
    if (!status.ok()) return std::move(status).error();
    return outcome_;
  }

 private:
  struct Line {
    uint64_t first_id = 0;
    size_t made = 0;         // calls that were submitted
    std::vector<bool> done;  // by rank
    size_t done_first = 0;   // the first so many by rank are done
  };

  void TakeEvents(engine::EventQueue& queue, std::vector<engine::Event>* events) {
    events->clear();
    if (!engine_.Step() && !queue.Drain(events)) queue.Wait(std::chrono::milliseconds(100));
    queue.Drain(events);
    in_flight_ -= std::count_if(events->begin(), events->end(),
                                [](const engine::Event& event) { return event.kind == engine::Event::Kind::kReply; });
  }

  Status BeginLines() {
    const size_t most = plan_.lines_at_once > 0 ? plan_.lines_at_once : lines_.size();
    while (begun_ < lines_.size() && begun_ < finished_ + most) JADE_TRY(Advance(begun_++));
    return {};
  }

  // Makes the calls of a line that have nothing to wait for any more.
  Status Advance(size_t number) {
    Line& line = lines_[number];
    const std::vector<PlannedCall>& calls = plan_.lines[number];
    while (line.made < calls.size() && calls[line.made].waits_for <= line.done_first) {
      JADE_TRY(Submit(calls[line.made], line.first_id + line.made));
      ++line.made;
    }
    return {};
  }

  Status Submit(const PlannedCall& call, uint64_t id) {
    engine::Request request;
    request.id = id;
    request.messages = call.messages;
    request.role = call.role;
    request.sampling.temperature = 0;
    request.sampling.max_tokens = static_cast<int>(call.reply_tokens);
    request.sampling.stream = {1, id};
    request.constraint = constraint_;
    JADE_TRY(engine_.Submit(std::move(request)));
    ++in_flight_;
    return {};
  }

  Status Take(const engine::Event& event) {
    if (event.reply.error) return Error(*event.reply.error);
    outcome_.prompt_tokens += static_cast<int64_t>(event.reply.observation_ids.size());
    outcome_.cached_tokens += event.reply.cached_tokens;
    outcome_.reply_tokens += static_cast<int64_t>(event.reply.action_ids.size());
    ++done_;
    const size_t number = ids_[event.id - 1];
    Line& line = lines_[number];
    line.done[plan_.lines[number][event.id - line.first_id].rank] = true;
    while (line.done_first < line.done.size() && line.done[line.done_first]) ++line.done_first;
    if (line.done_first < line.done.size()) return Advance(number);
    ++finished_;
    return BeginLines();
  }

  // Ends what is in flight, so that the engine can be used again.
  void Drop(engine::EventQueue& queue) {
    for (uint64_t id = 1; id <= ids_.size(); ++id) engine_.Cancel(id);
    std::vector<engine::Event> events;
    while (in_flight_ > 0) TakeEvents(queue, &events);
  }

  engine::Engine& engine_;
  const CallPlan& plan_;
  const std::atomic<bool>* cancel_;
  std::shared_ptr<const engine::Constraint> constraint_;
  std::vector<size_t> ids_;  // the line of each call
  std::vector<Line> lines_;
  size_t begun_ = 0, finished_ = 0;  // lines
  size_t done_ = 0;                  // calls
  int64_t in_flight_ = 0;
  CallOutcome outcome_;
};

}  // namespace

int64_t CallPlan::size() const {
  size_t calls = 0;
  for (const auto& line : lines) calls += line.size();
  return static_cast<int64_t>(calls);
}

Result<CallOutcome> RunCalls(engine::Engine& engine, const CallPlan& plan, const std::atomic<bool>* cancel) {
  return Dealer(engine, plan, cancel).Run();
}

}  // namespace jade::bench
