#include "compiler/result/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace jade {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Error(ErrorCode::kInvalidArgument, "odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  JADE_ASSIGN_OR_RETURN(int half, Half(n));
  return Half(half);
}

Status BothHalves(int a, int b) {
  JADE_TRY(Half(a));
  JADE_TRY(Half(b));
  return {};
}

TEST(ResultTest, PropagatesValuesAndErrors) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Quarter(6).error().message(), "odd");
  EXPECT_TRUE(BothHalves(2, 4).ok());
  EXPECT_EQ(BothHalves(2, 5).error().code(), ErrorCode::kInvalidArgument);
}

TEST(ResultTest, ContextsReadFromOutermostToInnermost) {
  Error error = Error(ErrorCode::kIo, "no space left").Wrap("writing `a.db`").Wrap("building the index");
  EXPECT_EQ(error.ToString(), "building the index: writing `a.db`: no space left");
}

TEST(ResultTest, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  std::unique_ptr<int> owned = std::move(result).value();
  EXPECT_EQ(*owned, 3);
}

TEST(ResultDeathTest, ReadingTheWrongSideIsABug) {
  EXPECT_EXIT(Half(3).value(), testing::ExitedWithCode(70), "value of a failed Result: odd");
}

}  // namespace
}  // namespace jade
