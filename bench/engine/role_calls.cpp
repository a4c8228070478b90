#include "bench/engine/role_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace jade::bench {
namespace {

constexpr std::array<std::string_view, 32> kWords = {
    "river",  "the",   "of",      "question", "answer", "city",  "when",    "born",  "film",   "director", "was",
    "before", "which", "country", "mountain", "and",    "older", "writes",  "music", "number", "second",   "name",
    "people", "north", "house",   "first",    "in",     "about", "between", "year",  "short",  "document"};

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}
  std::string_view Word() { return kWords[random_() % kWords.size()]; }

 private:
  std::mt19937_64 random_;
};

engine::Messages Prompt(const std::string& shared, const std::string& own) {
  return {{engine::MessageRole::kSystem, shared, shared.size()}, {engine::MessageRole::kUser, own}};
}

int64_t CommonPrefix(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

// The system text for which two prompts have `wanted` tokens in common.
std::string WriteShared(const backbone::MeasuredModel& model, int64_t wanted) {
  Writer writer(1);
  std::string text = "role";
  while (CommonPrefix(model.Render(Prompt(text, "a")), model.Render(Prompt(text, "b"))) < wanted) {
    text += ' ';
    text += writer.Word();
  }
  return text;
}

// A constraint that allows every token but the ends, so that each reply has as many tokens as the next.
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

// Follows the calls of one measurement.
class Dealer {
 public:
  Dealer(engine::Engine& engine, const RoleCalls& calls, const RoleCallOptions& options)
      : engine_(engine), calls_(calls), options_(options), chains_(ChainCount()) {
    if (calls.may_end) constraint_ = std::make_shared<Endless>();
  }

  Result<RoleCallOutcome> Run() {
    auto queue = std::make_shared<engine::EventQueue>();
    engine_.Connect(queue);
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t chain = 0; chain < chains_; ++chain) JADE_TRY(Submit(chain));
    std::vector<engine::Event> events;
    while (done_ < calls_.shape.calls) {
      if (options_.cancel != nullptr && *options_.cancel) return Drop(*queue);
      events.clear();
      if (!engine_.Step() && !queue->Drain(&events)) queue->Wait(std::chrono::milliseconds(100));
      queue->Drain(&events);
      for (const engine::Event& event : events) {
        if (event.kind == engine::Event::Kind::kReply) JADE_TRY(Take(event));
      }
    }
    outcome_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return outcome_;
  }

 private:
  int64_t ChainCount() const {
    return options_.chains > 0 ? std::min<int64_t>(options_.chains, calls_.shape.calls) : calls_.shape.calls;
  }

  Status Submit(int64_t call) {
    engine::Request request;
    request.id = static_cast<uint64_t>(call) + 1;
    request.messages = calls_.prompts[static_cast<size_t>(call)];
    if (!options_.knows_prefix) {
      auto unknown = *request.messages;
      for (engine::Message& message : unknown) message.static_bytes = 0;
      request.messages = std::make_shared<engine::Messages>(std::move(unknown));
    }
    request.role = "bench";
    request.sampling.temperature = 0;
    request.sampling.max_tokens = static_cast<int>(calls_.shape.reply_tokens);
    request.sampling.stream = {1, request.id};
    request.constraint = constraint_;
    ++in_flight_;
    return engine_.Submit(std::move(request));
  }

  // Call i is of chain i modulo the number of chains.
  Status Take(const engine::Event& event) {
    --in_flight_;
    ++done_;
    if (event.reply.error) return Error(*event.reply.error);
    outcome_.prompt_tokens += static_cast<int64_t>(event.reply.observation_ids.size());
    outcome_.cached_tokens += event.reply.cached_tokens;
    outcome_.reply_tokens += static_cast<int64_t>(event.reply.action_ids.size());
    const int64_t next = static_cast<int64_t>(event.id) - 1 + chains_;
    return next < calls_.shape.calls ? Submit(next) : Status{};
  }

  // Ends what is in flight, so that the engine can be used again.
  Error Drop(engine::EventQueue& queue) {
    for (int64_t call = 0; call < calls_.shape.calls; ++call) engine_.Cancel(static_cast<uint64_t>(call) + 1);
    std::vector<engine::Event> events;
    while (in_flight_ > 0) {
      events.clear();
      if (!engine_.Step() && !queue.Drain(&events)) queue.Wait(std::chrono::milliseconds(100));
      queue.Drain(&events);
      in_flight_ -= std::count_if(events.begin(), events.end(),
                                  [](const engine::Event& event) { return event.kind == engine::Event::Kind::kReply; });
    }
    return {ErrorCode::kCancelled, "interrupted"};
  }

  engine::Engine& engine_;
  const RoleCalls& calls_;
  const RoleCallOptions& options_;
  const int64_t chains_;
  std::shared_ptr<const engine::Constraint> constraint_;
  RoleCallOutcome outcome_;
  int64_t in_flight_ = 0;
  int64_t done_ = 0;
};

}  // namespace

Result<RoleCalls> WriteRoleCalls(const backbone::MeasuredModel& model, const RoleCallShape& shape) {
  const int64_t least = static_cast<int64_t>(model.Render(Prompt("role", "1 the")).size());
  if (shape.shared_tokens + shape.own_tokens < least + 4 || shape.calls < 1 || shape.reply_tokens < 1) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("a role call has at least {} prompt tokens, of the chat template alone", least + 4));
  }
  RoleCalls calls;
  calls.shape = shape;
  calls.may_end = model.may_end_replies();
  const std::string shared = WriteShared(model, shape.shared_tokens);
  for (int64_t call = 0; call < shape.calls; ++call) {
    Writer writer(static_cast<uint64_t>(call) + 2);
    std::string own = fmt::format("{}", call);
    std::vector<int32_t> ids = model.Render(Prompt(shared, own));
    while (static_cast<int64_t>(ids.size()) < shape.shared_tokens + shape.own_tokens) {
      own += ' ';
      own += writer.Word();
      ids = model.Render(Prompt(shared, own));
    }
    calls.prompts.push_back(std::make_shared<engine::Messages>(Prompt(shared, own)));
    calls.prompt_ids.push_back(std::move(ids));
  }
  return calls;
}

Result<RoleCallOutcome> RunRoleCalls(engine::Engine& engine, const RoleCalls& calls, const RoleCallOptions& options) {
  return Dealer(engine, calls, options).Run();
}

}  // namespace jade::bench
