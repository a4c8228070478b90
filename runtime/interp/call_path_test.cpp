#include "runtime/interp/call_path.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/interp/waiters.h"

namespace jade::interp {
namespace {

TEST(CallPath, KeepsItsParentsAndNamesThem) {
  CallPathPtr path = CallPath::Root("Solve");
  path = CallPath::Make(path, PathSegment("QDS", 2, "", {}));
  const int64_t loops[] = {1, 0};
  path = CallPath::Make(path, PathSegment("QR", 0, "first", loops));
  EXPECT_EQ(path->ToString(), "Solve/QDS#2/QR@first[1][0]");
  EXPECT_EQ(path->parent()->ToString(), "Solve/QDS#2");
  EXPECT_NE(path->hash(), path->parent()->hash());
  EXPECT_EQ(path->parent()->hash(), CallPath::Make(CallPath::Root("Solve"), "QDS#2")->hash());
}

TEST(CallPath, ADeepOneEndsWithoutRecursion) {
  CallPathPtr path = CallPath::Root("Solve");
  for (int i = 0; i < 1'000'000; ++i) path = CallPath::Make(path, "F");
  const CallPathPtr kept = path->parent()->parent();
  path = nullptr;
  EXPECT_EQ(kept->segment(), "F");
}

TEST(Waiters, WakeInTheirOrderAndMayLeave) {
  char places[10];
  const auto task = [&](int i) { return reinterpret_cast<Task*>(&places[i]); };
  Waiters waiters;
  for (int i = 1; i <= 4; ++i) waiters.Add(task(i));
  waiters.Remove(task(1));
  waiters.Remove(task(3));
  std::vector<Task*> woken;
  waiters.WakeAll([&](Task* one) {
    woken.push_back(one);
    waiters.Add(task(9));
  });
  EXPECT_EQ(woken, (std::vector<Task*>{task(2), task(4)}));
}

}  // namespace
}  // namespace jade::interp
