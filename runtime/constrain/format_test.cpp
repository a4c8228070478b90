// What the formats of executors admit, and that runtime/call reads all of it.

#include <gtest/gtest.h>

#include "runtime/call/output.h"
#include "runtime/constrain/library.h"
#include "runtime/constrain/walk_fixtures.h"

namespace jade::constrain {
namespace {

using ir::FormatKind;
using types::TypeId;
using types::TypeTable;

std::shared_ptr<const engine::BoundConstraint> BoundOf(const Spec& spec, VocabularyPtr vocabulary) {
  auto made = Library().Make(spec);
  if (!made.ok()) return ADD_FAILURE() << made.error().ToString(), nullptr;
  auto bound = (*made)->Bind(std::move(vocabulary));
  if (!bound.ok()) return ADD_FAILURE() << bound.error().ToString(), nullptr;
  return *bound;
}

bool Admits(const Spec& spec, const std::string& text) {
  return AdmitsText(*BoundOf(spec, Bytes()), text);
}

Spec Tag(ValueKind kind = ValueKind::kText) {
  return {.kind = SpecKind::kTag, .tag = "query", .value = {.kind = kind, .words = {}}, .alternatives = {}};
}

TEST(Formats, TextBetweenTags) {
  for (const char* good :
       {"<query>who?</query>", "<query></query>", "<query>a < b </ c</query>", "<query></quer</query>",
        "<query><<query </query>", "<query>\xC3\xA4\xF0\x9F\x99\x82</query>"}) {
    EXPECT_TRUE(Admits(Tag(), good)) << good;
  }
  for (const char* bad : {"", "<query>", "query", " <query>x</query>", "<query>x</query> ", "<query><query></query>",
                          "<query>x</query></query>", "<Query>x</Query>", "<query>\xC3</query>", "<query>\x80</query>",
                          "<query>\xED\xA0\x80</query>", "<query>\x01</query>", "<query>\xC0\x80</query>"}) {
    EXPECT_FALSE(Admits(Tag(), bad)) << testing::PrintToString(bad);
  }
}

TEST(Formats, ScalarsBetweenTags) {
  const auto of = [](const std::string& inside) { return "<query>" + inside + "</query>"; };
  for (const char* good : {"0", "-1", "123456789012345678"})
    EXPECT_TRUE(Admits(Tag(ValueKind::kInt), of(good))) << good;
  for (const char* bad : {"", "01", "+1", "1.0", "1234567890123456789", "none"}) {
    EXPECT_FALSE(Admits(Tag(ValueKind::kInt), of(bad))) << bad;
  }
  for (const char* good : {"0", "-1", "0.5", "12.25e-10", "7e3"}) {
    EXPECT_TRUE(Admits(Tag(ValueKind::kFloat), of(good))) << good;
  }
  for (const char* bad : {".5", "1.", "1e", "1e400", "e5", "inf"}) {
    EXPECT_FALSE(Admits(Tag(ValueKind::kFloat), of(bad))) << bad;
  }
  EXPECT_TRUE(Admits(Tag(ValueKind::kBool), of("true")));
  EXPECT_FALSE(Admits(Tag(ValueKind::kBool), of("True")));
  Spec word = Tag(ValueKind::kWord);
  word.value.words = {"Red", "Reddish"};
  word.value.optional = true;
  for (const char* good : {"Red", "Reddish", "none"}) EXPECT_TRUE(Admits(word, of(good))) << good;
  for (const char* bad : {"", "Re", "Redd", "Reddishx"}) EXPECT_FALSE(Admits(word, of(bad))) << bad;
}

TEST(Formats, NumberedTags) {
  Spec spec{.kind = SpecKind::kNumbered, .tag = "q", .value = {.words = {}}, .max = 12, .alternatives = {}};
  std::string eleven;
  for (int i = 1; i <= 12; ++i) {
    EXPECT_EQ(Admits(spec, eleven), i > 1);
    eleven += "<q" + std::to_string(i) + "><q a</q</q" + std::to_string(i) + ">";
  }
  EXPECT_TRUE(Admits(spec, eleven));
  EXPECT_FALSE(Admits(spec, eleven + "<q13></q13>"));
  for (const char* bad : {"", "<q2>x</q2>", "<q1>x</q2>", "<q1>x</q1><q3>y</q3>", "<q1><q7></q1>", "<q1></q12></q1>",
                          "<q1>x</q1> <q2>y</q2>"}) {
    EXPECT_FALSE(Admits(spec, bad)) << bad;
  }
  spec.max = 0;
  std::string all;
  for (int i = 1; i <= 64; ++i) all += "<q" + std::to_string(i) + "></q" + std::to_string(i) + ">";
  EXPECT_TRUE(Admits(spec, all));
  EXPECT_FALSE(Admits(spec, all + "<q65></q65>"));
  spec.max = UINT32_MAX;
  EXPECT_TRUE(Admits(spec, all));
  EXPECT_FALSE(Admits(spec, all + "<q65></q65>"));
}

TEST(Formats, SubsetsOfDocuments) {
  Spec spec{.kind = SpecKind::kSubset, .tag = "id", .documents = 12, .alternatives = {}};
  for (const char* good : {"<id></id>", "<id>Document0</id>", "<id>Document11,Document1,Document0</id>"}) {
    EXPECT_TRUE(Admits(spec, good)) << good;
  }
  for (const char* bad : {"<id>Document</id>", "<id>Document12</id>", "<id>Document01</id>", "<id>Document1,</id>",
                          "<id>Document1,Document1</id>", "<id>Document1, Document2</id>", "<id>1</id>"}) {
    EXPECT_FALSE(Admits(spec, bad)) << bad;
  }
  spec.documents = 1;
  EXPECT_TRUE(Admits(spec, "<id>Document0</id>"));
  EXPECT_FALSE(Admits(spec, "<id>Document0,Document0</id>"));
  spec.documents = 0;
  EXPECT_TRUE(Admits(spec, "<id></id>"));
  EXPECT_FALSE(Admits(spec, "<id>Document0</id>"));
  spec.documents = UINT32_MAX;
  EXPECT_TRUE(Admits(spec, "<id>Document1023</id>"));
  EXPECT_FALSE(Admits(spec, "<id>Document1024</id>"));
}

TEST(Formats, Alternatives) {
  const Spec spec{.kind = SpecKind::kAlternatives,
                  .alternatives = {{"ask", {.words = {}}},
                                   {"answer", {.kind = ValueKind::kInt, .words = {}}},
                                   {"stop", {.kind = ValueKind::kNothing, .words = {}}}}};
  for (const char* good : {"<ask>who</ask>", "<ask></answer></ask>", "<answer>4</answer>", "<stop></stop>"}) {
    EXPECT_TRUE(Admits(spec, good)) << good;
  }
  for (const char* bad : {"<stop>x</stop>", "<answer>x</answer>", "<ask>x</answer>", "<as></as>"}) {
    EXPECT_FALSE(Admits(spec, bad)) << bad;
  }
}

TEST(Formats, APrefillIsTheBeginning) {
  Spec spec = Tag();
  spec.prefix = "\n<query>who wro";
  EXPECT_TRUE(Admits(spec, "te Dune?</query>"));
  EXPECT_FALSE(Admits(spec, "<query>x</query>"));
  spec.prefix = "Sure: ";
  EXPECT_EQ(Library().Make(spec).error().code(), ErrorCode::kInvalidArgument);
  spec.prefix = "<query>x</query>";
  EXPECT_TRUE(Admits(spec, ""));
}

TEST(Formats, BrokenSpecsAreRefused) {
  Spec spec = Tag();
  for (const std::string& tag : {std::string(), std::string("a>b"), std::string("a b"), std::string(200, 'x')}) {
    spec.tag = tag;
    EXPECT_EQ(Library().Make(spec).error().code(), ErrorCode::kInvalidArgument);
    spec.kind = spec.kind == SpecKind::kTag ? SpecKind::kSubset : SpecKind::kTag;
  }
  spec = Tag(ValueKind::kWord);
  EXPECT_EQ(Library().Make(spec).error().code(), ErrorCode::kInvalidArgument);
  spec = {.kind = SpecKind::kAlternatives, .alternatives = {}};
  EXPECT_EQ(Library().Make(spec).error().code(), ErrorCode::kInvalidArgument);
  spec.alternatives = {{"a", {.words = {}}}, {"a", {.words = {}}}};
  EXPECT_EQ(Library().Make(spec).error().code(), ErrorCode::kInvalidArgument);
}

// Everything written to its end through a real tokenizer is read as kOk, within the tokens given.
class Walks : public testing::TestWithParam<int> {
 protected:
  Walks() {
    colour_ = types_.DeclareEnum("", "Colour");
    types_.CompleteEnum(colour_, {{"Red", {}}, {"Green", {}}, {"Mixed", {{"name", TypeTable::Text()}}}});
    query_ = types_.DeclareNominal("", "Query");
    types_.CompleteNominal(query_, TypeTable::Text());
  }
  std::vector<ir::OutputFormat> Formats() {
    std::vector<ir::OutputFormat> all;
    const auto add = [&](FormatKind kind, std::string tag, TypeId type) -> ir::OutputFormat& {
      all.emplace_back();
      all.back().kind = kind;
      all.back().tag = std::move(tag);
      all.back().type = type;
      return all.back();
    };
    for (const TypeId type : {TypeTable::Text(), query_, TypeTable::Int(), TypeTable::Float(), TypeTable::Bool(),
                              colour_, types_.Optional(colour_), types_.Optional(TypeTable::Float())}) {
      add(FormatKind::kTag, "query", type);
      add(FormatKind::kNumbered, "q", type).max = 3;
      add(FormatKind::kNumbered, "q1-1", type);
      add(FormatKind::kText, "", type);
    }
    add(FormatKind::kSubset, "id", TypeTable::Text());
    add(FormatKind::kAlternatives, "", TypeTable::Text()).alternatives = {
        {"ask", 0, query_}, {"asked", 1, TypeTable::Int()}, {"stop", 2, TypeTable::Never()}};
    return all;
  }
  TypeTable types_;
  TypeId colour_;
  TypeId query_;
};

TEST_P(Walks, AreReadAsTheFormat) {
  auto tokenizer = tokenizer::Tokenizer::LoadTokenizerJson(JADE_SOURCE_DIR "/models/nano/tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  const VocabularyPtr vocabulary = VocabularyOf(*tokenizer);
  Walker walker(vocabulary, static_cast<uint64_t>(GetParam()));
  const Library library;
  for (const ir::OutputFormat& format : Formats()) {
    Result<Spec> spec = SpecOf(format, types_);
    ASSERT_TRUE(spec.ok()) << spec.error().ToString();
    for (int round = 0; round < 40; ++round) {
      spec->documents = static_cast<uint32_t>(walker.Below(14));
      spec->limit = 44 + static_cast<uint32_t>(walker.Below(60));
      const auto constraint = library.Make(*spec);
      ASSERT_TRUE(constraint.ok());
      const Walk walk = walker.Run(**(*constraint)->Bind(vocabulary), spec->limit);
      ASSERT_EQ(walk.problem, "") << (*constraint)->id();
      ASSERT_TRUE(walk.ended) << (*constraint)->id() << ": " << walk.text;
      const std::vector<abi::Value> subject(spec->documents, abi::Value::Int(0));
      const call::ParsedOutput output = call::ParseOutput(format, walk.text, types_, &subject);
      ASSERT_EQ(output.status, call::OutputStatus::kOk) << output.reason << ": " << walk.text;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, Walks, testing::Range(0, 4));

}  // namespace
}  // namespace jade::constrain
