#include "runtime/data/demonstrations.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace jade::data {
namespace {

std::vector<Demonstration> Make(const DemonstrationOptions& options) {
  std::vector<Demonstration> made;
  Status status = MakeDemonstrations(options, [&](const Demonstration& demonstration) -> Status {
    made.push_back(demonstration);
    return {};
  });
  EXPECT_TRUE(status.ok());
  return made;
}

TEST(Demonstrations, EveryRoleAppearsInTheFullMix) {
  std::map<std::string, int> counts;
  for (const Demonstration& demonstration : Make({.count = 2000, .seed = 3})) ++counts[demonstration.role];
  for (int role = 0; role < kRoleCount; ++role) {
    EXPECT_GT(counts[std::string(RoleName(static_cast<Role>(role)))], 20) << RoleName(static_cast<Role>(role));
  }
}

TEST(Demonstrations, TheSameSeedGivesTheSameLines) {
  auto once = Make({.count = 400, .seed = 7}), again = Make({.count = 400, .seed = 7});
  auto other = Make({.count = 400, .seed = 8});
  int same = 0;
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(ToJsonLine(once[i]), ToJsonLine(again[i]));
    same += ToJsonLine(once[i]) == ToJsonLine(other[i]);
  }
  EXPECT_LT(same, 10);
}

}  // namespace
}  // namespace jade::data
