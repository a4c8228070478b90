#include "runtime/backbone/serving.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "runtime/backbone/call.h"

namespace jade::backbone {
namespace {

using engine::Finish;
using engine::MessageRole;

int64_t Micros(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

std::string MebiBytes(int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

Status CheckSampling(const engine::Sampling& s) {
  if (!(s.temperature >= 0.0) || !std::isfinite(s.temperature)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("temperature is {}, must be 0 or more", s.temperature));
  }
  if (!(s.top_p > 0.0) || s.top_p > 1.0) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("top_p is {}, must be above 0 and at most 1", s.top_p));
  }
  if (s.top_k < 0) return Error(ErrorCode::kInvalidArgument, fmt::format("top_k is {}, must be 0 or more", s.top_k));
  if (s.max_tokens < 1) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("max_tokens is {}, must be at least 1", s.max_tokens));
  }
  return {};
}

class ServingEngine final : public engine::Engine {
 public:
  ServingEngine(std::shared_ptr<Decoder> decoder, tokenizer::ChatFormat chat, ServingOptions options)
      : decoder_(std::move(decoder)), chat_(std::move(chat)), options_(std::move(options)) {
    const ModelConfig& config = decoder_->config();
    cache_ = decoder_->device().is_cpu()
                 ? MakeBlockKvCache(config, options_.kv_cache_bytes)
                 : MakeTensorKvCache(config, options_.dtype, decoder_->device(), options_.kv_cache_bytes);
    stop_ids_.insert(chat_.stop_ids().begin(), chat_.stop_ids().end());
    for (const int64_t id : config.eos_ids) stop_ids_.insert(static_cast<int32_t>(id));
    thread_ = std::thread([this] { Serve(); });
  }

  ~ServingEngine() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    thread_.join();
  }

  Status Submit(engine::Request request) override {
    JADE_TRY(CheckSampling(request.sampling));
    if (!request.policy.empty()) {
      return Error(ErrorCode::kNotFound,
                   fmt::format("this backbone serves one set of weights and has no policy `{}`", request.policy));
    }
    std::vector<int32_t> prompt = Render(*request.messages);
    const ModelConfig& config = decoder_->config();
    const auto length = static_cast<int64_t>(prompt.size());
    if (prompt.empty()) return Error(ErrorCode::kInvalidArgument, "the prompt has no tokens");
    if (length >= config.max_positions) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("the prompt of `{}` has {} tokens; the context of `{}` holds {} with the reply",
                               request.role, length, options_.name, config.max_positions));
    }
    const int64_t limit = std::min<int64_t>(request.sampling.max_tokens, config.max_positions - length);
    if (const int64_t bytes = cache_->BytesFor(length + limit); bytes > cache_->budget_bytes()) {
      return Error(
          ErrorCode::kOutOfMemory,
          fmt::format("a call of `{}` with {} prompt tokens and up to {} more needs {} of KV cache; `kv_cache` "
                      "is {}",
                      request.role, length, limit, MebiBytes(bytes), MebiBytes(cache_->budget_bytes())));
    }
    auto call = std::make_unique<Call>(std::move(request), std::move(prompt), limit, chat_.tokenizer());
    {
      std::lock_guard lock(mutex_);
      if (!failure_.empty()) return Error(ErrorCode::kUnavailable, failure_);
      arrived_.push_back(std::move(call));
    }
    work_.notify_all();
    return {};
  }

  void Cancel(uint64_t id) override {
    {
      std::lock_guard lock(mutex_);
      cancelled_.push_back(id);
    }
    work_.notify_all();
  }

  std::string Describe() const override {
    return fmt::format("{} ({}, {}{})", options_.name, options_.dtype == at::kFloat ? "fp32" : "bf16",
                       decoder_->device().is_cpu() ? "cpu" : "cuda", options_.deterministic ? ", deterministic" : "");
  }

 private:
  using Calls = std::deque<std::unique_ptr<Call>>;

  std::vector<int32_t> Render(const engine::Messages& messages) const {
    std::vector<tokenizer::ChatMessage> chat;
    std::string prefill;
    for (const engine::Message& message : messages) {
      switch (message.role) {
        case MessageRole::kSystem:
          chat.push_back({tokenizer::ChatRole::kSystem, message.text, message.static_bytes});
          break;
        case MessageRole::kUser:
          chat.push_back({tokenizer::ChatRole::kUser, message.text, message.static_bytes});
          break;
        case MessageRole::kAssistant:
          chat.push_back({tokenizer::ChatRole::kAssistant, message.text, message.static_bytes});
          break;
        case MessageRole::kPrefill:
          prefill = message.text;
          break;
      }
    }
    return chat_.RenderChat(chat, prefill);
  }

  // ---- Everything below runs on the engine's thread.

  void Serve() {
    at::set_num_threads(options_.threads);
    at::NoGradGuard no_grad;
    try {
      weights_ = decoder_->Weights(options_.dtype);
    } catch (const std::exception& error) {
      std::lock_guard lock(mutex_);
      failure_ = fmt::format("the weights of `{}` could not be prepared: {}", options_.name, error.what());
    }
    while (TakeWork()) {
      Admit();
      if (!failure_.empty()) {
        FailAll(Error(ErrorCode::kUnavailable, failure_));
      } else if (!active_.empty()) {
        GuardedStep();
      }
    }
    waiting_.insert(waiting_.end(), std::make_move_iterator(active_.begin()), std::make_move_iterator(active_.end()));
    active_.clear();
    for (auto& call : waiting_) Close(std::move(call), Finish::kCancelled);
  }

  // Waits for something to do; takes what arrived and drops what was cancelled. False when the engine ends.
  bool TakeWork() {
    std::vector<uint64_t> cancelled;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] {
        return stopping_ || !arrived_.empty() || !cancelled_.empty() || !active_.empty() || !waiting_.empty();
      });
      for (auto& call : arrived_) waiting_.push_back(std::move(call));
      arrived_.clear();
      cancelled.swap(cancelled_);
      if (stopping_) return false;
    }
    for (const uint64_t id : cancelled) {
      for (Calls* calls : {&waiting_, &active_}) {
        const auto it = std::find_if(calls->begin(), calls->end(), [&](const auto& c) { return c->request.id == id; });
        if (it == calls->end()) continue;
        std::unique_ptr<Call> call = std::move(*it);
        calls->erase(it);
        Close(std::move(call), Finish::kCancelled);
        break;
      }
    }
    return true;
  }

  // In order of arrival, so that a large call is not passed over for ever.
  void Admit() {
    while (!waiting_.empty() && static_cast<int>(active_.size()) < options_.max_sequences) {
      Call& call = *waiting_.front();
      try {
        call.kv = cache_->Reserve(call.prompt_length() + call.limit);
      } catch (const std::exception&) {  // std::bad_alloc, or the device's own allocator
        call.kv = nullptr;
      }
      if (call.kv == nullptr) {
        if (!active_.empty()) return;
        Fail(std::move(waiting_.front()), Error(ErrorCode::kOutOfMemory, "the system has no memory for the KV cache"));
        waiting_.pop_front();
        continue;
      }
      call.admitted = Clock::now();
      PostStarted(call.request.id);
      active_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }

  void GuardedStep() {
    try {
      if (!options_.deterministic) return RunStep(PlanStep());
      // Every call by itself: the same operations on the same shapes, whatever else is there, on any device.
      std::vector<Call*> calls;
      for (const auto& call : active_) calls.push_back(call.get());
      for (Call* call : calls) {
        const int64_t rows = call->prefilled() ? 1 : call->prompt_length();
        RunStep({{call, rows}});
      }
    } catch (const std::bad_alloc&) {
      FailAll(Error(ErrorCode::kOutOfMemory, "not enough memory for a step of the backbone"));
    } catch (const c10::Error& error) {
      FailAll(Error(ErrorCode::kUnavailable, error.what_without_backtrace()));
    } catch (const std::exception& error) {
      FailAll(Error(ErrorCode::kUnavailable, error.what()));
    }
  }

  struct Part {  // the next `rows` tokens of a call
    Call* call;
    int64_t rows;
  };

  std::vector<Part> PlanStep() const {
    std::vector<Part> parts;
    int64_t room = options_.prefill_tokens;
    for (const auto& call : active_) {
      const int64_t left = call->prompt_length() - call->kv->length;
      if (left <= 0) {
        parts.push_back({call.get(), 1});
      } else if (room > 0) {
        parts.push_back({call.get(), std::min(left, room)});
        room -= parts.back().rows;
      }
    }
    return parts;
  }

  void RunStep(const std::vector<Part>& parts) {
    int64_t rows = 0;
    for (const Part& part : parts) rows += part.rows;
    at::Tensor tokens = at::empty({rows}, at::kLong), positions = at::empty({rows}, at::kLong);
    std::vector<KvSegment> segments;
    std::vector<int64_t> wanted;  // rows whose next token is sampled
    std::vector<Call*> sampling;
    int64_t row = 0;
    for (const Part& part : parts) {
      const int64_t first = part.call->kv->length;
      segments.push_back({part.call->kv.get(), row, part.rows});
      for (int64_t r = 0; r < part.rows; ++r, ++row) {
        tokens.data_ptr<int64_t>()[row] = part.call->TokenAt(first + r);
        positions.data_ptr<int64_t>()[row] = first + r;
      }
      if (first + part.rows >= part.call->prompt_length()) {
        wanted.push_back(row - 1);
        sampling.push_back(part.call);
      }
    }
    const auto attention = cache_->Attention(segments);
    const at::Tensor hidden_ND =
        decoder_->Forward(tokens.to(decoder_->device()), positions.to(decoder_->device()), weights_, *attention);
    for (const Part& part : parts) part.call->kv->length += part.rows;
    if (wanted.empty()) return;
    const at::Tensor index = at::tensor(at::ArrayRef<int64_t>(wanted)).to(decoder_->device());
    const at::Tensor logits_MV = Decoder::Logits(hidden_ND.index_select(0, index), weights_).to(at::kCPU).contiguous();
    Sample(sampling, logits_MV);
  }

  void Sample(const std::vector<Call*>& calls, const at::Tensor& logits_MV) {
    const auto width = static_cast<size_t>(logits_MV.size(1));
    std::vector<SampledToken> tokens(calls.size());
    at::parallel_for(0, static_cast<int64_t>(calls.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Call& call = *calls[static_cast<size_t>(i)];
        const engine::Sampling& s = call.request.sampling;
        tokens[static_cast<size_t>(i)] =
            SampleToken({logits_MV.data_ptr<float>() + static_cast<size_t>(i) * width, width},
                        {s.temperature, s.top_k, s.top_p}, &call.random);
      }
    });
    const Clock::time_point now = Clock::now();
    for (size_t i = 0; i < calls.size(); ++i) Accept(calls[i], tokens[i], now);
  }

  void Accept(Call* call, SampledToken token, Clock::time_point now) {
    if (token.id < 0) {
      return Fail(Remove(call),
                  Error(ErrorCode::kCorrupt,
                        fmt::format("the logits of `{}` are not numbers; its weights are damaged", options_.name)));
    }
    if (call->sampled() == 0) call->first_token = now;
    call->reply.action_ids.push_back(token.id);
    call->reply.log_probs.push_back(token.log_prob);
    const bool ended = stop_ids_.count(token.id) != 0;
    const bool stopped = !ended && call->text.Push(token.id);
    const bool full = call->sampled() >= call->limit;
    if (ended || stopped || full) {
      call->text.Finish();
      Stream(*call);
      return Close(Remove(call), ended || stopped ? Finish::kStop : Finish::kLength);
    }
    Stream(*call);
  }

  void Stream(Call& call) {
    if (!call.request.want_stream) return;
    if (std::string delta = call.text.TakeDelta(); !delta.empty()) PostDelta(call.request.id, std::move(delta));
  }

  std::unique_ptr<Call> Remove(const Call* call) {
    const auto it = std::find_if(active_.begin(), active_.end(), [&](const auto& c) { return c.get() == call; });
    std::unique_ptr<Call> removed = std::move(*it);
    active_.erase(it);
    return removed;
  }

  // Gives the room back before the reply is posted: whoever sees the reply may count on it.
  void Close(std::unique_ptr<Call> call, Finish finish) {
    call->kv.reset();
    const Clock::time_point now = Clock::now();
    engine::Reply reply = std::move(call->reply);
    reply.finish = finish;
    reply.text = call->text.text();
    const bool admitted = call->admitted != Clock::time_point{}, began = call->first_token != Clock::time_point{};
    reply.timings.queue_us = Micros(call->submitted, admitted ? call->admitted : now);
    if (admitted) reply.timings.prefill_us = Micros(call->admitted, began ? call->first_token : now);
    if (began) reply.timings.decode_us = Micros(call->first_token, now);
    PostReply(call->request.id, std::move(reply));
  }

  void Fail(std::unique_ptr<Call> call, Error error) {
    call->reply.error = std::move(error);
    Close(std::move(call), Finish::kError);
  }

  void FailAll(const Error& error) {
    while (!active_.empty()) Fail(Remove(active_.front().get()), error);
  }

  std::shared_ptr<Decoder> decoder_;
  const tokenizer::ChatFormat chat_;
  const ServingOptions options_;
  std::unordered_set<int32_t> stop_ids_;

  std::mutex mutex_;  // guards what the callers' threads touch
  std::condition_variable work_;
  Calls arrived_;
  std::vector<uint64_t> cancelled_;
  std::string failure_;
  bool stopping_ = false;

  DecoderWeights weights_;
  std::unique_ptr<KvCache> cache_;  // its budget and shape are constant and may be read by any thread
  Calls waiting_, active_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<engine::Engine>> MakeEngine(std::shared_ptr<Decoder> decoder, tokenizer::ChatFormat chat,
                                                   const ServingOptions& options) {
  if (options.kv_cache_bytes <= 0) return Error(ErrorCode::kInvalidArgument, "`kv_cache` must be above 0");
  if (options.max_sequences < 1 || options.prefill_tokens < 1 || options.threads < 1) {
    return Error(ErrorCode::kInvalidArgument,
                 "threads, sequences in a batch and prompt tokens in a step must be at least 1");
  }
  return std::unique_ptr<engine::Engine>(std::make_unique<ServingEngine>(std::move(decoder), std::move(chat), options));
}

}  // namespace jade::backbone
