#include "compiler/source/suggest.h"

#include <gtest/gtest.h>

namespace jade::source {
namespace {

TEST(SuggestTest, CountsEdits) {
  EXPECT_EQ(EditDistance("kitten", "sitting", 9), 3);
  EXPECT_EQ(EditDistance("retreiver", "retriever", 9), 1);  // a swap is one edit
  EXPECT_EQ(EditDistance("abc", "xyz", 1), 2);              // more than the limit
  EXPECT_EQ(EditDistance("", "abc", 9), 3);
  EXPECT_EQ(EditDistance(std::string(1000, 'a'), "a", 3), 4);
}

TEST(SuggestTest, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(DidYouMean("retreiver", {"backbone", "retriever"}), "; did you mean `retriever`?");
  EXPECT_EQ(DidYouMean("zzz", {"backbone", "retriever"}), "");
  EXPECT_EQ(DidYouMean("x", {"y"}), "");
  EXPECT_EQ(DidYouMean("", {"y"}), "");
}

}  // namespace
}  // namespace jade::source
