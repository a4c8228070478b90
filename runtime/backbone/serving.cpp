#include "runtime/backbone/serving.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "runtime/backbone/block_pool.h"
#include "runtime/backbone/constraint_cache.h"
#include "runtime/backbone/engine_loop.h"

namespace jade::backbone {
namespace {

constexpr size_t kBoundConstraints = 256;

std::string KibiOrMebiBytes(int64_t bytes) {
  if (bytes < (1 << 20)) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / (1 << 10));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

Status CheckSampling(const engine::Sampling& s) {
  const auto wrong = [](const char* name, double value, const char* rule) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("{} is {}, must be {}", name, value, rule));
  };
  if (!(s.temperature >= 0.0) || !std::isfinite(s.temperature)) {
    return wrong("temperature", s.temperature, "0 or more");
  }
  if (!(s.top_p > 0.0) || s.top_p > 1.0) return wrong("top_p", s.top_p, "above 0 and at most 1");
  if (s.top_k < 0) return wrong("top_k", s.top_k, "0 or more");
  if (!(s.min_p >= 0.0) || s.min_p > 1.0) return wrong("min_p", s.min_p, "from 0 to 1");
  if (!(s.repetition_penalty > 0.0) || !std::isfinite(s.repetition_penalty)) {
    return wrong("repetition_penalty", s.repetition_penalty, "above 0");
  }
  if (s.max_tokens < 1) return wrong("max_tokens", s.max_tokens, "at least 1");
  return {};
}

class ThreadedEngine final : public ServingEngine, private EngineAnswers {
 public:
  ThreadedEngine(std::vector<ServedPolicy> policies, tokenizer::ChatFormat chat, ServingOptions options)
      : policies_(std::move(policies)), chat_(std::move(chat)), options_(std::move(options)) {
    for (const ServedPolicy& policy : policies_) {
      auto ids = std::make_shared<std::vector<int32_t>>(chat_.stop_ids());
      ids->insert(ids->end(), policy.end_ids.begin(), policy.end_ids.end());
      end_ids_.push_back(std::move(ids));
    }
  }

  ~ThreadedEngine() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // Once, before anything else.
  Status Start(ExecutorFactory make_executor) {
    std::promise<Status> started;
    std::future<Status> status = started.get_future();
    thread_ = std::thread([this, make = std::move(make_executor), promise = std::move(started)]() mutable {
      Serve(make, std::move(promise));
    });
    return status.get();
  }

  Status Submit(engine::Request request) override;
  void Cancel(uint64_t id) override;
  Status Refresh(const std::string& policy, std::function<void()> change) override;

  ServingStatistics statistics() const override {
    std::lock_guard lock(mutex_);
    ServingStatistics statistics = published_;
    statistics.tokenising_us = tokenising_us_.load();
    return statistics;
  }

  std::string Describe() const override {
    std::string details = options_.details;
    if (options_.deterministic) details += details.empty() ? "deterministic" : ", deterministic";
    if (const auto names = PolicyNames(); !names.empty()) {
      details += fmt::format("{}{} {}", details.empty() ? "" : ", ", names.size() == 1 ? "policy" : "policies",
                             fmt::join(names, ", "));
    }
    return details.empty() ? options_.name : fmt::format("{} ({})", options_.name, details);
  }

 private:
  std::vector<std::string> PolicyNames() const;  // that calls may ask for
  Result<int> FindPolicy(const std::string& name) const;
  Result<Observation> Observe(const engine::Request& request, int policy);
  Result<int64_t> MostReplyTokens(const engine::Request& request, int64_t prompt_tokens, int policy) const;
  Result<std::unique_ptr<engine::ConstraintState>> StartConstraint(const engine::Request& request, int64_t most_tokens);

  // ---- The engine's thread.
  void Serve(const ExecutorFactory& make_executor, std::promise<Status> started);
  bool TakeWork();
  void Publish();
  void Started(uint64_t id) override { PostStarted(id); }
  void Delta(uint64_t id, std::string text) override { PostDelta(id, std::move(text)); }
  void Replied(uint64_t id, engine::Reply reply) override {
    --in_flight_;
    Publish();  // whoever has the last reply finds all of its work in the figures
    PostReply(id, std::move(reply));
  }

  const std::vector<ServedPolicy> policies_;
  const tokenizer::ChatFormat chat_;
  const ServingOptions options_;
  std::vector<std::shared_ptr<const std::vector<int32_t>>> end_ids_;  // by policy
  // Constant once the engine has started.
  int64_t blocks_ = 0, block_bytes_ = 0;
  int64_t vocab_size_ = 0;
  EngineLoop* loop_ = nullptr;  // the engine's thread only

  std::once_flag constraints_once_;
  std::unique_ptr<ConstraintCache> constraints_;
  std::atomic<int64_t> in_flight_ = 0;
  std::atomic<int64_t> tokenising_us_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable work_;
  std::vector<std::unique_ptr<Call>> arrived_;
  std::vector<uint64_t> cancelled_;
  std::vector<std::unique_ptr<EngineLoop::Change>> changes_;
  ServingStatistics published_;
  bool stopping_ = false;

  std::thread thread_;
};

std::vector<std::string> ThreadedEngine::PolicyNames() const {
  std::vector<std::string> names;
  for (const ServedPolicy& policy : policies_) {
    if (!policy.name.empty()) names.push_back(policy.name);
    names.insert(names.end(), policy.aliases.begin(), policy.aliases.end());
  }
  return names;
}

Result<int> ThreadedEngine::FindPolicy(const std::string& name) const {
  if (name.empty()) return 0;
  for (size_t i = 0; i < policies_.size(); ++i) {
    const std::vector<std::string>& aliases = policies_[i].aliases;
    if (policies_[i].name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end()) {
      return static_cast<int>(i);
    }
  }
  const std::vector<std::string> names = PolicyNames();
  if (names.empty()) {
    return Error(ErrorCode::kNotFound,
                 fmt::format("this backbone serves one set of weights and has no policy `{}`", name));
  }
  return Error(ErrorCode::kNotFound,
               fmt::format("this backbone has no policy `{}`; it serves `{}`", name, fmt::join(names, "`, `")));
}

Result<Observation> ThreadedEngine::Observe(const engine::Request& request, int policy) {
  const Clock::time_point begin = Clock::now();
  Observation observation = RenderObservation(chat_, *request.messages);
  tokenising_us_ += MicrosecondsBetween(begin, Clock::now());
  if (observation.ids.empty()) return Error(ErrorCode::kInvalidArgument, "the prompt has no tokens");
  const int64_t context = policies_[static_cast<size_t>(policy)].max_positions;
  if (static_cast<int64_t>(observation.ids.size()) >= context) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the prompt of `{}` has {} tokens; the context of `{}` holds {} with the reply",
                             request.role, observation.ids.size(), options_.name, context));
  }
  return observation;
}

Result<int64_t> ThreadedEngine::MostReplyTokens(const engine::Request& request, int64_t prompt_tokens,
                                                int policy) const {
  const int64_t context = policies_[static_cast<size_t>(policy)].max_positions;
  const int64_t most = std::min<int64_t>(request.sampling.max_tokens, context - prompt_tokens);
  if (const int64_t needed = BlocksFor(prompt_tokens + most); needed > blocks_) {
    return Error(ErrorCode::kOutOfMemory,
                 fmt::format("a call of `{}` with {} prompt tokens and up to {} more needs {} of KV cache; `kv_cache` "
                             "has room for {}",
                             request.role, prompt_tokens, most, KibiOrMebiBytes(needed * block_bytes_),
                             KibiOrMebiBytes(blocks_ * block_bytes_)));
  }
  return most;
}

Result<std::unique_ptr<engine::ConstraintState>> ThreadedEngine::StartConstraint(const engine::Request& request,
                                                                                 int64_t most_tokens) {
  if (request.constraint == nullptr) return std::unique_ptr<engine::ConstraintState>();
  std::call_once(constraints_once_, [this] {
    constraints_ = std::make_unique<ConstraintCache>(MakeVocabulary(chat_, vocab_size_), kBoundConstraints);
  });
  JADE_ASSIGN_OR_RETURN(const auto bound, constraints_->Bind(*request.constraint));
  return bound->Start(most_tokens);
}

Status ThreadedEngine::Submit(engine::Request request) {
  if (request.messages == nullptr) return Error(ErrorCode::kInvalidArgument, "the request has no messages");
  JADE_TRY(CheckSampling(request.sampling));
  JADE_ASSIGN_OR_RETURN(const int policy, FindPolicy(request.policy));
  if (in_flight_.load() >= options_.max_waiting) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("{} calls wait for `{}` already", options_.max_waiting, options_.name));
  }
  Call::Parts parts;
  JADE_ASSIGN_OR_RETURN(parts.observation, Observe(request, policy));
  const auto prompt_tokens = static_cast<int64_t>(parts.observation.ids.size());
  JADE_ASSIGN_OR_RETURN(parts.most_reply_tokens, MostReplyTokens(request, prompt_tokens, policy));
  JADE_ASSIGN_OR_RETURN(parts.constraint, StartConstraint(request, parts.most_reply_tokens));
  parts.policy = policy;
  parts.end_ids = end_ids_[static_cast<size_t>(policy)];
  parts.request = std::move(request);
  auto call = std::make_unique<Call>(std::move(parts), chat_.tokenizer());
  ++in_flight_;
  {
    std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(call));
  }
  work_.notify_all();
  return {};
}

void ThreadedEngine::Cancel(uint64_t id) {
  {
    std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
  }
  work_.notify_all();
}

Status ThreadedEngine::Refresh(const std::string& policy, std::function<void()> change) {
  JADE_ASSIGN_OR_RETURN(const int index, FindPolicy(policy));
  auto asked = std::make_unique<EngineLoop::Change>();
  asked->policy = index;
  asked->change = std::move(change);
  std::future<Status> done = asked->done.get_future();
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return Error(ErrorCode::kCancelled, "the backbone ends");
    changes_.push_back(std::move(asked));
  }
  work_.notify_all();
  return done.get();
}

void ThreadedEngine::Serve(const ExecutorFactory& make_executor, std::promise<Status> started) {
  auto made = make_executor();
  if (!made.ok()) return started.set_value(std::move(made).error());
  const std::unique_ptr<Executor> executor = std::move(made).value();
  blocks_ = executor->block_count();
  block_bytes_ = executor->block_bytes();
  vocab_size_ = executor->vocab_size();
  if (blocks_ < 1) {
    return started.set_value(Error(
        ErrorCode::kInvalidArgument,
        fmt::format("`kv_cache` is too small: {} tokens need {}", kKvBlockTokens, KibiOrMebiBytes(block_bytes_))));
  }
  SchedulerOptions options;
  options.policies = static_cast<int>(policies_.size());
  options.max_sequences = options_.max_sequences;
  options.prefill_tokens = options_.prefill_tokens;
  options.share_prefixes = options_.prefix_cache;
  options.alone = options_.deterministic && !executor->batch_invariant();
  EngineLoop loop(executor.get(), options, this);
  loop_ = &loop;
  started.set_value({});
  while (TakeWork()) loop.Step();
  loop.Stop();
}

void ThreadedEngine::Publish() {
  const ServingStatistics statistics = loop_->statistics();
  std::lock_guard lock(mutex_);
  published_ = statistics;
}

// Waits for something to do and hands it to the loop. False when the engine ends.
bool ThreadedEngine::TakeWork() {
  std::vector<std::unique_ptr<Call>> arrived;
  std::vector<uint64_t> cancelled;
  std::vector<std::unique_ptr<EngineLoop::Change>> changes;
  bool stopping = false;
  Publish();
  {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [&] {
      return stopping_ || !arrived_.empty() || !cancelled_.empty() || !changes_.empty() || loop_->busy();
    });
    arrived.swap(arrived_);
    cancelled.swap(cancelled_);
    changes.swap(changes_);
    stopping = stopping_;
  }
  for (auto& call : arrived) loop_->Add(std::move(call));
  for (auto& change : changes) loop_->Refresh(std::move(change));
  for (const uint64_t id : cancelled) loop_->Cancel(id);
  return !stopping;
}

}  // namespace

std::shared_ptr<const engine::Vocabulary> MakeVocabulary(const tokenizer::ChatFormat& chat, int64_t size) {
  auto vocabulary = std::make_shared<engine::Vocabulary>();
  const tokenizer::Tokenizer& tokenizer = chat.tokenizer();
  vocabulary->bytes.resize(static_cast<size_t>(size));
  const int64_t known = std::min<int64_t>(size, tokenizer.vocab_size());
  for (int32_t id = 0; id < known; ++id) {
    if (!tokenizer.IsSpecial(id)) vocabulary->bytes[static_cast<size_t>(id)] = tokenizer.TokenBytes(id);
  }
  // One end, so that where a text is complete there is nothing left to choose.
  vocabulary->end_ids = {chat.end_of_turn()};
  return vocabulary;
}

Result<std::unique_ptr<ServingEngine>> MakeServingEngine(std::vector<ServedPolicy> policies, tokenizer::ChatFormat chat,
                                                         ServingOptions options, ExecutorFactory make_executor) {
  if (policies.empty()) return Error(ErrorCode::kInvalidArgument, "a backbone needs at least one set of weights");
  if (options.max_sequences < 1 || options.prefill_tokens < 1 || options.max_waiting < 1) {
    return Error(ErrorCode::kInvalidArgument,
                 "sequences in a batch, prompt tokens in a step and calls that wait must be at least 1");
  }
  auto engine = std::make_unique<ThreadedEngine>(std::move(policies), std::move(chat), std::move(options));
  JADE_TRY(engine->Start(std::move(make_executor)));
  return std::unique_ptr<ServingEngine>(std::move(engine));
}

}  // namespace jade::backbone
