#include "compiler/abi/value_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace jade::abi {
namespace {

using types::TypeId;
using types::TypeTable;

class ValueJson : public ::testing::Test {
 protected:
  ValueJson() {
    query_ = types_.DeclareNominal("", "Query");
    types_.CompleteNominal(query_, TypeTable::Text());
    doc_ = types_.DeclareRecord("", "Doc");
    types_.CompleteRecord(
        doc_, {{"id", TypeTable::Text()}, {"score", TypeTable::Float()}, {"next", types_.Optional(query_)}});
    step_ = types_.DeclareEnum("", "Step");
    types_.CompleteEnum(step_, {{"Stop", {}}, {"Ask", {{"query", query_}}}});
  }
  std::string Again(const std::string& json, TypeId type) {
    Result<Value> value = FromJson(json, type, types_);
    return value.ok() ? ToJson(*value, type, types_) : value.error().message();
  }
  TypeTable types_;
  TypeId query_, doc_, step_;
};

TEST_F(ValueJson, RoundTrips) {
  EXPECT_EQ(Again(R"([{"id":"a","score":1.5,"next":"q"},{"id":"\"\u0001","score":2}])", types_.List(doc_)),
            R"([{"id":"a","score":1.5,"next":"q"},{"id":"\"\u0001","score":2.0,"next":null}])");
  EXPECT_EQ(Again(R"(["Stop",{"Ask":{"query":"q"}}])", types_.List(step_)), R"(["Stop",{"Ask":{"query":"q"}}])");
  EXPECT_EQ(Again("-9223372036854775808", TypeTable::Int()), "-9223372036854775808");
  EXPECT_EQ(Again("null", types_.Optional(TypeTable::Bool())), "null");
}

TEST_F(ValueJson, ErrorsNameThePlace) {
  EXPECT_EQ(Again(R"([{"id":"a","score":"x"}])", types_.List(doc_)), "[0].score: expected a number, got string");
  EXPECT_EQ(Again(R"({"id":"a"})", doc_), "score: the field is missing");
  EXPECT_EQ(Again(R"({"id":"a","score":1,"extra":1})", doc_), "extra: no such field");
  EXPECT_EQ(Again("9223372036854775808", TypeTable::Int()), "the integer does not fit in 64 bits");
  EXPECT_EQ(Again("1.0", TypeTable::Int()), "expected an integer, got a fraction");
  EXPECT_EQ(Again("\"Halt\"", step_), "`Step` has no case `Halt`");
  EXPECT_EQ(Again("\"Ask\"", step_), "case `Ask` needs fields");
  EXPECT_EQ(Again("{", doc_), "not valid JSON");
  EXPECT_EQ(Again("\"x\"", types_.Plan(query_, query_)), "a Plan<Query, Query> cannot be read from JSON");
}

TEST_F(ValueJson, HostileInput) {
  const std::string deep(100'000, '[');
  EXPECT_FALSE(FromJson(deep, TypeTable::Int(), types_).ok());
  const std::string closed = deep + std::string(100'000, ']');
  EXPECT_FALSE(FromJson(closed, types_.List(TypeTable::Int()), types_).ok());
  EXPECT_EQ(ToJson(Value::Text("\xff"), TypeTable::Text(), types_), "\"\xef\xbf\xbd\"");
}

TEST(JsonQuote, QuotesWhatTheLibraryQuotes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one = "a" + std::string(1, static_cast<char>(byte)) + "\"b\\\n";
    all += one;
    for (const std::string& text : {one, all}) {
      EXPECT_EQ(JsonQuote(text), nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
          << byte;
    }
  }
  EXPECT_EQ(JsonQuote(""), "\"\"");
}

}  // namespace
}  // namespace jade::abi
