// The messages of roles.cpp against those of stdlib/std/rag_brief.jade. The module's templates are compared as text and
// the renderers with what those templates give, worked by hand.

#include "runtime/data/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace jade::data {
namespace {

// The text of one executor or planner of the module, from its name to the next declaration.
std::string Declaration(const std::string& head) {
  std::ifstream in(std::string(JADE_SOURCE_DIR) + "/stdlib/std/rag_brief.jade");
  std::stringstream text;
  text << in.rdbuf();
  std::string module = text.str();
  size_t begin = module.find(head + "(");
  EXPECT_NE(begin, std::string::npos) << head;
  return module.substr(begin, module.find("\n}\n", begin) - begin);
}

void ExpectTemplates(const std::string& head, const std::string& system, const std::string& user) {
  std::string declaration = Declaration(head);
  EXPECT_THAT(declaration, testing::HasSubstr("system \"\"\"" + system + "\"\"\"\n")) << head;
  EXPECT_THAT(declaration, testing::HasSubstr("user \"\"\"" + user + "\"\"\"\n")) << head;
}

void ExpectMessages(const std::vector<Message>& messages, const std::string& system, const std::string& user) {
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_EQ(messages[0].content, system);
  EXPECT_EQ(messages[1].role, "user");
  EXPECT_EQ(messages[1].content, user);
}

const std::string kQuestion = "Question: {question}";
const std::string kNotes =
    "{for n in notes}{n.question} -> {n.answer}\n"
    "          {end}";
const std::string kDocs =
    "{for i in range(len(docs))}Document{i}: {docs[i].title}. {docs[i].text}\n"
    "          {end}";
const std::vector<PromptNote> kTwoNotes = {{"who?", "Ann"}, {"where?", "Oslo"}};
const Passage kFirst{"Norway", "Norway is a country.", 0};
const Passage kSecond{"Oslo", "Oslo is a city.", 1};
const std::vector<const Passage*> kTwoDocs = {&kFirst, &kSecond};

TEST(Roles, PlannersAskAlike) {
  ExpectTemplates("planner MakePlan", "Plan the question.", kQuestion);
  ExpectTemplates("planner SubPlan", "Plan the sub-question.", kQuestion);
  ExpectMessages(PlannerPrompt("q?"), "Plan the question.", "Question: q?");
  ExpectMessages(SubPlannerPrompt("q?"), "Plan the sub-question.", "Question: q?");
}

TEST(Roles, DecomposersAskAlike) {
  ExpectTemplates("executor DecomposeSerial", "Split the question into steps.", kQuestion);
  ExpectTemplates("executor DecomposeParallel", "Split the question into parts.", kQuestion);
  ExpectMessages(SerialPrompt("q?"), "Split the question into steps.", "Question: q?");
  ExpectMessages(ParallelPrompt("q?"), "Split the question into parts.", "Question: q?");
}

TEST(Roles, RewriterAndSummariserShowTheNotesFirst) {
  ExpectTemplates("executor QR", "Rewrite the question as a query.", kNotes + "Question: {sub}");
  ExpectTemplates("executor AS", "Answer from the notes.", kNotes + kQuestion);
  ExpectMessages(RewriterPrompt("q?", kTwoNotes), "Rewrite the question as a query.",
                 "who? -> Ann\nwhere? -> Oslo\nQuestion: q?");
  ExpectMessages(RewriterPrompt("q?", {}), "Rewrite the question as a query.", "Question: q?");
  ExpectMessages(SummariserPrompt("q?", kTwoNotes), "Answer from the notes.",
                 "who? -> Ann\nwhere? -> Oslo\nQuestion: q?");
}

TEST(Roles, SelectorAndAnswererShowTheDocumentsFirst) {
  const std::string shown = "Document0: Norway. Norway is a country.\nDocument1: Oslo. Oslo is a city.\nQuestion: q?";
  ExpectTemplates("executor DS", "Pick the documents that help.", kDocs + kQuestion);
  ExpectTemplates("executor AG", "{if len(docs) == 0}Answer from memory.{else}Answer from the documents.{end}",
                  kDocs + kQuestion);
  ExpectMessages(SelectorPrompt("q?", kTwoDocs), "Pick the documents that help.", shown);
  ExpectMessages(AnswererPrompt("q?", kTwoDocs), "Answer from the documents.", shown);
  ExpectMessages(ClosedBookPrompt("q?"), "Answer from memory.", "Question: q?");
}

TEST(Roles, RepliesAreInTheirTags) {
  const std::vector<std::string> steps = {"a?", "b?"};
  const std::vector<size_t> chosen = {0, 3};
  EXPECT_EQ(PlanReply("R,AG"), "<workflow>R,AG</workflow>");
  EXPECT_EQ(QueryReply("x"), "<query>x</query>");
  EXPECT_EQ(QuestionsReply(steps), "<q1>a?</q1><q2>b?</q2>");
  EXPECT_EQ(SelectionReply(chosen), "<id>Document0,Document3</id>");
  EXPECT_EQ(SelectionReply({}), "<id></id>");
  EXPECT_EQ(AnswerReply("x"), "<answer>x</answer>");
}

}  // namespace
}  // namespace jade::data
