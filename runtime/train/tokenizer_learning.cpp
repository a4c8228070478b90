#include "runtime/train/tokenizer_learning.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/tokenizer/bpe_trainer.h"

namespace jade::train {
namespace {

using nlohmann::json;

// The template that marks a tokenizer as ChatML without a default system message.
constexpr const char* kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

void AddText(const json& object, const char* key, tokenizer::BpeTrainer* trainer) {
  const auto value = object.find(key);
  if (value != object.end() && value->is_string()) trainer->Add(value->get<std::string>());
}

Status AddFile(const std::string& path, tokenizer::BpeTrainer* trainer) {
  std::ifstream file(path);
  if (!file) return Error(ErrorCode::kNotFound, fmt::format("cannot open `{}` to learn a tokenizer from", path));
  std::string text;
  for (int64_t line = 1; std::getline(file, text); ++line) {
    const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: the line is not a JSON object", path, line));
    }
    for (const char* key : {"title", "text", "reply"}) AddText(object, key, trainer);
    const auto messages = object.find("messages");
    if (messages == object.end() || !messages->is_array()) continue;
    for (const json& message : *messages) {
      if (message.is_object()) AddText(message, "content", trainer);
    }
  }
  return {};
}

}  // namespace

Result<tokenizer::TokenizerSpec> LearnTokenizer(const std::vector<std::string>& paths, int64_t vocabulary) {
  tokenizer::BpeTrainerOptions options;
  options.vocab_size = static_cast<int32_t>(vocabulary);
  options.special_tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  tokenizer::BpeTrainer trainer(options);
  trainer.Add("system\nuser\nassistant\n", 1000);  // the words of the chat form
  for (const std::string& path : paths) JADE_TRY(AddFile(path, &trainer));
  JADE_ASSIGN_OR_RETURN(tokenizer::TokenizerSpec spec, trainer.Train());
  spec.bos = 1;
  spec.eos = 2;
  spec.pad = 0;
  spec.chat_template = kChatTemplate;
  return spec;
}

}  // namespace jade::train
