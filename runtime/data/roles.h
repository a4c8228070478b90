#pragma once
// The role calls of `std.rag_brief` as chat messages: what a run would send to the backbone, byte for byte, and how a
// role spells its reply. The module `stdlib/std/rag_brief.jade` and this file change together, and with them the
// built-in backbone, which is trained on exactly these texts.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/passages.h"

namespace jade::data {

enum class Role : uint8_t {
  kPlanner,
  kSubPlanner,
  kRewriter,
  kSerial,
  kParallel,
  kSelector,
  kAnswerer,
  kClosedBook,
  kSummariser
};
inline constexpr int kRoleCount = 9;

// The declaration's name in the module: "MakePlan", "QR", …; the answerer without documents is "AG" too.
std::string_view RoleName(Role role);

struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
  double weight = 0;  // of an assistant message in the loss, beside the reply; 0: it is only read
};

struct PromptNote {
  std::string question;
  std::string answer;
};

std::vector<Message> PlannerPrompt(std::string_view question);
std::vector<Message> SubPlannerPrompt(std::string_view question);
std::vector<Message> RewriterPrompt(std::string_view sub, std::span<const PromptNote> notes);
std::vector<Message> SerialPrompt(std::string_view question);
std::vector<Message> ParallelPrompt(std::string_view question);
std::vector<Message> SelectorPrompt(std::string_view question, std::span<const Passage* const> docs);
std::vector<Message> AnswererPrompt(std::string_view question, std::span<const Passage* const> docs);
std::vector<Message> ClosedBookPrompt(std::string_view question);
std::vector<Message> SummariserPrompt(std::string_view question, std::span<const PromptNote> notes);

std::string PlanReply(std::string_view plan);
std::string QueryReply(std::string_view query);
std::string QuestionsReply(std::span<const std::string> questions);
std::string SelectionReply(std::span<const size_t> chosen);  // ascending positions; may be empty
std::string AnswerReply(std::string_view answer);

}  // namespace jade::data
