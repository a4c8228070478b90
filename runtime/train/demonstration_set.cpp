#include "runtime/train/demonstration_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "compiler/result/check.h"

namespace jade::train {
namespace {

using nlohmann::json;
using tokenizer::ChatMessage;
using tokenizer::ChatRole;

struct ParsedLine {
  std::vector<ChatMessage> messages;
  std::vector<bool> trained;  // beside messages
  std::string reply;
  std::string role;
  double weight = 1.0;
};

std::optional<ChatRole> ParseChatRole(const std::string& name) {
  if (name == "system") return ChatRole::kSystem;
  if (name == "user") return ChatRole::kUser;
  if (name == "assistant") return ChatRole::kAssistant;
  return std::nullopt;
}

// The problem with the line, or "".
std::string ReadMessages(const json& object, ParsedLine* out) {
  const auto list = object.find("messages");
  if (list == object.end() || !list->is_array() || list->empty()) return "`messages` must be a list of messages";
  for (const json& item : *list) {
    if (!item.is_object()) return "a message must be an object with `role` and `content`";
    const auto role = item.find("role");
    const auto content = item.find("content");
    if (role == item.end() || !role->is_string()) return "a message needs a text `role`";
    if (content == item.end() || !content->is_string()) return "a message needs a text `content`";
    const std::optional<ChatRole> chat_role = ParseChatRole(role->get<std::string>());
    if (!chat_role)
      return fmt::format("unknown message role `{}`: system, user or assistant", role->get<std::string>());
    bool trained = false;
    if (const auto weight = item.find("weight"); weight != item.end()) {
      if (!weight->is_number() || (*weight != 0 && *weight != 1)) return "the `weight` of a message is 0 or 1";
      trained = *weight == 1;
      if (trained && chat_role != ChatRole::kAssistant) return "only an assistant message can have a `weight` of 1";
    }
    out->messages.push_back({*chat_role, content->get<std::string>()});
    out->trained.push_back(trained);
  }
  return "";
}

std::string ParseLine(const std::string& text, ParsedLine* out) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return "the line is not JSON";
  if (!object.is_object()) return "the line is not a JSON object";
  std::string problem = ReadMessages(object, out);
  if (!problem.empty()) return problem;
  const auto reply = object.find("reply");
  if (reply == object.end() || !reply->is_string()) return "a demonstration needs a text `reply`";
  out->reply = reply->get<std::string>();
  if (const auto role = object.find("role"); role != object.end()) {
    if (!role->is_string()) return "`role` must be text";
    out->role = role->get<std::string>();
  }
  if (const auto weight = object.find("weight"); weight != object.end()) {
    if (!weight->is_number()) return "`weight` must be a number";
    out->weight = weight->get<double>();
    if (!std::isfinite(out->weight) || out->weight < 0 || out->weight > 1e6) return "`weight` must lie in 0 … 1000000";
  }
  return "";
}

uint64_t Mix(uint64_t z) {  // splitmix64
  z += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

uint32_t DemonstrationSet::RoleId(const std::string& role) {
  for (size_t i = 0; i < roles_.size(); ++i) {
    if (*roles_[i] == role) return static_cast<uint32_t>(i);
  }
  roles_.push_back(std::make_shared<const std::string>(role));
  return static_cast<uint32_t>(roles_.size() - 1);
}

Status DemonstrationSet::AddLine(const std::string& text, int64_t line, const tokenizer::ChatFormat& chat,
                                 int64_t max_length) {
  ParsedLine parsed;
  const std::string problem = ParseLine(text, &parsed);
  if (!problem.empty()) return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", *path_, line, problem));
  const std::vector<int32_t> prompt = chat.RenderChat(parsed.messages);
  const std::vector<int32_t> reply = chat.RenderReply(parsed.reply);
  const size_t length = prompt.size() + reply.size();
  if (length > static_cast<size_t>(max_length)) {
    ++too_long_;
    return {};
  }
  std::vector<uint8_t> flags(length, 0);
  std::fill(flags.begin() + static_cast<std::ptrdiff_t>(prompt.size()), flags.end(), uint8_t{1});
  for (size_t i = 0; i < parsed.messages.size(); ++i) {
    if (!parsed.trained[i]) continue;
    // The turn stands where it would stand as the reply to what comes before it.
    const size_t begin = chat.RenderChat(std::span(parsed.messages).first(i)).size();
    const std::vector<int32_t> turn = chat.RenderReply(parsed.messages[i].text);
    if (begin + turn.size() > prompt.size() ||
        !std::equal(turn.begin(), turn.end(), prompt.begin() + static_cast<std::ptrdiff_t>(begin))) {
      return Error(
          ErrorCode::kInvalidArgument,
          fmt::format("{}:{}: message {} cannot be trained: the chat form writes it otherwise in the middle of "
                      "a conversation than as a reply",
                      *path_, line, i + 1));
    }
    std::fill_n(flags.begin() + static_cast<std::ptrdiff_t>(begin), turn.size(), uint8_t{1});
  }
  Record record{};
  record.begin = tokens_.size();
  record.length = static_cast<uint32_t>(length);
  record.weight = static_cast<float>(parsed.weight);
  record.role = RoleId(parsed.role);
  record.line = line;
  tokens_.insert(tokens_.end(), prompt.begin(), prompt.end());
  tokens_.insert(tokens_.end(), reply.begin(), reply.end());
  reply_.insert(reply_.end(), flags.begin(), flags.end());
  records_.push_back(record);
  return {};
}

Result<DemonstrationSet> DemonstrationSet::Load(const std::string& path, const tokenizer::ChatFormat& chat,
                                                int64_t max_length, int64_t limit) {
  std::ifstream file(path);
  if (!file) return Error(ErrorCode::kNotFound, fmt::format("cannot open demonstrations `{}`", path));
  DemonstrationSet set;
  set.path_ = std::make_shared<const std::string>(path);
  std::string text;
  int64_t line = 0;
  while ((limit == 0 || static_cast<int64_t>(set.size()) < limit) && std::getline(file, text)) {
    ++line;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    JADE_TRY(set.AddLine(text, line, chat, max_length));
  }
  if (file.bad()) return Error(ErrorCode::kIo, fmt::format("reading `{}` failed after line {}", path, line));
  if (set.records_.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 set.too_long_ > 0
                     ? fmt::format("every demonstration in `{}` is longer than {} tokens", path, max_length)
                     : fmt::format("`{}` holds no demonstrations", path));
  }
  return set;
}

Demonstration DemonstrationSet::At(size_t index) const {
  const Record& record = records_[index];
  Demonstration out;
  out.tokens = std::span<const int32_t>(tokens_).subspan(record.begin, record.length);
  out.reply = std::span<const uint8_t>(reply_).subspan(record.begin, record.length);
  out.weight = record.weight;
  out.line = record.line;
  out.role = roles_[record.role].get();
  out.path = path_.get();
  return out;
}

BatchSampler::BatchSampler(std::vector<const DemonstrationSet*> sets, std::vector<double> weights, uint64_t seed)
    : sets_(std::move(sets)), weights_(std::move(weights)), seed_(seed), cursors_(sets_.size()), orders_(sets_.size()) {
  JADE_CHECK(!sets_.empty() && sets_.size() == weights_.size(), "{} sets, {} weights", sets_.size(), weights_.size());
  for (size_t i = 0; i < sets_.size(); ++i) Shuffle(i);
}

void BatchSampler::Shuffle(size_t set) {
  std::vector<uint32_t>& order = orders_[set];
  order.resize(sets_[set]->size());
  std::iota(order.begin(), order.end(), 0U);
  uint64_t state = Mix(Mix(Mix(seed_) ^ set) ^ cursors_[set].epoch);
  for (size_t i = order.size(); i > 1; --i) {
    state = Mix(state);
    std::swap(order[i - 1], order[static_cast<size_t>(((state >> 32U) * i) >> 32U)]);
  }
}

void BatchSampler::Seek(std::vector<SourceCursor> cursors) {
  JADE_CHECK(cursors.size() == sets_.size(), "{} cursors for {} sets", cursors.size(), sets_.size());
  cursors_ = std::move(cursors);
  for (size_t i = 0; i < sets_.size(); ++i) Shuffle(i);
}

size_t BatchSampler::ChooseSet() const {
  size_t best = 0;
  for (size_t i = 1; i < sets_.size(); ++i) {
    const double behind = static_cast<double>(cursors_[i].tokens) / weights_[i];
    if (behind < static_cast<double>(cursors_[best].tokens) / weights_[best]) best = i;
  }
  return best;
}

std::vector<Demonstration> BatchSampler::Next(int64_t token_budget) {
  std::vector<Demonstration> batch;
  int64_t used = 0;
  while (true) {
    const size_t set = ChooseSet();
    SourceCursor& cursor = cursors_[set];
    if (cursor.position == sets_[set]->size()) {
      ++cursor.epoch;
      cursor.position = 0;
      Shuffle(set);
    }
    const Demonstration next = sets_[set]->At(orders_[set][cursor.position]);
    const auto length = static_cast<int64_t>(next.tokens.size());
    if (!batch.empty() && used + length > token_budget) return batch;
    batch.push_back(next);
    used += length;
    ++cursor.position;
    cursor.tokens += static_cast<uint64_t>(length);
    if (used >= token_budget) return batch;
  }
}

}  // namespace jade::train
