#include "runtime/datasets/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace jade::datasets {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string Write(const std::string& text) {
  const std::string path =
      testing::TempDir() + "records_test_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".txt";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

// All records, or the error of the first that is wrong.
Result<std::vector<json>> ReadAll(const std::string& text) {
  JADE_ASSIGN_OR_RETURN(const auto records, Records::Open(Write(text)));
  std::vector<json> all;
  json record;
  while (true) {
    JADE_ASSIGN_OR_RETURN(const bool more, records->Next(&record));
    if (!more) return all;
    all.push_back(record);
  }
}

std::string ErrorOf(const std::string& text) {
  const auto all = ReadAll(text);
  return all.ok() ? "read without an error" : all.error().ToString();
}

TEST(Records, ListLinesAndTablesReadAlike) {
  const std::vector<json> expected{{{"question", "a, or \"b\"?"}, {"answer", "b"}},
                                   {{"question", "c?"}, {"answer", "d"}}};
  const std::string first = R"({"question": "a, or \"b\"?", "answer": "b"})";
  const std::string second = R"({"question": "c?", "answer": "d"})";
  EXPECT_EQ(ReadAll("[" + first + ",\n " + second + "]\n").value(), expected);
  EXPECT_EQ(ReadAll("\xEF\xBB\xBF \n[" + first + "\n,\n" + second + "\n]").value(), expected);
  EXPECT_EQ(ReadAll(first + "\n\n" + second).value(), expected);
  EXPECT_EQ(ReadAll("question,answer\n\"a, or \"\"b\"\"?\",b\nc?,d\n").value(), expected);
  EXPECT_EQ(ReadAll("\xEF\xBB\xBFquestion\tanswer\r\na, or \"b\"?\tb\r\n\r\nc?\td").value(), expected);
  EXPECT_TRUE(ReadAll("[]").value().empty());
  EXPECT_TRUE(ReadAll("question,answer\n").value().empty());
}

TEST(Records, QuotesKeepLinesAndSeparators) {
  const auto rows = ReadAll("a\tb\n\"x\ty\n z\"\t[\"\"]\n\"\"\t\"\"\"\"\n").value();
  EXPECT_EQ(rows[0], (json{{"a", "x\ty\n z"}, {"b", "[\"\"]"}}));
  EXPECT_EQ(rows[1], (json{{"a", ""}, {"b", "\""}}));
  EXPECT_EQ(ReadAll("\tid\n0\t7\n").value()[0], (json{{"id", "7"}})) << "an index without a name comes first";
  EXPECT_EQ(ReadAll("a,,,b\n1,x,,2\n").value()[0], (json{{"a", "1"}, {"b", "2"}}));
}

TEST(Records, BracketsInsideTextsDoNotCount) {
  const auto records = ReadAll(R"([{"a": "]}\"{[", "b": [{"c": "\\"}]}, {"a": "ü"}])").value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["a"], "]}\"{[");
  EXPECT_EQ(records[0]["b"][0]["c"], "\\");
}

TEST(Records, WrongListsAreNamedByLineAndRecord) {
  EXPECT_THAT(ErrorOf("[{}\n,\n{\"a\": 1"), HasSubstr(":3: record 2: the file ends before its list does"));
  EXPECT_THAT(ErrorOf("[{}"), HasSubstr(":1: record 2: the file ends before"));
  EXPECT_THAT(ErrorOf("["), HasSubstr("the file ends before"));
  EXPECT_THAT(ErrorOf("[{\"a\": \"\\"), HasSubstr("the file ends before"));
  EXPECT_THAT(ErrorOf("[{}\n{}]"), HasSubstr(":2: record 2: expected a comma"));
  EXPECT_THAT(ErrorOf("[{},]"), HasSubstr("record 2: expected a JSON object"));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("record 1: expected a JSON object"));
  EXPECT_THAT(ErrorOf("[{\"a\": }]"), HasSubstr("record 1: not JSON"));
  EXPECT_THAT(ErrorOf("[{\"a\": [}]"), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf("[{\"a\": \"\xff\"}]"), HasSubstr("record 1: not valid UTF-8"));
  EXPECT_THAT(ErrorOf("[{\"a\": \"\\ud800\"}]"), HasSubstr("record 1: not JSON"));
  EXPECT_THAT(ErrorOf("[{}] {}"), HasSubstr("something follows the end of the list"));
  EXPECT_THAT(ErrorOf("[{\"a\": " + std::string(1000, '[')), HasSubstr("nested more than 100 deep"));
  EXPECT_THAT(ErrorOf("[{\"a\": \"" + std::string(Records::kMaxRecordBytes, 'x') + "\"}]"),
              HasSubstr("record 1: longer than 16777216 bytes"));
}

TEST(Records, WrongTablesAreNamedByLineAndRecord) {
  EXPECT_THAT(ErrorOf("a,b\n1,2\n\n3\n"), HasSubstr(":4: record 2: 1 values in 2 columns"));
  EXPECT_THAT(ErrorOf("a,b\n1,2,3\n"), HasSubstr("3 values in 2 columns"));
  EXPECT_THAT(ErrorOf("a,b\n1,\"2\n3,4\n"), HasSubstr(":2: record 0: a quote is not closed"));
  EXPECT_THAT(ErrorOf("a,b,a\n"), HasSubstr("the header names `a` twice"));
  EXPECT_THAT(ErrorOf("a,b\n1,\xff\n"), HasSubstr(":2: record 1: `b` is not valid UTF-8"));
  EXPECT_THAT(ErrorOf("\xff,b\n"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(ErrorOf(std::string(5000, ',')), HasSubstr("more than 1000 columns"));
  EXPECT_THAT(ErrorOf("a\n\"" + std::string(Records::kMaxRecordBytes + 1, 'x')),
              HasSubstr("longer than 16777216 bytes"));
  EXPECT_THAT(ErrorOf(std::string(Records::kMaxRecordBytes + 1, 'x')), HasSubstr("longer than 16777216 bytes"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("is empty"));
}

TEST(Records, OtherFilesAreRefusedWithAdvice) {
  EXPECT_THAT(ErrorOf("\x1F\x8B\x08 more"), HasSubstr("is compressed with gzip: unpack it first"));
  EXPECT_THAT(ErrorOf("PK\x03\x04 more"), HasSubstr("is a zip archive"));
  EXPECT_THAT(ErrorOf("PAR1 more"), HasSubstr("is a Parquet file"));
  EXPECT_THAT(Records::Open(testing::TempDir()).error().message(), HasSubstr("is a directory"));
  EXPECT_THAT(Records::Open("/nowhere/x.json").error().message(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace jade::datasets
