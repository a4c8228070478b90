#include "runtime/remote/reply_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "runtime/http/failure.h"

namespace jade::remote::internal {
namespace {

using engine::Finish;
using nlohmann::json;

const json* Field(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::optional<int64_t> Whole(const json* value) {
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX) return std::nullopt;
  return value->get<int64_t>();
}

int64_t Count(const json& object, const char* key) {
  return std::max<int64_t>(Whole(Field(object, key)).value_or(0), 0);
}

std::optional<int32_t> TokenId(const json* value) {
  const auto id = Whole(value);
  if (!id || *id < 0 || *id > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return static_cast<int32_t>(*id);
}

// vLLM can write a token as "token_id:123".
std::optional<int32_t> WrittenId(const json& token) {
  constexpr std::string_view kPrefix = "token_id:";
  if (!token.is_string()) return std::nullopt;
  const auto& text = token.get_ref<const std::string&>();
  if (!text.starts_with(kPrefix)) return std::nullopt;
  int32_t id = -1;
  const auto [end, ec] = std::from_chars(text.data() + kPrefix.size(), text.data() + text.size(), id);
  return ec == std::errc() && end == text.data() + text.size() && id >= 0 ? std::optional(id) : std::nullopt;
}

// Empty unless every one is an id.
std::vector<int32_t> Ids(const json& list) {
  std::vector<int32_t> ids;
  if (!list.is_array()) return ids;
  for (const json& value : list) {
    const auto id = TokenId(&value);
    if (!id) return {};
    ids.push_back(*id);
  }
  return ids;
}

Error Malformed(std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("the reply is malformed: {}", what));
}

}  // namespace

void ReplyReader::AddToken(std::optional<int32_t> id, const json* log_prob, bool is_probability) {
  if (id) {
    listed_ids_.push_back(*id);
  } else {
    ids_missing_ = true;
  }
  double value = std::numeric_limits<double>::quiet_NaN();
  if (log_prob != nullptr && log_prob->is_number()) value = log_prob->get<double>();
  if (is_probability) value = std::log(value);
  if (std::isfinite(value)) {
    log_probs_.push_back(static_cast<float>(std::clamp(value, -1e30, 0.0)));
  } else {
    log_probs_missing_ = true;
  }
}

// The two forms: of `chat` (and of llama.cpp), {"content": [{"token", "logprob", …}]}; of `completions`,
// {"tokens": […], "token_logprobs": […]}.
void ReplyReader::ReadLogProbs(const json& log_probs) {
  if (const json* content = Field(log_probs, "content"); content != nullptr && content->is_array()) {
    for (const json& token : *content) {
      const json* probability = Field(token, "prob");
      const json* written = Field(token, "token");
      auto id = TokenId(Field(token, "id"));
      if (!id && written != nullptr) id = WrittenId(*written);
      AddToken(id, probability != nullptr ? probability : Field(token, "logprob"), probability != nullptr);
    }
    return;
  }
  const json* tokens = Field(log_probs, "tokens");
  const json* values = Field(log_probs, "token_logprobs");
  if (tokens == nullptr || values == nullptr || !tokens->is_array() || !values->is_array()) return;
  for (size_t i = 0; i < tokens->size(); ++i) {
    AddToken(WrittenId((*tokens)[i]), i < values->size() ? &(*values)[i] : nullptr, false);
  }
}

void ReplyReader::ReadUsage(const json& object) {
  if (const json* usage = Field(object, "usage")) {
    prompt_tokens_ = Count(*usage, "prompt_tokens");
    reply_tokens_ = Count(*usage, "completion_tokens");
    if (const json* details = Field(*usage, "prompt_tokens_details")) {
      cached_tokens_ = Count(*details, "cached_tokens");
    }
  }
  const json* timings = Field(object, "timings");  // llama.cpp, in milliseconds
  if (timings == nullptr) return;
  const auto micros = [&](const char* key) -> int64_t {
    const json* value = Field(*timings, key);
    const double ms = value != nullptr && value->is_number() ? value->get<double>() : 0.0;
    return ms > 0 && ms < 1e9 ? static_cast<int64_t>(ms * 1e3) : 0;
  };
  timings_.prefill_us = micros("prompt_ms");
  timings_.decode_us = micros("predicted_ms");
}

std::string ReplyReader::AddText(const std::string& text) {
  std::string fresh = text;
  if (!echo_.empty()) {
    held_ += text;
    if (held_.size() < echo_.size() && echo_.starts_with(held_)) return "";
    fresh = held_.starts_with(echo_) ? held_.substr(echo_.size()) : held_;
    echo_.clear();
  }
  text_ += fresh;
  return fresh;
}

Status ReplyReader::ReadChoice(const json& choice, std::string* delta) {
  const json* text = Field(choice, "text");
  for (const char* holder : {"message", "delta"}) {
    if (const json* message = Field(choice, holder); text == nullptr && message != nullptr) {
      text = Field(*message, "content");
    }
  }
  if (text != nullptr && !text->is_string()) return Malformed("its text is not a text");
  if (text != nullptr) *delta += AddText(text->get_ref<const std::string&>());
  if (const json* finish = Field(choice, "finish_reason"); finish != nullptr && finish->is_string()) {
    finish_ = finish->get<std::string>();
  }
  if (const json* list = Field(choice, "token_ids")) {
    const std::vector<int32_t> ids = Ids(*list);
    token_ids_.insert(token_ids_.end(), ids.begin(), ids.end());
  }
  if (const json* list = Field(choice, "prompt_token_ids")) prompt_ids_ = Ids(*list);
  if (const json* log_probs = Field(choice, "logprobs")) ReadLogProbs(*log_probs);
  return {};
}

Status ReplyReader::ReadObject(const json& object, std::string* delta) {
  if (!object.is_object()) return Malformed("it is not a JSON object");
  if (Field(object, "error") != nullptr) {
    const std::string said = http::ServerMessage(object.dump(-1, ' ', false, json::error_handler_t::replace));
    return Error(ErrorCode::kUnavailable, fmt::format("the server failed: {}", said));
  }
  ReadUsage(object);
  if (const json* list = Field(object, "prompt_token_ids")) prompt_ids_ = Ids(*list);
  const json* choices = Field(object, "choices");
  if (choices == nullptr || !choices->is_array()) return Malformed("it has no list `choices`");
  if (choices->empty()) return {};  // of a stream: the usage at its end
  return ReadChoice(choices->front(), delta);
}

Status ReplyReader::ReadWhole(const std::string& body) {
  if (http::NestsTooDeep(body)) return Malformed("it nests too deep");
  const json object = json::parse(body, nullptr, false);
  if (object.is_discarded()) return Malformed("it is not JSON");
  std::string delta;
  return ReadObject(object, &delta);
}

Status ReplyReader::ReadEvent(const std::string& event, std::string* delta) {
  if (event == "[DONE]") return {};
  if (http::NestsTooDeep(event)) return Malformed("an event nests too deep");
  const json object = json::parse(event, nullptr, false);
  if (object.is_discarded()) return Malformed("an event is not JSON");
  return ReadObject(object, delta);
}

Result<std::string> ReplyReader::Push(std::string_view bytes) {
  JADE_ASSIGN_OR_RETURN(const auto events, events_.Push(bytes));
  std::string delta;
  for (const std::string& event : events) JADE_TRY(ReadEvent(event, &delta));
  return delta;
}

Status ReplyReader::Finish() const {
  if (finish_.empty()) return Error(ErrorCode::kCorrupt, "the reply ended in the middle: it names no `finish_reason`");
  if (finish_ == "content_filter") {
    return Error(ErrorCode::kUnavailable, "the server withheld the reply (finish_reason `content_filter`)");
  }
  if (finish_ == "abort" || finish_ == "error") {
    return Error(ErrorCode::kUnavailable, fmt::format("the server gave up (finish_reason `{}`)", finish_));
  }
  return {};
}

engine::Reply ReplyReader::Take(const tokenizer::Tokenizer* tokenizer) {
  if (!echo_.empty()) text_ = std::move(held_);  // it ended before it had repeated all
  engine::Reply reply;
  reply.finish = finish_ == "length" ? Finish::kLength : Finish::kStop;
  std::vector<int32_t> ids = !token_ids_.empty() ? std::move(token_ids_)
                             : ids_missing_      ? std::vector<int32_t>()
                                                 : std::move(listed_ids_);
  if (log_probs_missing_) log_probs_.clear();
  const auto counted = static_cast<size_t>(reply_tokens_);
  const bool all = (counted == 0 || ids.size() == counted) || (tokenizer != nullptr && tokenizer->Decode(ids) == text_);
  if (!ids.empty() && all && (log_probs_.empty() || log_probs_.size() == ids.size())) {
    reply.action_ids = std::move(ids);
    reply.log_probs = std::move(log_probs_);
  } else if (counted == 0 || log_probs_.size() == counted) {
    reply.log_probs = std::move(log_probs_);
  }
  reply.observation_ids = std::move(prompt_ids_);
  reply.text = std::move(text_);
  reply.prompt_tokens = prompt_tokens_;
  reply.reply_tokens = reply_tokens_;
  reply.cached_tokens = cached_tokens_;
  reply.timings = timings_;
  return reply;
}

}  // namespace jade::remote::internal
