#include "compiler/source/suggest.h"

#include <gtest/gtest.h>

namespace jade::source {
namespace {

TEST(SuggestTest, FindsSlipsAndNothingElse) {
  const std::vector<std::string_view> names = {"DecomposeSerial", "DecomposeParallel", "QR", "QDS", "question"};
  EXPECT_EQ(Nearest("DecomposeSeril", names), "DecomposeSerial");
  EXPECT_EQ(Nearest("decomposeserial", names), "DecomposeSerial");  // case is no edit
  EXPECT_EQ(Nearest("qr", names), "QR");
  EXPECT_EQ(Nearest("quesiton", names), "question");  // a swap is one edit
  EXPECT_EQ(Nearest("QDX", {"QDY", "QDZ"}), "QDY");   // ties go to the first
  EXPECT_EQ(Nearest("abcdef", {"abcxyz"}), "");       // three of six letters differ
  EXPECT_EQ(Nearest("abcdef", {"abcdxy"}), "abcdxy");
  EXPECT_EQ(Nearest("banana", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest("x", {"y"}), "");
  EXPECT_EQ(Nearest(std::string(100000, 'a'), names), "");
}

TEST(SuggestTest, EndsAMessage) {
  EXPECT_EQ(DidYouMean("retreiver", {"backbone", "retriever"}), "; did you mean `retriever`?");
  EXPECT_EQ(DidYouMean("zzz", {"backbone", "retriever"}), "");
  EXPECT_EQ(DidYouMean("", {"y"}), "");
}

}  // namespace
}  // namespace jade::source
