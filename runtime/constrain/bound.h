#pragma once
// A machine over a vocabulary: masks of its states, and the states of replies that follow it. Core is shared by all
// constraints of one machine and by all their replies: any thread. Private to runtime/constrain.

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "compiler/result/check.h"
#include "runtime/constrain/machine.h"
#include "runtime/constrain/mask_cache.h"

namespace jade::constrain {

template <typename Machine>
class Core {
 public:
  using State = typename Machine::State;
  // What a mask depends on.
  struct Key {
    State state;
    // How many tokens are left, the end included, when that matters; 0: it does not.
    uint32_t slack = 0;
  };
  static_assert(std::has_unique_object_representations_v<Key>);

  Core(std::shared_ptr<const Machine> machine, std::shared_ptr<const TokenTrie> trie)
      : machine_(std::move(machine)), trie_(std::move(trie)), cache_(trie_->size()) {}

  const Machine& machine() const { return *machine_; }
  const TokenTrie& trie() const { return *trie_; }

  std::shared_ptr<const MaskEntry> Masked(const Key& key) const {
    const std::string_view bytes(reinterpret_cast<const char*>(&key), sizeof key);
    if (std::shared_ptr<const MaskEntry> known = cache_.Find(bytes)) return known;
    return cache_.Add(bytes, Compute(key));
  }

  Mask Compute(const Key& key) const {
    const Filter filter{key.slack, machine_->Distance(key.state)};
    const FreeText free = machine_->Free(key.state);
    const bool plain = free.text_class != TextClass::kNone && filter.Allows(free.distance);
    Mask mask;
    // A distance that is an upper bound does not tell which plain tokens are too far.
    if (free.text_class == TextClass::kNone || (IsName(free.text_class) && !plain)) {
      mask.tokens = engine::TokenMask(trie_->size());
      const TokenTrie::Forest& all = trie_->all();
      Walk(all, {0, static_cast<uint32_t>(all.nodes.size())}, key.state, filter, &mask);
    } else {
      const TokenTrie::Text& text = trie_->text(free.text_class);
      mask.tokens = !plain                    ? engine::TokenMask(trie_->size())
                    : IsName(free.text_class) ? trie_->names(free.text_class, free.room)
                                              : text.plain;
      if (plain) mask.farthest = free.distance;
      for (uint32_t byte = 0; byte < 256; ++byte) {
        const bool hot = byte < 128 && free.hot[byte];
        const TokenTrie::Forest& forest = hot ? trie_->all() : text.others;
        const Range range{forest.starts[byte], forest.starts[byte + 1]};
        if (range.first == range.last) continue;
        if (hot) Forbid(forest, range, &mask.tokens);
        Walk(forest, range, key.state, filter, &mask);
      }
    }
    if (filter.distance == 0) AllowEnd(&mask.tokens);
    const std::vector<uint64_t>& words = mask.tokens.words();
    const bool none = std::all_of(words.begin(), words.end(), [](uint64_t word) { return word == 0; });
    if (none) AllowEnd(&mask.tokens);  // out of reach for machines that keep their word; a reply must end all the same
    return mask;
  }

 private:
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  // After a token, the end must be within what is left. Where even the shortest text is not, what leads to it.
  struct Filter {
    uint32_t slack;
    uint32_t distance;
    bool Allows(uint32_t next) const {
      if (slack == 0) return true;
      return distance + 1 > slack ? next < distance : next + 2 <= slack;
    }
  };

  void Walk(const TokenTrie::Forest& forest, Range range, const State& start, const Filter& filter, Mask* mask) const {
    std::vector<State> path;  // the states after each byte of the way down
    path.reserve(16);
    path.push_back(start);
    for (uint32_t i = range.first; i < range.last;) {
      const TokenTrie::Node& node = forest.nodes[i];
      State state = path[node.depth - 1U];
      if (!machine_->Next(&state, node.byte)) {
        i = node.next;
        continue;
      }
      if (node.tokens != node.tokens_end && trie_->CanEnd(machine_->Pending(state))) {
        const uint32_t distance = machine_->Distance(state);
        if (filter.Allows(distance)) {
          mask->farthest = std::max(mask->farthest, distance);
          for (uint32_t at = node.tokens; at < node.tokens_end; ++at) mask->tokens.Add(forest.ids[at]);
        }
      }
      if (node.next > i + 1) {
        path.resize(node.depth, start);
        path.push_back(state);
      }
      ++i;
    }
  }

  void Forbid(const TokenTrie::Forest& forest, Range range, engine::TokenMask* mask) const {
    const uint32_t end = forest.nodes[range.last - 1].tokens_end;
    for (uint32_t at = forest.nodes[range.first].tokens; at < end; ++at) {
      const auto id = static_cast<size_t>(forest.ids[at]);
      mask->words()[id / 64] &= ~(uint64_t{1} << (id % 64));
    }
  }

  void AllowEnd(engine::TokenMask* mask) const {
    for (const int32_t id : trie_->vocabulary().end_ids) {
      if (id >= 0 && id < trie_->size()) mask->Add(id);
    }
  }

  std::shared_ptr<const Machine> machine_;
  std::shared_ptr<const TokenTrie> trie_;
  mutable MaskCache cache_;
};

template <typename Machine>
class Follower final : public engine::ConstraintState {
 public:
  Follower(std::shared_ptr<const Core<Machine>> core, const typename Machine::State& start, size_t bytes,
           uint32_t limit)
      : core_(std::move(core)), state_(start), bytes_(bytes), left_(limit), limited_(limit != 0) {}

  const engine::TokenMask& Allowed() override { return Current().mask.tokens; }

  bool Accept(int32_t id) override {
    if (ended_ || id < 0 || id >= core_->trie().size() || !Current().mask.tokens.Has(id)) return false;
    if (core_->trie().IsEnd(id)) return ended_ = true;
    const std::string& token = core_->trie().vocabulary().bytes[static_cast<size_t>(id)];
    for (const char c : token) {
      const bool follows = core_->machine().Next(&state_, static_cast<uint8_t>(c));
      JADE_CHECK(follows, "a mask allows token {}, and the machine does not", id);
    }
    bytes_ += token.size();
    if (left_ > 1) --left_;
    entry_ = nullptr;
    return true;
  }

  uint32_t number() const override { return Current().number; }

 private:
  // Where the tokens left may not do for every continuation, they are part of what the mask depends on.
  const MaskEntry& Current() const {
    if (entry_ != nullptr) return *entry_;
    const bool full = bytes_ >= core_->machine().MaxBytes();
    if (!full) entry_ = core_->Masked({state_, 0});
    if (full || (limited_ && left_ < entry_->mask.farthest + 2)) entry_ = core_->Masked({state_, full ? 1 : left_});
    return *entry_;
  }

  std::shared_ptr<const Core<Machine>> core_;
  typename Machine::State state_;
  size_t bytes_;
  uint32_t left_;
  bool limited_;
  bool ended_ = false;
  mutable std::shared_ptr<const MaskEntry> entry_;  // of the state, when asked for
};

template <typename Machine>
class Bound final : public engine::BoundConstraint {
 public:
  Bound(std::shared_ptr<const Core<Machine>> core, const typename Machine::State& start, size_t bytes, uint32_t limit)
      : core_(std::move(core)), start_(start), bytes_(bytes), limit_(limit) {}

  std::unique_ptr<engine::ConstraintState> Start(int64_t most_tokens) const override {
    constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
    const int64_t own = limit_ == 0 ? kMost : limit_, most = std::clamp<int64_t>(most_tokens, 1, own);
    return std::make_unique<Follower<Machine>>(core_, start_, bytes_, most == kMost ? 0 : static_cast<uint32_t>(most));
  }

 private:
  std::shared_ptr<const Core<Machine>> core_;
  typename Machine::State start_;
  size_t bytes_;
  uint32_t limit_;
};

}  // namespace jade::constrain
