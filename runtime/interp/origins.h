#pragma once
// Where the values of one run come from: sets of calls, by number. A run that is given an Origins marks its values with
// them (abi::Value::origin) as it computes, and keeps here what each call it makes was made from. Only the interpreter
// does that; runtime/replay reads it. Sets that are equal have one number.
//
// A set holds calls in order of issue, from 0. Each is in it for its value (data) or because it decided what was done
// (control); for its value when both. One thread, one run.

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "compiler/abi/value.h"

namespace jade::interp {

struct Frame;
struct Future;

class Origins {
 public:
  using Id = uint32_t;  // 0: no call
  // Beyond these, sets are no longer what they should be and `complete` is false.
  static constexpr size_t kMaxEntries = size_t{1} << 23;  // of all sets together
  static constexpr size_t kMaxVisits = size_t{1} << 26;   // parts of values looked at
  static constexpr uint32_t kMaxDepth = 256;              // of nested values

  Origins();

  struct Entry {
    uint32_t call = 0;
    bool control = false;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::span<const Entry> Set(Id id) const { return {entries_.data() + sets_[id].begin, sets_[id].count}; }  // by call

  Id OfCall(uint32_t call);
  Id Join(Id a, Id b);
  // The same calls, each for control.
  Id AsControl(Id id);
  // Of a value and everything in it.
  Id Deep(const abi::Value& value) { return Deep(value, 0); }
  // The value with no marks on it or in it.
  abi::Value Unmarked(const abi::Value& value);
  void Mark(abi::Value& value, Id id) { value.set_origin(Join(value.origin(), id)); }

  // What the operations of a region are made for: of the frame's region at this level.
  Id Control(const Frame& frame, size_t level) const;
  void SetControl(const Frame& frame, size_t level, Id id);
  // What the filter of an `each` said of an item, by the item's future. Taken once.
  void SetFilter(const Future& item, Id id) { filters_[&item] = id; }
  Id TakeFilter(const Future& item);

  // What each call was made from, in order of issue; and what the run ended with.
  void AddCall(Id id) { calls_.push_back(id); }
  const std::vector<Id>& calls() const { return calls_; }
  void SetResult(Id id) { result_ = id; }
  Id result() const { return result_; }

  bool complete() const { return complete_; }

 private:
  struct Range {
    uint32_t begin = 0;
    uint32_t count = 0;
  };
  Id Deep(const abi::Value& value, uint32_t depth);
  abi::Value Unmarked(const abi::Value& value, uint32_t depth);
  Id Intern(std::span<const Entry> set);

  std::vector<Entry> entries_;
  std::vector<Range> sets_;                      // by id
  std::unordered_multimap<uint64_t, Id> known_;  // by hash
  std::unordered_map<uint64_t, Id> joined_;      // by the pair
  std::unordered_map<Id, Id> as_control_;
  std::unordered_map<const Frame*, std::vector<Id>> controls_;
  std::unordered_map<const Future*, Id> filters_;
  std::vector<Id> calls_;
  std::vector<Entry> merged_;
  Id result_ = 0;
  size_t visits_ = 0;
  bool complete_ = true;
};

}  // namespace jade::interp
