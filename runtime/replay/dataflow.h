#pragma once
// The calls of a run as a graph: which call's value went into which. Credit is assigned along it (docs/credit.md).
// Plain values.

#include <cstdint>
#include <vector>

namespace jade::replay {

// What a call, or the value of a run, was made from, directly: the calls whose own values reached it through computing
// alone. A value that went through another call is that call's. Indices are those of trace::CallRecord::index; sorted,
// without repeats.
struct Uses {
  // The arguments (the run's value) were computed from their values. Lists, records and payloads are followed by item.
  std::vector<uint32_t> data;
  // Their values, or their failing, decided that there is such a call: conditions, the length of a list that is gone
  // through, rounds of a `repeat`, filters, the plan that is run, the trap that an `else` catches. None that is in
  // `data`.
  std::vector<uint32_t> control;

  friend bool operator==(const Uses&, const Uses&) = default;
};

// Every index in the uses of a call is smaller than its own.
struct DataFlow {
  std::vector<Uses> calls;  // by index of the call
  Uses value;               // of the run's value; of a run that trapped: of the trap
  // Calls of which nothing is known, with empty uses: only where calls were cancelled or failed, and others were still
  // made or not by chance. Sorted.
  std::vector<uint32_t> unreached;

  friend bool operator==(const DataFlow&, const DataFlow&) = default;
};

// Data and control as one: for each call the calls it uses, and at the end those that the run's value uses. Sorted.
std::vector<std::vector<uint32_t>> AllUses(const DataFlow& flow);

// The same without what is implied (the transitive reduction): a call is left out of another's uses when the other uses
// it by way of a third one. O(calls · edges) time, calls²/8 bytes.
std::vector<std::vector<uint32_t>> NearestUses(const DataFlow& flow);

// The edges the other way, between some of the calls.
struct Consumers {
  std::vector<std::vector<uint32_t>>
      calls;                   // by call: the kept ones that use its value; of calls not kept: none. Sorted
  std::vector<bool> in_value;  // by call: the run's value uses it; of calls not kept: false
};
// `uses` as above; what goes through calls that are not `kept` (tools, frozen roles) is an edge all the same.
Consumers ConsumersOf(const std::vector<std::vector<uint32_t>>& uses, const std::vector<bool>& kept);

}  // namespace jade::replay
