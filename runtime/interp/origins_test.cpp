#include "runtime/interp/origins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::interp {
namespace {

using abi::Value;
using Entry = Origins::Entry;
using ::testing::ElementsAre;

Value Marked(Value value, Origins::Id id) {
  value.set_origin(id);
  return value;
}

TEST(OriginsTest, SetsAreJoinedByCallAndAValueOutweighsControl) {
  Origins origins;
  const auto one = origins.OfCall(1);
  const auto two = origins.OfCall(2);
  EXPECT_EQ(origins.OfCall(1), one);
  const auto both = origins.Join(two, one);
  EXPECT_THAT(origins.Set(both), ElementsAre(Entry{1, false}, Entry{2, false}));
  EXPECT_EQ(origins.Join(one, two), both);
  EXPECT_EQ(origins.Join(both, 0), both);
  EXPECT_EQ(origins.Join(0, both), both);
  const auto control = origins.AsControl(both);
  EXPECT_THAT(origins.Set(control), ElementsAre(Entry{1, true}, Entry{2, true}));
  EXPECT_EQ(origins.AsControl(control), control);
  EXPECT_THAT(origins.Set(origins.Join(control, two)), ElementsAre(Entry{1, true}, Entry{2, false}));
  EXPECT_EQ(origins.AsControl(0), 0u);
}

TEST(OriginsTest, AValueIsOfAllThatIsInIt) {
  Origins origins;
  const auto one = origins.OfCall(1);
  const auto two = origins.OfCall(2);
  const Value item = Marked(Value::Text("a"), one);
  const Value list = Marked(Value::List({Value::Record({item}), Value::Enum(1, {Value::Int(2)})}), two);
  EXPECT_EQ(origins.Deep(list), origins.Join(one, two));
  const Value unmarked = origins.Unmarked(list);
  EXPECT_EQ(origins.Deep(unmarked), 0u);
  EXPECT_EQ(unmarked, list);
  EXPECT_EQ(origins.Deep(list), origins.Join(one, two));
}

TEST(OriginsTest, NestingIsBounded) {
  Origins origins;
  Value deep = Marked(Value::Int(1), origins.OfCall(0));
  for (uint32_t i = 0; i < Origins::kMaxDepth; ++i) deep = Value::List({deep});
  EXPECT_NE(origins.Deep(deep), 0u);
  EXPECT_TRUE(origins.complete());
  origins.Deep(Value::List({deep}));
  EXPECT_FALSE(origins.complete());
}

TEST(OriginsTest, EntriesAreBounded) {
  Origins origins;
  Origins::Id all = 0;
  size_t entries = 0;
  for (uint32_t call = 0; origins.complete(); ++call) {
    ASSERT_LE(entries, Origins::kMaxEntries);
    all = origins.Join(all, origins.OfCall(call));
    entries += 1 + call;
  }
  EXPECT_GT(entries, Origins::kMaxEntries / 2);
}

}  // namespace
}  // namespace jade::interp
