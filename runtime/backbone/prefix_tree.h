#pragma once
// Which token prefixes have their keys and values in the cache: a radix tree over token ids with one node for each
// block, a root for each set of weights. Content alone decides: whoever asks with the same tokens gets the same blocks,
// across roles, runs and questions.
//
// A node is a whole block, or a shorter last one, which is always a leaf. Whole blocks are shared. A shorter one, or
// one of which only the start is wanted, is copied by whoever goes on from it (copy on write): no sequence ever holds a
// block that another may write. The tree holds one reference to each of its blocks, sequences hold their own.
//
// Blocks that only the tree holds stay until somebody needs the room: then leaves go, the one unused for longest first,
// pinned ones after all others. A sequence that holds a block holds all blocks before it too, so what nobody holds can
// always be evicted, leaf by leaf.
//
// Used by one thread, the engine's.

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "runtime/backbone/block_pool.h"

namespace jade::backbone {

// Keys and values mean nothing under other weights.
struct WeightSet {
  int policy = 0;
  uint64_t version = 0;
  auto operator<=>(const WeightSet&) const = default;
};

// The longest start of some tokens that is in the tree.
struct PrefixMatch {
  std::vector<BlockId> blocks;  // whole ones; the caller has a reference to each
  BlockId partial = kNoBlock;   // its first `partial_tokens` tokens come next; with a reference, to copy from
  int64_t partial_tokens = 0;
  int64_t tokens() const { return static_cast<int64_t>(blocks.size()) * kKvBlockTokens + partial_tokens; }
};

class PrefixTree {
 public:
  explicit PrefixTree(BlockPool* pool) : pool_(*pool), nodes_(static_cast<size_t>(pool->size())) {}
  ~PrefixTree() { Clear(); }
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  // O(tokens · log of the branches on the way).
  PrefixMatch Find(WeightSet weights, std::span<const int32_t> tokens);

  // `tokens` were computed into `blocks`. Where the tree has the same tokens in another block, the caller's reference
  // moves to that one and `blocks` names it. The caller writes to none of them any more. The first `pinned_tokens` are
  // evicted last, as far as they fill blocks. Cost as of Find.
  void Insert(WeightSet weights, std::span<const int32_t> tokens, int64_t pinned_tokens, std::vector<BlockId>* blocks);

  // Gives references back; blocks that are not in the tree become free.
  void Release(std::span<const BlockId> blocks);
  void Release(const PrefixMatch& match);

  // A free block, evicting for it if need be; kNoBlock when every block is held by a sequence. O(log blocks).
  BlockId Take();

  // Forgets what was computed with these weights, pinned or not. Blocks that sequences hold live on without the tree.
  void Drop(WeightSet weights);
  void Clear();

  int64_t held() const { return held_; }                 // blocks in the tree
  int64_t reclaimable() const { return unreferenced_; }  // of them, those that no sequence holds
  int64_t evictions() const { return evictions_; }

 private:
  struct Node {
    std::array<int32_t, kKvBlockTokens> tokens{};
    int32_t count = 0;  // of tokens; 0: this block is not in the tree, or the node is a root
    bool pinned = false;
    bool listed = false;  // in evictable_
    uint64_t last_use = 0;
    Node* parent = nullptr;
    std::vector<BlockId> children;  // in the order of their tokens
  };
  using Eviction = std::tuple<bool, uint64_t, BlockId>;  // pinned, last use

  Node& NodeOf(BlockId block) { return nodes_[static_cast<size_t>(block)]; }
  bool InTree(BlockId block) { return NodeOf(block).count > 0; }
  std::span<const int32_t> TokensOf(BlockId block);
  // Where among the children `tokens` stands or would stand.
  size_t Place(const Node& node, std::span<const int32_t> tokens);
  // The child that is exactly `tokens`; kNoBlock if there is none.
  BlockId Child(const Node& node, std::span<const int32_t> tokens);
  void FindPartial(const Node& node, std::span<const int32_t> tokens, PrefixMatch* match);
  // Makes `block` the child of `parent` for `tokens`, or finds that a child holds them; returns the child.
  BlockId AddChild(Node* parent, std::span<const int32_t> tokens, BlockId block);
  void Remove(BlockId block);
  void Hold(BlockId block);
  void Unhold(BlockId block);
  // Lists the block for eviction if nobody needs it. What its place in the list depends on changes only while it is
  // off.
  void List(BlockId block);
  void Unlist(BlockId block);

  BlockPool& pool_;
  std::vector<Node> nodes_;  // by block; never moves
  std::map<WeightSet, std::unique_ptr<Node>> roots_;
  std::set<Eviction> evictable_;
  uint64_t now_ = 0;
  int64_t held_ = 0, unreferenced_ = 0, evictions_ = 0;
};

}  // namespace jade::backbone
