#pragma once
// Where the values of a unit of compiled code live while it waits. A unit is the body of a function, or a region that
// runs as a child task (of spawn, of each, ahead of a fold). A frame has slots (abi::Value, owned), words (8 bytes: a
// number, or a pointer into what a slot owns) and futures; whatever is not needed after a wait stays in registers.
//
// Without LLVM: the runtime needs the sizes also when the code comes from a cache.

#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/ir/module.h"
#include "compiler/result/check.h"

namespace jade::codegen {

enum class Rep : uint8_t { kInt, kFloat, kBool, kBoxed, kFuture };

// By its type: numbers and truth values are unboxed, nominal types are as their base.
Rep RepOf(const ir::Module& module, const ir::ValueInfo& value);

enum class Home : uint8_t {
  kOutside,   // of no concern to the unit
  kRegister,  // dead before the next wait
  kConstant,  // made anew for each use
  kSlot,      // index: boxed, the value itself; a number, inside the Value
  kWord,      // index: the number, or the pointer
  kFuture,    // index among the frame's futures
};

struct Place {
  Home home = Home::kOutside;
  uint32_t index = 0;
};

// Of a fold or repeat in whose body calls are made: its state is in the frame.
struct LoopPlace {
  uint32_t index_word = 0;
  Place state;
};

struct FunctionLayout;

class FrameLayout {
 public:
  // `region` is the unit's; of an `each` with a filter it is the body, and the filter stands behind it.
  FrameLayout(const ir::Module& module, const ir::Function& function, const FunctionLayout& shared, uint32_t region,
              bool filter);

  uint32_t region() const { return region_; }
  bool filter() const { return filter_; }
  uint32_t slots() const { return slots_; }
  uint32_t words() const { return words_; }
  uint32_t futures() const { return futures_; }
  // What a child task is given besides its region's parameters: values in the slots behind them, and futures.
  const std::vector<ir::ValueId>& captures() const { return captures_; }
  const std::vector<ir::ValueId>& captured_futures() const { return captured_futures_; }

  // The value that a value is the same as, under other types.
  static ir::ValueId Root(const ir::Function& function, const std::vector<uint32_t>& definers, ir::ValueId value);

  Place PlaceOf(ir::ValueId value) const { return places_[value.index]; }
  const LoopPlace& LoopOf(uint32_t op) const { return loops_.at(op); }
  // 1, 2, …: of an operation that waits, or the `else` of a `within`.
  uint32_t StateOf(uint32_t op) const { return states_.at(op); }
  uint32_t state_count() const { return static_cast<uint32_t>(states_.size()) + 1; }
  // `within` operations that catch, and where their `else` is entered.
  std::vector<std::pair<uint32_t, uint32_t>> Catches() const;
  // By ValueId: which of the frame's futures it is.
  std::vector<std::pair<uint32_t, uint32_t>> FuturePlaces() const;
  uint32_t most_arguments() const { return most_arguments_; }

 private:
  struct Loop {
    uint32_t start = 0;
    std::vector<uint32_t> used;  // values from before it
  };

  void Walk(uint32_t region);
  void WalkOp(uint32_t index);
  void WalkRegions(const ir::Op& op, uint32_t first, uint32_t count, bool loop);
  void Use(ir::ValueId value);
  void Define(uint32_t value);
  void Wait(uint32_t op);
  bool Crosses(uint32_t value) const;
  void PlaceAll();
  void PlaceParams();
  void PlaceLoop(uint32_t index);
  void PlaceValue(uint32_t value);

  const ir::Module& module_;
  const ir::Function& function_;
  const FunctionLayout& shared_;
  uint32_t region_;
  bool filter_;

  uint32_t now_ = 1;
  std::vector<uint32_t> defined_;   // by value: position; 0: not in this unit
  std::vector<uint32_t> last_use_;  // by value
  std::vector<uint32_t> order_;     // values in order of definition
  std::vector<uint32_t> waits_;     // positions
  std::vector<Loop> open_loops_;
  std::vector<uint32_t> heavy_loops_;  // operations

  std::vector<Place> places_;
  std::unordered_map<uint32_t, LoopPlace> loops_;
  std::unordered_map<uint32_t, uint32_t> states_;
  std::vector<ir::ValueId> captures_;
  std::vector<ir::ValueId> captured_futures_;
  uint32_t slots_ = 0;
  uint32_t words_ = 0;
  uint32_t futures_ = 0;
  uint32_t most_arguments_ = 1;
};

}  // namespace jade::codegen
