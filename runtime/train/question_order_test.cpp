#include "runtime/train/question_order.h"

#include <gtest/gtest.h>

#include <map>

namespace jade::train {
namespace {

TEST(QuestionOrder, AnEpochAsksEveryQuestionOnce) {
  std::map<uint64_t, int> asked;
  for (int64_t step = 0; step < 30; ++step) {  // three epochs of 70 questions
    for (const uint64_t index : QuestionsOfStep(70, 7, step, 5)) ++asked[index];
  }
  ASSERT_EQ(asked.size(), 70U);
  for (const auto& [index, times] : asked) EXPECT_EQ(times, 3) << index;
}

TEST(QuestionOrder, AStepMayReachIntoTheNextEpoch) {
  const std::vector<uint64_t> chosen = QuestionsOfStep(3, 8, 0, 1);
  ASSERT_EQ(chosen.size(), 8U);
  std::map<uint64_t, int> asked;
  for (const uint64_t index : chosen) ++asked[index];
  for (const auto& [index, times] : asked) EXPECT_GE(times, 2);
}

TEST(QuestionOrder, DependsOnSeedAndStepAlone) {
  EXPECT_EQ(QuestionsOfStep(100, 10, 4, 2), QuestionsOfStep(100, 10, 4, 2));
  EXPECT_NE(QuestionsOfStep(100, 10, 4, 2), QuestionsOfStep(100, 10, 4, 3));
  EXPECT_NE(QuestionsOfStep(100, 10, 0, 2), QuestionsOfStep(100, 10, 10, 2));  // the next epoch's order
  EXPECT_TRUE(QuestionsOfStep(0, 10, 0, 2).empty());
}

}  // namespace
}  // namespace jade::train
