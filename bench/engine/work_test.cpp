#include "bench/engine/work.h"

#include <gtest/gtest.h>

#include "bench/engine/machine.h"
#include "bench/engine/row.h"

namespace jade::bench {
namespace {

// One layer, one head, everything of size 2 but the vocabulary: 2·(6 + 2) = 16 weights of attention, 12 of the
// feed-forward part, 10 of the projection.
weights::ModelConfig Shape() {
  weights::ModelConfig c;
  c.vocab_size = 5, c.hidden_size = 2, c.layers = 1, c.heads = 1, c.kv_heads = 1, c.head_dim = 2, c.ffn_size = 2;
  return c;
}

TEST(WorkTest, CountsAPrefillByHand) {
  // Three rows see 1 + 2 + 3 keys: 4·2 operations each.
  const Work work = WorkOfStep(Shape(), {.weight = 2, .key_value = 2}, {.tokens = 3});
  EXPECT_EQ(work.flops, 2 * 28 * 3 + 2 * 10 + 4 * 2 * 6);
  EXPECT_EQ(work.bytes, (28 + 10) * 2 + 3 * 4 * 2);
}

TEST(WorkTest, SharedKeysAreReadOnce) {
  const ElementBytes bytes{.weight = 1, .key_value = 2};
  const Work own = WorkOfStep(Shape(), bytes, {.sequences = 4, .past = 32});
  const Work shared = WorkOfStep(Shape(), bytes, {.sequences = 4, .past = 32, .shared_past = 32});
  EXPECT_EQ(own.flops, shared.flops);
  EXPECT_EQ(own.flops, 4 * (2 * 28 + 2 * 10 + 4 * 2 * 33));
  EXPECT_EQ(own.bytes - shared.bytes, 3 * 32 * 4 * 2);
}

TEST(WorkTest, TheSlowerRateIsTheLimit) {
  const Work work{.flops = 100, .bytes = 10};
  EXPECT_EQ(LeastSeconds(work, {.flops_per_s = 10, .bytes_per_s = 10}), 10);
  EXPECT_FALSE(BoundByMemory(work, {.flops_per_s = 10, .bytes_per_s = 10}));
  EXPECT_EQ(LeastSeconds(work, {.flops_per_s = 1000, .bytes_per_s = 10}), 1);
  EXPECT_TRUE(BoundByMemory(work, {.flops_per_s = 1000, .bytes_per_s = 10}));
  EXPECT_EQ(LeastSeconds(work, {}), 0);
}

TEST(RowTest, ValueIsTheMedian) {
  EXPECT_EQ(MakeRow("a", "b", {3, 1, 2}).value, 2);
  EXPECT_EQ(MakeRow("a", "b", {4, 1, 2, 3}).value, 2.5);
  EXPECT_EQ(MakeRow("a", "b", {3, 1, 2}).Best(), 3);
}

TEST(MachineTest, ReadsMemory) {
  EXPECT_GT(LastLevelCacheBytes(), 0U);
  EXPECT_GT(ReadBytesPerSecond(2, 1 << 20, 2), 0);
  EXPECT_GT(PeakResidentBytes(), 0);
}

}  // namespace
}  // namespace jade::bench
