#include "runtime/engine/scripted.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace jade::engine {

namespace {
bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

std::vector<int32_t> TokenIds(std::string_view text) {
  std::vector<int32_t> ids;
  for (std::string_view token : ScriptedTokens(text)) {
    ids.push_back(static_cast<int32_t>(XXH3_64bits(token.data(), token.size()) % 50'000));
  }
  return ids;
}
}  // namespace

std::vector<std::string_view> ScriptedTokens(std::string_view text) {
  std::vector<std::string_view> tokens;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = begin;
    while (end < text.size() && IsSpace(text[end])) ++end;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    tokens.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return tokens;
}

ScriptSchedule::ScriptSchedule(ScriptOptions options, std::shared_ptr<VirtualClock> clock)
    : options_(options),
      clock_(clock != nullptr ? std::move(clock) : std::make_shared<VirtualClock>()),
      random_(options.seed) {}

ScriptSchedule::Ticket ScriptSchedule::Add(int64_t delay_us, std::function<void()> complete) {
  // A shuffled request is due at once, at a random place among those in flight.
  const bool shuffled = options_.order == ScriptOptions::Order::kShuffled;
  Ticket ticket = shuffled ? Ticket(clock_->NowMicros(), random_())
                           : Ticket(clock_->NowMicros() + std::max<int64_t>(delay_us, 0), added_++);
  while (!pending_.emplace(ticket, complete).second) ++ticket.second;
  return ticket;
}

bool ScriptSchedule::Step() {
  if (pending_.empty() || pending_.begin()->first.first > clock_->horizon()) return false;
  auto next = pending_.extract(pending_.begin());
  clock_->SkipTo(next.key().first);
  next.mapped()();
  return true;
}

ScriptedEngine::ScriptedEngine(ScriptOptions options) : schedule_(std::make_shared<ScriptSchedule>(options)) {}

void ScriptedEngine::Add(const std::string& role, ScriptedReply reply) {
  queues_[role].Add(std::move(reply));
}

void ScriptedEngine::Add(const std::string& role, std::string text) {
  Add(role, ScriptedReply{std::move(text), schedule_->options().default_delay_us, std::nullopt, false});
}

void ScriptedEngine::AddDefault(const std::string& role, ScriptedReply reply) {
  defaults_[role] = std::move(reply);
}

std::optional<ScriptedReply> ScriptedEngine::ReplyTo(const Request& request) {
  if (matcher_) {
    if (std::optional<ScriptedReply> reply = matcher_(request)) return reply;
  }
  auto queue = queues_.find(request.role);
  if (queue != queues_.end() && !queue->second.empty()) {
    return queue->second.Take(schedule_->options().repeat_last);
  }
  auto fallback = defaults_.find(request.role);
  if (fallback != defaults_.end()) return fallback->second;
  return std::nullopt;
}

Status ScriptedEngine::Submit(Request request) {
  std::optional<ScriptedReply> reply = ReplyTo(request);
  if (!reply) {
    return Error(ErrorCode::kNotFound,
                 fmt::format("the script has no reply for call {} of `{}`",
                             1 + std::count_if(requests_.begin(), requests_.end(),
                                               [&](const Request& earlier) { return earlier.role == request.role; }),
                             request.role));
  }
  const uint64_t id = request.id;
  const ScriptSchedule::Ticket ticket =
      reply->never ? ScriptSchedule::kNoTicket : schedule_->Add(reply->delay_us, [this, id] { Complete(id); });
  PostStarted(id);
  waiting_[id] = Waiting{requests_.size(), std::move(*reply), clock()->NowMicros(), ticket};
  max_in_flight_ = std::max(max_in_flight_, waiting_.size());
  requests_.push_back(std::move(request));
  return {};
}

void ScriptedEngine::Cancel(uint64_t id) {
  auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  schedule_->Remove(found->second.ticket);
  waiting_.erase(found);
  Reply reply;
  reply.finish = Finish::kCancelled;
  PostReply(id, std::move(reply));
}

Reply ScriptedEngine::MakeReply(const Request& request, const Waiting& waiting) const {
  Reply reply;
  for (const Message& message : *request.messages) {
    std::vector<int32_t> ids = TokenIds(message.text);
    reply.observation_ids.insert(reply.observation_ids.end(), ids.begin(), ids.end());
  }
  reply.timings.decode_us = clock()->NowMicros() - waiting.submitted_us;
  if (waiting.reply.error) {
    reply.finish = Finish::kError;
    reply.error = waiting.reply.error;
    return reply;
  }
  std::string_view text = waiting.reply.text;
  for (const std::string& stop : request.sampling.stop) {
    if (!stop.empty()) text = text.substr(0, text.find(stop));
  }
  std::vector<std::string_view> tokens = ScriptedTokens(text);
  const auto limit = static_cast<size_t>(std::max(request.sampling.max_tokens, 0));
  if (tokens.size() > limit) {
    text = limit == 0 ? std::string_view() : text.substr(0, tokens[limit].data() - text.data());
    reply.finish = Finish::kLength;
  }
  reply.text = std::string(text);
  reply.action_ids = TokenIds(text);
  reply.log_probs.assign(reply.action_ids.size(), 0.0F);
  return reply;
}

void ScriptedEngine::Complete(uint64_t id) {
  auto found = waiting_.find(id);
  const Request& request = requests_[found->second.request];
  Reply reply = MakeReply(request, found->second);
  waiting_.erase(found);
  if (request.want_stream) {
    for (std::string_view token : ScriptedTokens(reply.text)) PostDelta(id, std::string(token));
  }
  PostReply(id, std::move(reply));
}

std::map<std::string, size_t> ScriptedEngine::Unused() const {
  std::map<std::string, size_t> unused;
  for (const auto& [role, queue] : queues_) {
    if (queue.unused() > 0) unused[role] = queue.unused();
  }
  return unused;
}

ScriptedTools::ScriptedTools(ScriptOptions options) : schedule_(std::make_shared<ScriptSchedule>(options)) {}

void ScriptedTools::Add(const std::string& tool, Result result) {
  queues_[tool].Add(std::move(result));
}

void ScriptedTools::Set(const std::string& tool, Handler handler) {
  handlers_[tool] = std::move(handler);
}

bool ScriptedTools::Serves(std::string_view tool) const {
  return queues_.find(tool) != queues_.end() || handlers_.find(tool) != handlers_.end();
}

Status ScriptedTools::Submit(ToolRequest request) {
  auto queue = queues_.find(request.tool);
  auto handler = handlers_.find(request.tool);
  Result result;
  if (queue != queues_.end() && !queue->second.empty()) {
    result = queue->second.Take(schedule_->options().repeat_last);
  } else if (handler != handlers_.end()) {
    result = handler->second(request);
  } else {
    return Error(ErrorCode::kNotFound, fmt::format("the script has no result for a call of tool `{}`", request.tool));
  }
  const uint64_t id = request.id;
  const ScriptSchedule::Ticket ticket = schedule_->Add(result.delay_us, [this, id] { Complete(id); });
  waiting_[id] = Waiting{std::move(result), ticket};
  requests_.push_back(std::move(request));
  return {};
}

void ScriptedTools::Cancel(uint64_t id) {
  auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  schedule_->Remove(found->second.ticket);
  waiting_.erase(found);
  PostToolReply(id, ToolReply{"", Error(ErrorCode::kCancelled, "cancelled")});
}

void ScriptedTools::Complete(uint64_t id) {
  auto found = waiting_.find(id);
  PostToolReply(id, ToolReply{std::move(found->second.result.json), std::move(found->second.result.error)});
  waiting_.erase(found);
}

std::map<std::string, size_t> ScriptedTools::Unused() const {
  std::map<std::string, size_t> unused;
  for (const auto& [tool, queue] : queues_) {
    if (queue.unused() > 0) unused[tool] = queue.unused();
  }
  return unused;
}

}  // namespace jade::engine
