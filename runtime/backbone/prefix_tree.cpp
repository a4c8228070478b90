#include "runtime/backbone/prefix_tree.h"

#include <algorithm>

#include "compiler/result/check.h"

namespace jade::backbone {
namespace {

using Tokens = std::span<const int32_t>;

size_t CommonLength(Tokens a, Tokens b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

bool StartsWith(Tokens whole, Tokens start) {
  return whole.size() >= start.size() && std::equal(start.begin(), start.end(), whole.begin());
}

}  // namespace

Tokens PrefixTree::TokensOf(BlockId block) {
  const Node& node = NodeOf(block);
  return Tokens(node.tokens).first(static_cast<size_t>(node.count));
}

size_t PrefixTree::Place(const Node& node, Tokens tokens) {
  const auto before = [this](BlockId child, Tokens wanted) {
    const Tokens own = TokensOf(child);
    return std::lexicographical_compare(own.begin(), own.end(), wanted.begin(), wanted.end());
  };
  return static_cast<size_t>(std::lower_bound(node.children.begin(), node.children.end(), tokens, before) -
                             node.children.begin());
}

BlockId PrefixTree::Child(const Node& node, Tokens tokens) {
  const size_t place = Place(node, tokens);
  if (place == node.children.size()) return kNoBlock;
  const BlockId child = node.children[place];
  const Tokens own = TokensOf(child);
  return own.size() == tokens.size() && StartsWith(own, tokens) ? child : kNoBlock;
}

PrefixMatch PrefixTree::Find(WeightSet weights, Tokens tokens) {
  PrefixMatch match;
  const auto root = roots_.find(weights);
  if (root == roots_.end()) return match;
  ++now_;
  const Node* node = root->second.get();
  while (tokens.size() >= static_cast<size_t>(kKvBlockTokens)) {
    const BlockId child = Child(*node, tokens.first(kKvBlockTokens));
    if (child == kNoBlock) break;
    Hold(child);
    match.blocks.push_back(child);
    node = &NodeOf(child);
    tokens = tokens.subspan(kKvBlockTokens);
  }
  FindPartial(*node, tokens.first(std::min<size_t>(tokens.size(), kKvBlockTokens)), &match);
  return match;
}

void PrefixTree::FindPartial(const Node& node, Tokens tokens, PrefixMatch* match) {
  // Of ordered sequences, one that shares the longest start with `tokens` stands next to its place.
  const size_t place = Place(node, tokens);
  size_t longest = 0;
  for (size_t i = place == 0 ? 0 : place - 1; i < node.children.size() && i <= place; ++i) {
    const size_t common = CommonLength(TokensOf(node.children[i]), tokens);
    if (common <= longest) continue;
    longest = common;
    match->partial = node.children[i];
  }
  match->partial_tokens = static_cast<int64_t>(longest);
  if (match->partial != kNoBlock) Hold(match->partial);
}

void PrefixTree::Insert(WeightSet weights, Tokens tokens, int64_t pinned_tokens, std::vector<BlockId>* blocks) {
  JADE_CHECK(BlocksFor(static_cast<int64_t>(tokens.size())) <= static_cast<int64_t>(blocks->size()));
  if (tokens.empty()) return;
  ++now_;
  std::unique_ptr<Node>& root = roots_[weights];
  if (root == nullptr) root = std::make_unique<Node>();
  Node* node = root.get();
  int64_t position = 0;
  for (BlockId& block : *blocks) {
    const Tokens part = tokens.subspan(static_cast<size_t>(position));
    if (part.empty()) break;
    const Tokens own = part.first(std::min<size_t>(part.size(), kKvBlockTokens));
    const BlockId child = AddChild(node, own, block);
    position += static_cast<int64_t>(own.size());
    if (child != block && own.size() == static_cast<size_t>(kKvBlockTokens)) {
      Hold(child);
      Unhold(block);
      block = child;
    }
    node = &NodeOf(child);
    Unlist(child);
    node->last_use = now_;
    if (own.size() == static_cast<size_t>(kKvBlockTokens) && position <= pinned_tokens) node->pinned = true;
    List(child);
  }
}

BlockId PrefixTree::AddChild(Node* parent, Tokens tokens, BlockId block) {
  size_t place = Place(*parent, tokens);
  // One that holds these tokens and perhaps more stands here, one that holds only a start of them just before.
  if (place < parent->children.size()) {
    if (const BlockId child = parent->children[place]; StartsWith(TokensOf(child), tokens)) return child;
  }
  if (place > 0) {
    const BlockId shorter = parent->children[place - 1];
    // Nobody but the tree needs it: whoever goes on from it has made a copy.
    if (StartsWith(tokens, TokensOf(shorter))) Remove(shorter), --place;
  }
  JADE_CHECK(!InTree(block), "block {} is in the prefix tree already", block);
  pool_.Retain(block);
  ++held_;
  if (parent->listed) Unlist(static_cast<BlockId>(parent - nodes_.data()));
  Node& node = NodeOf(block);
  std::copy(tokens.begin(), tokens.end(), node.tokens.begin());
  node.count = static_cast<int32_t>(tokens.size());
  node.pinned = false;
  node.parent = parent;
  parent->children.insert(parent->children.begin() + static_cast<std::ptrdiff_t>(place), block);
  return block;
}

void PrefixTree::Remove(BlockId block) {
  Unlist(block);
  Node& node = NodeOf(block);
  JADE_CHECK(node.children.empty());
  Node* parent = node.parent;
  parent->children.erase(parent->children.begin() + static_cast<std::ptrdiff_t>(Place(*parent, TokensOf(block))));
  node.count = 0;
  --held_;
  if (pool_.Release(block)) --unreferenced_;
  if (parent->count > 0) List(static_cast<BlockId>(parent - nodes_.data()));
}

void PrefixTree::Hold(BlockId block) {
  pool_.Retain(block);
  if (!InTree(block)) return;
  if (pool_.references(block) == 2) --unreferenced_;
  Unlist(block);
  NodeOf(block).last_use = now_;
}

void PrefixTree::Unhold(BlockId block) {
  const bool in_tree = InTree(block);
  pool_.Release(block);
  if (!in_tree) return;
  if (pool_.references(block) == 1) ++unreferenced_;
  Unlist(block);
  NodeOf(block).last_use = now_;
  List(block);
}

void PrefixTree::List(BlockId block) {
  Node& node = NodeOf(block);
  if (node.listed || !node.children.empty() || pool_.references(block) != 1) return;
  evictable_.emplace(node.pinned, node.last_use, block);
  node.listed = true;
}

void PrefixTree::Unlist(BlockId block) {
  Node& node = NodeOf(block);
  if (!node.listed) return;
  evictable_.erase({node.pinned, node.last_use, block});
  node.listed = false;
}

void PrefixTree::Release(std::span<const BlockId> blocks) {
  ++now_;
  for (const BlockId block : blocks) Unhold(block);
}

void PrefixTree::Release(const PrefixMatch& match) {
  Release(match.blocks);
  if (match.partial != kNoBlock) Unhold(match.partial);
}

BlockId PrefixTree::Take() {
  const BlockId block = pool_.Take();
  if (block != kNoBlock || evictable_.empty()) return block;
  Remove(std::get<BlockId>(*evictable_.begin()));
  ++evictions_;
  return pool_.Take();
}

void PrefixTree::Drop(WeightSet weights) {
  const auto root = roots_.find(weights);
  if (root == roots_.end()) return;
  std::vector<BlockId> left = std::move(root->second->children);
  while (!left.empty()) {
    const BlockId block = left.back();
    left.pop_back();
    Unlist(block);
    Node& node = NodeOf(block);
    left.insert(left.end(), node.children.begin(), node.children.end());
    node.children.clear();
    node.count = 0;
    --held_;
    if (pool_.Release(block)) --unreferenced_;
  }
  roots_.erase(root);
}

void PrefixTree::Clear() {
  while (!roots_.empty()) Drop(roots_.begin()->first);
}

}  // namespace jade::backbone
