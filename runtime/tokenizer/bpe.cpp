#include "runtime/tokenizer/bpe.h"

#include <bit>
#include <functional>
#include <queue>
#include <utility>

namespace jade::tokenizer {
namespace {

constexpr size_t kShortWord = 24;  // below this, looking at every pair beats keeping a heap
constexpr uint32_t kNone = UINT32_MAX;

uint64_t PairKey(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

uint64_t Mix(uint64_t key) {  // the finaliser of splitmix64
  key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9ULL;
  key = (key ^ (key >> 27)) * 0x94D049BB133111EBULL;
  return key ^ (key >> 31);
}

void MergeShortWord(const MergeTable& merges, std::vector<int32_t>* symbols) {
  while (symbols->size() > 1) {
    MergeTable::Merge best;
    size_t best_at = 0;
    for (size_t i = 0; i + 1 < symbols->size(); ++i) {
      const MergeTable::Merge merge = merges.Find((*symbols)[i], (*symbols)[i + 1]);
      if (merge.exists() && merge.rank < best.rank) {
        best = merge;
        best_at = i;
      }
    }
    if (!best.exists()) return;
    (*symbols)[best_at] = best.id;
    symbols->erase(symbols->begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

struct Link {
  uint32_t previous;
  uint32_t next;
};

struct Candidate {
  uint32_t rank;
  uint32_t position;
  int32_t id;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

// A doubly linked list of symbols and a heap of the pairs that can merge. Entries go stale when a neighbour changes;
// they are recognised by the id that the pair would merge to now.
class LongWord {
 public:
  LongWord(const MergeTable& merges, std::vector<int32_t>* symbols) : merges_(merges), symbols_(*symbols) {
    const auto count = static_cast<uint32_t>(symbols_.size());
    links_.resize(count);
    for (uint32_t i = 0; i < count; ++i) links_[i] = {i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1};
    std::vector<Candidate> candidates;
    for (uint32_t i = 0; i + 1 < count; ++i) {
      const MergeTable::Merge merge = merges_.Find(symbols_[i], symbols_[i + 1]);
      if (merge.exists()) candidates.push_back({merge.rank, i, merge.id});
    }
    heap_ = decltype(heap_)(std::greater<>(), std::move(candidates));  // in linear time
  }

  void Run() {
    while (!heap_.empty()) {
      const Candidate top = heap_.top();
      heap_.pop();
      if (symbols_[top.position] < 0) continue;  // merged into its left neighbour
      const uint32_t right = links_[top.position].next;
      if (right == kNone || merges_.Find(symbols_[top.position], symbols_[right]).id != top.id) continue;
      Join(top.position, right, top.id);
    }
    std::erase(symbols_, -1);
  }

 private:
  void Offer(uint32_t left) {
    const uint32_t right = links_[left].next;
    if (right == kNone) return;
    const MergeTable::Merge merge = merges_.Find(symbols_[left], symbols_[right]);
    if (merge.exists()) heap_.push({merge.rank, left, merge.id});
  }

  void Join(uint32_t left, uint32_t right, int32_t id) {
    symbols_[left] = id;
    symbols_[right] = -1;
    const uint32_t after = links_[right].next;
    links_[left].next = after;
    if (after != kNone) links_[after].previous = left;
    Offer(left);
    if (links_[left].previous != kNone) Offer(links_[left].previous);
  }

  const MergeTable& merges_;
  std::vector<int32_t>& symbols_;
  std::vector<Link> links_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap_;
};

}  // namespace

MergeTable::MergeTable(size_t expected_merges)
    : slots_(std::bit_ceil(expected_merges * 2 + 16)), mask_(slots_.size() - 1) {}

size_t MergeTable::SlotOf(uint64_t key) const {
  size_t slot = Mix(key) & mask_;
  while (slots_[slot].key != key && slots_[slot].merge.exists()) slot = (slot + 1) & mask_;
  return slot;
}

bool MergeTable::Insert(int32_t left, int32_t right, uint32_t rank, int32_t id) {
  Slot& slot = slots_[SlotOf(PairKey(left, right))];
  if (slot.merge.exists()) return false;
  slot = {PairKey(left, right), {rank, id}};
  return true;
}

MergeTable::Merge MergeTable::Find(int32_t left, int32_t right) const {
  return slots_[SlotOf(PairKey(left, right))].merge;
}

void ApplyMerges(const MergeTable& merges, std::vector<int32_t>* symbols) {
  if (symbols->size() < kShortWord) {
    MergeShortWord(merges, symbols);
  } else {
    LongWord(merges, symbols).Run();
  }
}

}  // namespace jade::tokenizer
