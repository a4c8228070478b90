#include "bench/engine/role_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

std::shared_ptr<const engine::Messages> WithoutStaticBytes(const engine::Messages& messages) {
  auto unknown = std::make_shared<engine::Messages>(messages);
  for (engine::Message& message : *unknown) message.static_bytes = 0;
  return unknown;
}

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

CallPlan PlanRoleCalls(const RoleCalls& calls, const RoleCallOptions& options) {
  CallPlan plan;
  plan.may_end = calls.may_end;
  const size_t chains =
      options.chains > 0 ? std::min(static_cast<size_t>(options.chains), calls.prompts.size()) : calls.prompts.size();
  plan.lines.resize(chains);
  for (size_t call = 0; call < calls.prompts.size(); ++call) {
    std::vector<PlannedCall>& chain = plan.lines[call % chains];
    PlannedCall planned;
    planned.messages = options.knows_prefix ? calls.prompts[call] : WithoutStaticBytes(*calls.prompts[call]);
    planned.role = "bench";
    planned.reply_tokens = calls.shape.reply_tokens;
    planned.waits_for = planned.rank = chain.size();
    chain.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace jade::bench
