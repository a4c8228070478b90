#pragma once
// The merging half of BPE: one word's bytes to token ids. Immutable after construction; any thread.

#include <cstdint>
#include <string_view>
#include <vector>

namespace jade::tokenizer {

// (left id, right id) → (rank, merged id), an open-addressing table.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank = UINT32_MAX;
    int32_t id = -1;
    bool exists() const { return id >= 0; }
  };

  explicit MergeTable(size_t expected_merges);
  // The first entry of a pair stays. False when the pair was there.
  bool Insert(int32_t left, int32_t right, uint32_t rank, int32_t id);
  Merge Find(int32_t left, int32_t right) const;

 private:
  struct Slot {
    uint64_t key = UINT64_MAX;
    Merge merge;
  };
  size_t SlotOf(uint64_t key) const;

  std::vector<Slot> slots_;
  size_t mask_;
};

// Applies the merges to `symbols`, the ids of single bytes, best rank first and leftmost among equals, in place.
// O(n log n).
void ApplyMerges(const MergeTable& merges, std::vector<int32_t>* symbols);

}  // namespace jade::tokenizer
