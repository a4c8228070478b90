#pragma once
// Internal to runtime/remote: what a server answers, whole or as a stream of events, into a Reply. Everything it says
// is checked; what it leaves out stays empty. One reply, one thread.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/http/event_stream.h"
#include "runtime/tokenizer/tokenizer.h"

namespace jade::remote::internal {

class ReplyReader {
 public:
  // A reply that may begin by repeating the prefill `echo`, as llama.cpp's chat does: it is then left out.
  explicit ReplyReader(std::string echo = "") : echo_(std::move(echo)) {}

  // A whole reply.
  Status ReadWhole(const std::string& body);
  // The next bytes of a stream; the text they bring.
  Result<std::string> Push(std::string_view bytes);
  // kCorrupt unless the reply has ended as replies do.
  Status Finish() const;

  // The reply that was read. The ids of the action and the log-probabilities are there when they are of all its tokens:
  // as many as the server counted, or, where it leaves out those of a stop string, those whose text by `tokenizer`
  // (may be null) is the reply's.
  engine::Reply Take(const tokenizer::Tokenizer* tokenizer);

 private:
  Status ReadEvent(const std::string& event, std::string* delta);
  Status ReadObject(const nlohmann::json& object, std::string* delta);
  Status ReadChoice(const nlohmann::json& choice, std::string* delta);
  void ReadLogProbs(const nlohmann::json& log_probs);
  void ReadUsage(const nlohmann::json& object);
  void AddToken(std::optional<int32_t> id, const nlohmann::json* log_prob, bool is_probability);

  // Text arrives; what of it is new text of the reply.
  std::string AddText(const std::string& text);

  std::string echo_;  // what is left of it to be compared
  std::string held_;  // text that may yet turn out to be the echo
  http::EventStream events_;
  std::string text_;
  std::string finish_;
  std::vector<int32_t> prompt_ids_;
  std::vector<int32_t> token_ids_;   // as such
  std::vector<int32_t> listed_ids_;  // beside the log-probabilities
  std::vector<float> log_probs_;
  bool ids_missing_ = false;
  bool log_probs_missing_ = false;
  int64_t prompt_tokens_ = 0;
  int64_t reply_tokens_ = 0;
  int64_t cached_tokens_ = 0;
  engine::ReplyTimings timings_;
};

}  // namespace jade::remote::internal
