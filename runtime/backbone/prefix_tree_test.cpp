#include "runtime/backbone/prefix_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace jade::backbone {
namespace {

using Tokens = std::vector<int32_t>;
constexpr WeightSet kWeights{0, 1};

Tokens Range(int32_t first, int64_t count) {
  Tokens tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(first + static_cast<int32_t>(i));
  return tokens;
}

std::vector<BlockId> TakeFor(PrefixTree& tree, int64_t tokens) {
  std::vector<BlockId> blocks;
  for (int64_t i = 0; i < BlocksFor(tokens); ++i) blocks.push_back(tree.Take());
  return blocks;
}

// Computes `tokens` and leaves them to the tree.
std::vector<BlockId> Keep(PrefixTree& tree, const Tokens& tokens, int64_t pinned = 0, WeightSet weights = kWeights) {
  std::vector<BlockId> blocks = TakeFor(tree, static_cast<int64_t>(tokens.size()));
  tree.Insert(weights, tokens, pinned, &blocks);
  tree.Release(blocks);
  return blocks;
}

int64_t Found(PrefixTree& tree, const Tokens& tokens, WeightSet weights = kWeights) {
  const PrefixMatch match = tree.Find(weights, tokens);
  tree.Release(match);
  return match.tokens();
}

TEST(BlockPool, HandsOutEveryBlockOnceAndTheWarmestFirst) {
  BlockPool pool(3);
  const BlockId a = pool.Take(), b = pool.Take(), c = pool.Take();
  EXPECT_EQ(std::set<BlockId>({a, b, c}).size(), 3u);
  EXPECT_EQ(pool.Take(), kNoBlock);
  pool.Retain(b);
  EXPECT_FALSE(pool.Release(b));
  EXPECT_EQ(pool.unused(), 0);
  EXPECT_TRUE(pool.Release(b));
  EXPECT_TRUE(pool.Release(a));
  EXPECT_EQ(pool.used(), 1);
  EXPECT_EQ(pool.peak_used(), 3);
  EXPECT_EQ(pool.Take(), a);
  EXPECT_EQ(pool.references(a), 1);
}

TEST(PrefixTree, SharesWholeBlocksAndNamesTheOneToCopyFrom) {
  BlockPool pool(16);
  PrefixTree tree(&pool);
  const std::vector<BlockId> blocks = Keep(tree, Range(0, 40));
  Tokens asked = Range(0, 36);
  asked.push_back(999);
  const PrefixMatch match = tree.Find(kWeights, asked);
  EXPECT_EQ(match.blocks, (std::vector<BlockId>{blocks[0], blocks[1]}));
  EXPECT_EQ(match.partial, blocks[2]);
  EXPECT_EQ(match.partial_tokens, 4);
  EXPECT_EQ(match.tokens(), 36);
  EXPECT_EQ(pool.references(blocks[0]), 2);
  EXPECT_EQ(tree.reclaimable(), 0);
  tree.Release(match);
  EXPECT_EQ(tree.reclaimable(), 3);
  // Within the first block, and nothing at all.
  EXPECT_EQ(Found(tree, Range(0, 5)), 5);
  EXPECT_EQ(Found(tree, Range(1, 20)), 0);
  // Other weights have nothing.
  EXPECT_EQ(Found(tree, Range(0, 40), {1, 1}), 0);
  EXPECT_EQ(Found(tree, Range(0, 40), {0, 2}), 0);
}

TEST(PrefixTree, EqualContentIsHeldOnce) {
  BlockPool pool(16);
  PrefixTree tree(&pool);
  std::vector<BlockId> first = TakeFor(tree, 48), second = TakeFor(tree, 48);
  tree.Insert(kWeights, Range(0, 48), 0, &first);
  tree.Insert(kWeights, Range(0, 48), 0, &second);
  EXPECT_EQ(first, second);
  EXPECT_EQ(pool.used(), 3);
  EXPECT_EQ(pool.references(first[1]), 3);
  tree.Release(first);
  tree.Release(second);
  EXPECT_EQ(pool.used(), 3);
  tree.Clear();
  EXPECT_EQ(pool.used(), 0);
}

TEST(PrefixTree, ALongerTailReplacesAShorterOne) {
  BlockPool pool(16);
  PrefixTree tree(&pool);
  Keep(tree, Range(0, 20));
  Keep(tree, Range(0, 24));
  EXPECT_EQ(pool.used(), 2);
  Keep(tree, Range(0, 22));  // is there already
  EXPECT_EQ(pool.used(), 2);
  Keep(tree, Range(0, 40));
  EXPECT_EQ(pool.used(), 3);
  EXPECT_EQ(Found(tree, Range(0, 40)), 40);
}

TEST(PrefixTree, EvictsTheLeafUnusedForLongestAndPinnedOnesLast) {
  BlockPool pool(6);
  PrefixTree tree(&pool);
  Keep(tree, Range(100, 32), 32);  // pinned
  Keep(tree, Range(200, 32));
  Keep(tree, Range(300, 32));
  EXPECT_EQ(Found(tree, Range(200, 32)), 32);  // used again: 300 is older
  EXPECT_EQ(pool.unused(), 0);
  std::vector<BlockId> held{tree.Take()};
  EXPECT_EQ(Found(tree, Range(300, 32)), 16);
  // That look made the rest of 300 the youngest.
  held.push_back(tree.Take());
  held.push_back(tree.Take());
  EXPECT_EQ(Found(tree, Range(200, 32)), 0);
  EXPECT_EQ(Found(tree, Range(300, 32)), 16);
  held.push_back(tree.Take());
  EXPECT_EQ(Found(tree, Range(300, 32)), 0);
  EXPECT_EQ(Found(tree, Range(100, 32)), 32);
  held.push_back(tree.Take());
  held.push_back(tree.Take());
  EXPECT_EQ(tree.Take(), kNoBlock);
  EXPECT_EQ(tree.held(), 0);
  EXPECT_EQ(tree.evictions(), 6);
  tree.Release(held);
  EXPECT_EQ(pool.used(), 0);
}

TEST(PrefixTree, WhatASequenceHoldsIsNotEvicted) {
  BlockPool pool(4);
  PrefixTree tree(&pool);
  Keep(tree, Range(0, 64));
  const PrefixMatch match = tree.Find(kWeights, Range(0, 32));
  EXPECT_EQ(tree.reclaimable(), 2);
  const std::vector<BlockId> taken{tree.Take(), tree.Take()};
  EXPECT_EQ(tree.Take(), kNoBlock);
  tree.Release(match);
  EXPECT_NE(tree.Take(), kNoBlock);
}

TEST(PrefixTree, ANewVersionDropsTheOldOnesBlocks) {
  BlockPool pool(8);
  PrefixTree tree(&pool);
  Keep(tree, Range(0, 48), 48);
  Keep(tree, Range(0, 32), 0, {0, 2});
  const PrefixMatch held = tree.Find(kWeights, Range(0, 16));
  tree.Drop(kWeights);
  EXPECT_EQ(pool.used(), 3);  // the held one and those of the new version
  EXPECT_EQ(tree.held(), 2);
  EXPECT_EQ(Found(tree, Range(0, 48)), 0);
  EXPECT_EQ(Found(tree, Range(0, 32), {0, 2}), 32);
  tree.Release(held);
  EXPECT_EQ(pool.used(), 2);
}

// Against a model that stores whole prefixes in a map, with operations drawn from a seed.
class Model {
 public:
  Model(uint64_t seed, int64_t blocks) : random_(seed), pool_(blocks), tree_(&pool_) {}

  void Run(int operations) {
    for (int i = 0; i < operations; ++i) {
      switch (random_() % 8) {
        case 0:
        case 1:
        case 2:
          Open();
          break;
        case 3:
        case 4:
          Grow();
          break;
        case 5:
        case 6:
          CloseOne(random_() % 2 == 0);
          break;
        default:
          if (random_() % 40 == 0) DropVersion();
      }
      Check();
    }
    while (!open_.empty()) CloseOne(true);
    Check();
    tree_.Clear();
    EXPECT_EQ(pool_.used(), 0);
    EXPECT_EQ(tree_.reclaimable(), 0);
  }

 private:
  struct Open1 {
    WeightSet weights;
    Tokens tokens;
    std::vector<BlockId> blocks;
  };

  // Few tokens and often a known start, so that prefixes meet.
  Tokens MakeTokens() {
    Tokens tokens;
    if (!open_.empty() && random_() % 2 == 0) {
      tokens = open_[random_() % open_.size()].tokens;
      tokens.resize(random_() % (tokens.size() + 1));
    }
    const size_t more = 1 + random_() % 40;
    for (size_t i = 0; i < more; ++i) tokens.push_back(static_cast<int32_t>(random_() % 2));
    return tokens;
  }

  void Open() {
    if (open_.size() > 6) return;
    Open1 o{{static_cast<int>(random_() % 2), version_}, MakeTokens(), {}};
    PrefixMatch match = tree_.Find(o.weights, o.tokens);
    // Every block's content is as asked.
    for (size_t b = 0; b < match.blocks.size(); ++b) {
      EXPECT_EQ(content_.at(match.blocks[b]),
                std::make_pair(o.weights, Tokens(o.tokens.begin(), o.tokens.begin() + 16 * (static_cast<int>(b) + 1))));
    }
    if (match.partial != kNoBlock) {
      const auto& [weights, tokens] = content_.at(match.partial);
      EXPECT_EQ(weights, o.weights);
      ASSERT_GE(static_cast<int64_t>(tokens.size()), match.tokens());
      EXPECT_TRUE(std::equal(tokens.begin(), tokens.begin() + match.tokens(), o.tokens.begin()));
    }
    EXPECT_EQ(match.tokens(), LongestKnown(o.weights, o.tokens));
    o.blocks = match.blocks;
    if (match.partial != kNoBlock) tree_.Release(std::span(&match.partial, 1));
    o.tokens.resize(16 * o.blocks.size());
    open_.push_back(std::move(o));
    Grow();
  }

  // The longest start that a block of the tree spells.
  int64_t LongestKnown(WeightSet weights, const Tokens& tokens) const {
    int64_t longest = 0;
    for (const auto& [block, known] : content_) {
      if (known.first != weights || !in_tree_.count(block)) continue;
      const auto common = std::mismatch(known.second.begin(), known.second.end(), tokens.begin(), tokens.end()).first -
                          known.second.begin();
      longest = std::max<int64_t>(longest, common);
    }
    return longest;
  }

  void Grow() {
    if (open_.empty()) return;
    Open1& o = open_[random_() % open_.size()];
    const size_t more = 1 + random_() % 40;
    for (size_t i = 0; i < more; ++i) {
      if (o.tokens.size() == 16 * o.blocks.size()) {
        const BlockId block = TakeOne();
        if (block == kNoBlock) break;
        o.blocks.push_back(block);
      }
      o.tokens.push_back(static_cast<int32_t>(random_() % 2));
    }
    if (random_() % 2 == 0) Insert(&o, o.tokens.size() / 16 * 16);
  }

  BlockId TakeOne() {
    const int64_t before = tree_.evictions();
    const bool room = pool_.unused() > 0, hope = tree_.reclaimable() > 0;
    const BlockId block = tree_.Take();
    EXPECT_EQ(block != kNoBlock, room || hope);
    EXPECT_EQ(tree_.evictions() - before, room || !hope ? 0 : 1);
    if (block != kNoBlock) in_tree_.erase(block), content_.erase(block);
    return block;
  }

  void Insert(Open1* o, size_t count) {
    const Tokens tokens(o->tokens.begin(), o->tokens.begin() + static_cast<int>(count));
    tree_.Insert(o->weights, tokens, random_() % 3 == 0 ? 32 : 0, &o->blocks);
    for (size_t end = 16; end < count + 16; end += 16) {
      const size_t length = std::min(end, count);
      const BlockId block = o->blocks[(length - 1) / 16];
      if (length % 16 != 0 && LongestKnown(o->weights, tokens) == static_cast<int64_t>(length)) continue;
      if (in_tree_.count(block)) continue;
      // A shorter tail with this start is gone.
      const Tokens start(tokens.begin(), tokens.begin() + static_cast<int>(length));
      std::erase_if(content_, [&](const auto& entry) {
        const auto& [weights, known] = entry.second;
        const bool replaced = in_tree_.count(entry.first) && weights == o->weights && known.size() < length &&
                              known.size() % 16 != 0 && known.size() / 16 == (length - 1) / 16 &&
                              std::equal(known.begin(), known.end(), start.begin());
        if (replaced) in_tree_.erase(entry.first);
        return replaced;
      });
      content_[block] = {o->weights, start};
      in_tree_.insert(block);
    }
  }

  void CloseOne(bool keep) {
    if (open_.empty()) return;
    const size_t which = random_() % open_.size();
    if (keep) Insert(&open_[which], open_[which].tokens.size());
    tree_.Release(open_[which].blocks);
    open_.erase(open_.begin() + static_cast<int>(which));
  }

  void DropVersion() {
    while (!open_.empty()) CloseOne(false);
    for (int policy = 0; policy < 2; ++policy) tree_.Drop({policy, version_});
    ++version_;
    EXPECT_EQ(pool_.used(), 0);
    content_.clear();
    in_tree_.clear();
  }

  void Check() {
    std::map<BlockId, int32_t> references;
    for (const Open1& o : open_) {
      for (const BlockId block : o.blocks) ++references[block];
    }
    int64_t reclaimable = 0;
    for (const BlockId block : in_tree_) {
      if (++references[block] == 1) ++reclaimable;
    }
    ASSERT_EQ(tree_.held(), static_cast<int64_t>(in_tree_.size()));
    ASSERT_EQ(tree_.reclaimable(), reclaimable);
    ASSERT_EQ(pool_.used(), static_cast<int64_t>(references.size()));
    for (const auto& [block, count] : references) ASSERT_EQ(pool_.references(block), count);
  }

  std::mt19937_64 random_;
  BlockPool pool_;
  PrefixTree tree_;
  std::vector<Open1> open_;
  std::map<BlockId, std::pair<WeightSet, Tokens>> content_;  // all tokens up to the block's last
  std::set<BlockId> in_tree_;
  uint64_t version_ = 1;
};

TEST(PrefixTree, AgreesWithASimpleModel) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Model(seed, seed % 2 == 0 ? 24 : 200).Run(1500);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace jade::backbone
