#include "runtime/data/roles.h"

#include <array>

namespace jade::data {
namespace {

std::string NoteLines(std::span<const PromptNote> notes) {
  std::string text;
  for (const PromptNote& note : notes) text += note.question + " -> " + note.answer + "\n";
  return text;
}

std::string DocumentLines(std::span<const Passage* const> docs) {
  std::string text;
  for (size_t i = 0; i < docs.size(); ++i) {
    text += "Document" + std::to_string(i) + ": " + docs[i]->title + ". " + docs[i]->text + "\n";
  }
  return text;
}

std::vector<Message> Prompt(std::string_view system, std::string user) {
  return {{"system", std::string(system)}, {"user", std::move(user)}};
}

std::string Asked(std::string_view question) {
  return "Question: " + std::string(question);
}

}  // namespace

std::string_view RoleName(Role role) {
  static constexpr std::array<std::string_view, kRoleCount> kNames = {
      "MakePlan", "SubPlan", "QR", "DecomposeSerial", "DecomposeParallel", "DS", "AG", "AG", "AS"};
  return kNames[static_cast<size_t>(role)];
}

std::vector<Message> PlannerPrompt(std::string_view question) {
  return Prompt("Plan the question.", Asked(question));
}
std::vector<Message> SubPlannerPrompt(std::string_view question) {
  return Prompt("Plan the sub-question.", Asked(question));
}
std::vector<Message> RewriterPrompt(std::string_view sub, std::span<const PromptNote> notes) {
  return Prompt("Rewrite the question as a query.", NoteLines(notes) + Asked(sub));
}
std::vector<Message> SerialPrompt(std::string_view question) {
  return Prompt("Split the question into steps.", Asked(question));
}
std::vector<Message> ParallelPrompt(std::string_view question) {
  return Prompt("Split the question into parts.", Asked(question));
}
std::vector<Message> SelectorPrompt(std::string_view question, std::span<const Passage* const> docs) {
  return Prompt("Pick the documents that help.", DocumentLines(docs) + Asked(question));
}
std::vector<Message> AnswererPrompt(std::string_view question, std::span<const Passage* const> docs) {
  return Prompt("Answer from the documents.", DocumentLines(docs) + Asked(question));
}
std::vector<Message> ClosedBookPrompt(std::string_view question) {
  return Prompt("Answer from memory.", Asked(question));
}
std::vector<Message> SummariserPrompt(std::string_view question, std::span<const PromptNote> notes) {
  return Prompt("Answer from the notes.", NoteLines(notes) + Asked(question));
}

std::string PlanReply(std::string_view plan) {
  return "<workflow>" + std::string(plan) + "</workflow>";
}
std::string QueryReply(std::string_view query) {
  return "<query>" + std::string(query) + "</query>";
}
std::string AnswerReply(std::string_view answer) {
  return "<answer>" + std::string(answer) + "</answer>";
}

std::string QuestionsReply(std::span<const std::string> questions) {
  std::string reply;
  for (size_t i = 0; i < questions.size(); ++i) {
    std::string tag = "q" + std::to_string(i + 1);
    reply += "<" + tag + ">" + questions[i] + "</" + tag + ">";
  }
  return reply;
}

std::string SelectionReply(std::span<const size_t> chosen) {
  std::string reply = "<id>";
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (i > 0) reply += ',';
    reply += "Document" + std::to_string(chosen[i]);
  }
  return reply + "</id>";
}

}  // namespace jade::data
