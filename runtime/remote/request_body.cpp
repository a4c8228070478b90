#include "runtime/remote/request_body.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/remote/prompt.h"

namespace jade::remote::internal {
namespace {

using engine::Sampling;
using nlohmann::json;

constexpr int kLlamaCppPenaltyWindow = 1 << 16;

Error Refuse(const std::string& what) {
  return Error(ErrorCode::kInvalidArgument, what);
}

Status CheckSampling(const Sampling& s, ServerKind kind) {
  if (!(s.temperature >= 0.0) || !std::isfinite(s.temperature)) {
    return Refuse(fmt::format("temperature is {}, must be 0 or more", s.temperature));
  }
  if (!(s.top_p > 0.0) || s.top_p > 1.0) {
    return Refuse(fmt::format("top_p is {}, must be above 0 and at most 1", s.top_p));
  }
  if (s.top_k < 0) return Refuse(fmt::format("top_k is {}, must be 0 or more", s.top_k));
  if (!(s.min_p >= 0.0) || s.min_p > 1.0) return Refuse(fmt::format("min_p is {}, must be from 0 to 1", s.min_p));
  if (!(s.repetition_penalty > 0.0) || !std::isfinite(s.repetition_penalty)) {
    return Refuse(fmt::format("the repetition penalty is {}, must be above 0", s.repetition_penalty));
  }
  if (s.max_tokens < 1) return Refuse(fmt::format("max_tokens is {}, must be at least 1", s.max_tokens));
  if (kind != ServerKind::kOpenAi) return {};
  const char* lacking = s.top_k > 0                   ? "top_k"
                        : s.min_p > 0                 ? "min_p"
                        : s.repetition_penalty != 1.0 ? "penalty"
                                                      : nullptr;
  if (lacking == nullptr || s.temperature == 0.0) return {};
  return Refuse(fmt::format(
      "`{}` is not part of OpenAI's protocol; if the server knows it, set `server` in `backbone` to its kind",
      lacking));
}

// The order in which JADE's own sampler cuts: docs/remote.md.
void AddLlamaCpp(const Sampling& s, bool log_probs, json* body) {
  (*body)["top_k"] = s.top_k;
  (*body)["min_p"] = s.min_p;
  (*body)["repeat_penalty"] = s.repetition_penalty;
  // Over prompt and reply, not only over its default of the last 64 tokens. It sets aside a number for each.
  if (s.repetition_penalty != 1.0) (*body)["repeat_last_n"] = kLlamaCppPenaltyWindow;
  if (s.temperature == 0.0) return;
  (*body)["samplers"] = {"penalties", "temperature", "top_k", "top_p", "min_p"};
  // Of the distribution that is sampled from; a greedy token's is taken at temperature 1, as JADE's own engine does.
  if (log_probs) (*body)["post_sampling_probs"] = true;
}

void AddVllm(const Sampling& s, const Endpoint& endpoint, json* body) {
  (*body)["top_k"] = s.top_k == 0 ? -1 : s.top_k;
  (*body)["min_p"] = s.min_p;
  (*body)["repetition_penalty"] = s.repetition_penalty;
  if (endpoint.options.chat) (*body)["stop_token_ids"] = endpoint.options.chat->stop_ids();
  if (endpoint.kind == ServerKind::kVllm) (*body)["return_token_ids"] = true;
}

void AddSampling(const engine::Request& request, const Endpoint& endpoint, json* body) {
  const Sampling& s = request.sampling;
  (*body)["temperature"] = s.temperature;
  (*body)["top_p"] = s.top_p;
  (*body)["max_tokens"] = s.max_tokens;
  (*body)["seed"] = s.stream[0] & 0x7FFFFFFFU;  // what every server takes
  json stops = s.stop;
  const bool text = endpoint.options.api == Api::kCompletions && !endpoint.options.chat;
  if (text) stops.push_back(EndOfTurn(endpoint.options.style));
  if (!stops.empty()) (*body)["stop"] = std::move(stops);
  switch (endpoint.kind) {
    case ServerKind::kOpenAi:
      break;
    case ServerKind::kLlamaCpp:
      AddLlamaCpp(s, endpoint.options.log_probs, body);
      break;
    case ServerKind::kVllm:
    case ServerKind::kSglang:
      AddVllm(s, endpoint, body);
      break;
  }
}

void AddLogProbs(const Endpoint& endpoint, json* body) {
  if (!endpoint.options.log_probs) return;
  if (endpoint.options.api == Api::kCompletions) {
    (*body)["logprobs"] = 1;
    return;
  }
  (*body)["logprobs"] = true;
  if (endpoint.kind == ServerKind::kLlamaCpp) (*body)["top_logprobs"] = 1;
}

Status AddChat(const engine::Messages& messages, const Endpoint& endpoint, json* body) {
  (*body)["messages"] = ChatMessages(messages, endpoint.kind);
  if (!HasPrefill(messages)) return {};
  switch (endpoint.kind) {
    case ServerKind::kOpenAi:
      return Refuse(
          "the server's chat API cannot go on with a reply that the role begins (`prefill`); use `api: "
          "completions`, or set `server` in `backbone` to its kind if it can");
    case ServerKind::kLlamaCpp:
      break;  // it goes on with a last message of the assistant by itself
    case ServerKind::kVllm:
      (*body)["add_generation_prompt"] = false;
      [[fallthrough]];
    case ServerKind::kSglang:
      (*body)["continue_final_message"] = true;
      break;
  }
  return {};
}

}  // namespace

Result<Body> MakeBody(const engine::Request& request, const Endpoint& endpoint) {
  if (request.constraint != nullptr) {
    return Refuse("a remote backbone cannot constrain what is generated: use `decode: free`, or a local model");
  }
  JADE_TRY(CheckSampling(request.sampling, endpoint.kind));
  Body body;
  json object;
  JADE_ASSIGN_OR_RETURN(object["model"], endpoint.ModelFor(request.policy));
  if (endpoint.options.api == Api::kChat) {
    JADE_TRY(AddChat(*request.messages, endpoint, &object));
  } else if (endpoint.options.chat) {
    body.observation_ids = IdPrompt(*request.messages, *endpoint.options.chat);
    object["prompt"] = body.observation_ids;
  } else {
    object["prompt"] = TextPrompt(*request.messages, endpoint.options.style);
  }
  AddSampling(request, endpoint, &object);
  AddLogProbs(endpoint, &object);
  if (request.want_stream) {
    object["stream"] = true;
    object["stream_options"] = {{"include_usage", true}};
  }
  body.json = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return body;
}

}  // namespace jade::remote::internal
