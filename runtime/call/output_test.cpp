#include "runtime/call/output.h"

#include <gtest/gtest.h>

namespace jade::call {
namespace {

using abi::Value;
using ir::FormatKind;
using types::TypeTable;

class Output : public ::testing::Test {
 protected:
  Output() {
    colour_ = types_.DeclareEnum("", "Colour");
    types_.CompleteEnum(colour_, {{"Red", {}}, {"Mixed", {{"name", TypeTable::Text()}}}});
    for (int i = 0; i < 5; ++i) docs_.push_back(Value::Int(i));
  }
  ir::OutputFormat Format(FormatKind kind, std::string tag, types::TypeId type = TypeTable::Text()) {
    ir::OutputFormat format;
    format.kind = kind;
    format.tag = std::move(tag);
    format.type = type;
    return format;
  }
  // "value", "malformed: reason" or "invalid value: reason".
  std::string Parse(const ir::OutputFormat& format, const std::string& reply) {
    ParsedOutput output = ParseOutput(format, reply, types_, &docs_);
    if (output.status == OutputStatus::kMalformed) return "malformed: " + output.reason;
    const std::string value = abi::DisplayText(output.value);
    return output.status == OutputStatus::kInvalid ? "invalid " + value + ": " + output.reason : value;
  }
  TypeTable types_;
  types::TypeId colour_;
  std::vector<Value> docs_;
};

TEST_F(Output, SingleTagIsStrict) {
  const auto query = Format(FormatKind::kTag, "query");
  EXPECT_EQ(Parse(query, "<query>who wrote Dune</query>"), "who wrote Dune");
  EXPECT_EQ(Parse(query, " \n<query> padded\n</query>\n"), "padded");
  EXPECT_EQ(Parse(query, "<query>a < b & c > d</query>"), "a < b & c > d");
  EXPECT_EQ(Parse(query, "<query></query>"), "");
  EXPECT_EQ(Parse(query, "Sure: <query>x</query>"), "malformed: no `<query>` at the start");
  EXPECT_EQ(Parse(query, "<query>x</query>."), "malformed: no `</query>` at the end");
  EXPECT_EQ(Parse(query, "<query>x"), "malformed: no `</query>` at the end");
  EXPECT_EQ(Parse(query, "<query>x</query><query>y</query>"), "malformed: more than one `<query>`");
  EXPECT_EQ(Parse(query, "<query>x</query> or </query>"), "malformed: more than one `<query>`");
  EXPECT_EQ(Parse(query, "<query></query"), "malformed: no `</query>` at the end");
  EXPECT_EQ(Parse(query, "<query>"), "malformed: no `</query>` at the end");
  EXPECT_EQ(Parse(query, "<Query>x</Query>"), "malformed: no `<query>` at the start");
  EXPECT_EQ(Parse(query, ""), "malformed: no `<query>` at the start");
  EXPECT_EQ(Parse(query, "<query>" + std::string(kMaxReplyBytes, 'x') + "</query>"),
            "malformed: the reply is too long");
}

TEST_F(Output, ScalarsInTags) {
  const auto number = Format(FormatKind::kTag, "n", TypeTable::Int());
  EXPECT_EQ(Parse(number, "<n> -12 </n>"), "-12");
  for (const char* bad : {"<n>12.0</n>", "<n>+1</n>", "<n></n>", "<n>1 2</n>", "<n>9223372036854775808</n>"}) {
    EXPECT_EQ(Parse(number, bad), "malformed: not a value of type Int") << bad;
  }
  const auto real = Format(FormatKind::kTag, "n", TypeTable::Float());
  EXPECT_EQ(Parse(real, "<n>1e2</n>"), "100.0");
  EXPECT_EQ(Parse(real, "<n>nan</n>"), "malformed: not a value of type Float");
  const auto flag = Format(FormatKind::kText, "", TypeTable::Bool());
  EXPECT_EQ(Parse(flag, " true\n"), "true");
  EXPECT_EQ(Parse(flag, "True"), "malformed: not a value of type Bool");
  const auto colour = Format(FormatKind::kTag, "c", colour_);
  EXPECT_EQ(Parse(colour, "<c>Red</c>"), "#0");
  EXPECT_EQ(Parse(colour, "<c>Mixed</c>"), "malformed: not a value of type Colour");
  const auto maybe = Format(FormatKind::kTag, "n", types_.Optional(TypeTable::Int()));
  EXPECT_EQ(Parse(maybe, "<n>none</n>"), "none");
  EXPECT_EQ(Parse(maybe, "<n>4</n>"), "4");
}

TEST_F(Output, NumberedTagsRunFromOneWithoutGaps) {
  auto questions = Format(FormatKind::kNumbered, "q");
  questions.max = 2;
  EXPECT_EQ(Parse(questions, "<q1>a</q1>\n<q2>b</q2>"), R"(["a", "b"])");
  EXPECT_EQ(Parse(questions, "<q1>a</q1><q2>b</q2><q3>c</q3>"), R"(invalid ["a", "b", "c"]: 3 of at most 2)");
  EXPECT_EQ(Parse(questions, "<q2>b</q2>"), "malformed: expected `<q1>`");
  EXPECT_EQ(Parse(questions, "<q1>a</q1><q3>c</q3>"), "malformed: expected `<q2>`");
  EXPECT_EQ(Parse(questions, "<q1>a</q1> and <q2>b</q2>"), "malformed: expected `<q2>`");
  EXPECT_EQ(Parse(questions, "<q1>a<q2>b</q2></q1>"), "malformed: a tag inside `<q1>`");
  EXPECT_EQ(Parse(questions, "<q1>a</q2>"), "malformed: no `</q1>`");
  EXPECT_EQ(Parse(questions, "<q1>a <quiet> b</q1>"), R"(["a <quiet> b"])");
  EXPECT_EQ(Parse(questions, ""), "malformed: expected `<q1>`");
  std::string many;
  for (size_t i = 1; i <= kMaxNumbered + 1; ++i) many += "<q" + std::to_string(i) + ">x</q" + std::to_string(i) + ">";
  EXPECT_EQ(Parse(questions, many), "malformed: more than 64 numbered tags");
}

TEST_F(Output, DocumentSubsets) {
  const auto ids = Format(FormatKind::kSubset, "id");
  EXPECT_EQ(Parse(ids, "<id>Document3,Document0</id>"), "[3, 0]");
  EXPECT_EQ(Parse(ids, "<id>Document1 ,\n Document2</id>"), "[1, 2]");
  EXPECT_EQ(Parse(ids, "<id> </id>"), "[]");
  EXPECT_EQ(Parse(ids, "<id>Document1,Document7</id>"), "invalid [1]: there is no `Document7`");
  EXPECT_EQ(Parse(ids, "<id>Document1,Document1</id>"), "invalid [1]: `Document1` is repeated");
  for (const char* bad : {"<id>None</id>", "<id>1</id>", "<id>Document</id>", "<id>Document01</id>",
                          "<id>Document-1</id>", "<id>Document9999999999</id>", "<id>Document0 Document1</id>"}) {
    EXPECT_EQ(Parse(ids, bad), "malformed: expected ids like `Document0`, separated by commas") << bad;
  }
  EXPECT_EQ(Parse(ids, "<id>Document0,</id>"), "malformed: nothing after the last comma");
}

TEST_F(Output, AlternativesAndPlans) {
  auto either = Format(FormatKind::kAlternatives, "");
  either.alternatives = {
      {"ask", 0, TypeTable::Text()}, {"final", 1, TypeTable::Int()}, {"stop", 2, TypeTable::Never()}};
  EXPECT_EQ(Parse(either, "<ask>q</ask>"), "#0(\"q\")");
  EXPECT_EQ(Parse(either, "<final>3</final>"), "#1(3)");
  EXPECT_EQ(Parse(either, "<stop></stop>"), "#2");
  EXPECT_EQ(Parse(either, "<stop>now</stop>"), "malformed: `<stop>` holds nothing");
  EXPECT_EQ(Parse(either, "<final>x</final>"), "malformed: not a value of type Int");
  EXPECT_EQ(Parse(either, "<ask>q</ask><final>3</final>"), "malformed: no `</ask>` at the end");
  EXPECT_EQ(Parse(either, "hm"), "malformed: expected `<ask>` or `<final>` or `<stop>`");
  EXPECT_EQ(Parse(Format(FormatKind::kPlan, "workflow"), "<workflow> R, AG </workflow>"), "R, AG");
  EXPECT_EQ(Parse(Format(FormatKind::kPlan, ""), " R, AG\n"), "R, AG");
}

}  // namespace
}  // namespace jade::call
