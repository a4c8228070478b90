#include "runtime/remote/remote_call.h"

#include "runtime/remote/prompt.h"

namespace jade::remote::internal {

using engine::Finish;
using engine::Reply;

namespace {

std::string EchoOf(const engine::Request& request, const Endpoint& endpoint) {
  const bool echoes = endpoint.kind == ServerKind::kLlamaCpp && endpoint.options.api == Api::kChat;
  return echoes && HasPrefill(*request.messages) ? WithoutControls(request.messages->back().text) : "";
}

}  // namespace

RemoteCall::RemoteCall(const engine::Request& request, std::vector<int32_t> observation_ids, const Endpoint* endpoint,
                       std::string url, const CallSink* sink)
    : id_(request.id),
      want_stream_(request.want_stream),
      observation_ids_(std::move(observation_ids)),
      endpoint_(endpoint),
      url_(std::move(url)),
      sink_(sink),
      echo_(EchoOf(request, *endpoint)) {}

void RemoteCall::Started(int attempt) {
  reader_ = ReplyReader(echo_);
  started_ = Clock::now();
  first_ = {};
  if (attempt == 1) sink_->started(id_);
}

Status RemoteCall::Data(std::string_view bytes) {
  JADE_ASSIGN_OR_RETURN(std::string delta, reader_.Push(bytes));
  if (delta.empty()) return {};
  if (first_ == Clock::time_point{}) first_ = Clock::now();
  delivered_ = true;
  sink_->delta(id_, std::move(delta));
  return {};
}

Status RemoteCall::Check(const http::Response& response) {
  if (!want_stream_) JADE_TRY(reader_.ReadWhole(response.body));
  return reader_.Finish();
}

Reply RemoteCall::Failed(const Error& error) const {
  Reply reply;
  if (error.code() == ErrorCode::kCancelled) {
    reply.finish = Finish::kCancelled;
    return reply;
  }
  reply.finish = Finish::kError;
  std::string message = endpoint_->Shown(error.message());
  if (delivered_) message += "; part of the reply had been shown, so it was not asked for again";
  reply.error = Error(error.code(), std::move(message));
  return reply;
}

void RemoteCall::Done(Result<http::Response> result) {
  if (!result.ok()) return sink_->ended(id_, Failed(result.error()));
  if (result->status < 200 || result->status > 299) {
    return sink_->ended(id_, Failed(endpoint_->RefusalOf("POST", url_, *result)));
  }
  const auto& chat = endpoint_->options.chat;
  Reply reply = reader_.Take(chat ? &chat->tokenizer() : nullptr);
  if (reply.observation_ids.empty()) reply.observation_ids = std::move(observation_ids_);
  const auto micros = [](Clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  };
  const Clock::time_point now = Clock::now();
  reply.timings.queue_us = micros(started_ - submitted_);
  if (reply.timings.decode_us == 0) {
    const bool streamed = first_ != Clock::time_point{};
    if (streamed) reply.timings.prefill_us = micros(first_ - started_);
    reply.timings.decode_us = micros(now - (streamed ? first_ : started_));
  }
  sink_->ended(id_, std::move(reply));
}

}  // namespace jade::remote::internal
