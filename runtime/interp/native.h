#pragma once
// Compiled code as the interpreter enters it. A frame runs in the tier that its function had when it was entered; both
// kinds of frame stand in one task, share everything around them, and call each other through the task.

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "compiler/abi/native.h"
#include "compiler/ir/module.h"
#include "runtime/interp/call_path.h"

namespace jade::interp {

// The code of a function's body, or of a region that runs as a child task.
struct NativeUnit {
  abi::NativeEntry entry = nullptr;
  uint32_t region = 0;
  uint32_t slots = 0;                                    // values in the frame: parameters, captures, then others
  uint32_t words = 0;                                    // numbers in the frame
  uint32_t futures = 0;                                  // the captured ones first
  std::vector<uint32_t> captured_futures;                // ValueIds
  std::vector<std::pair<uint32_t, uint32_t>> future_of;  // ValueId, place among the frame's futures
  std::vector<std::pair<uint32_t, uint32_t>> catches;    // `within` operation, state of its `else`

  uint32_t StateOf(uint32_t within) const;
  uint32_t FutureOf(uint32_t value) const;
};

struct NativeFunction {
  std::vector<abi::Value> constants;
  std::vector<uint32_t> raise_order;  // by operation
  std::vector<uint32_t> charges;      // by operation: steps, of those operations that the host functions charge for
  std::vector<PathStep> steps;        // by site: its step of a path, outside of loops
  std::vector<NativeUnit> units;      // the body's first

  const NativeUnit& UnitOf(uint32_t region) const;
};
// Holds the memory of the code too.
using NativeFunctionPtr = std::shared_ptr<const NativeFunction>;

// Where compiled code comes from. Asked whenever a function is entered, on the scheduler's thread.
class CodeSource {
 public:
  virtual ~CodeSource() = default;
  // Null: the interpreter runs it.
  virtual NativeFunctionPtr Find(const ir::ModulePtr& module, ir::FunctionId function) = 0;
};

// A frame of compiled code, in one allocation: slots and words stand behind `frame`.
struct Activation {
  NativeFunctionPtr code;  // held while it runs
  const NativeUnit* unit = nullptr;
  abi::NativeFrame frame;
};
// Frees the memory and what the slots hold.
struct ActivationDeleter {
  void operator()(Activation* activation) const;
};
using ActivationPtr = std::unique_ptr<Activation, ActivationDeleter>;

// Slots are none, words 0, the frame's head is unset.
ActivationPtr MakeActivation(NativeFunctionPtr code, const NativeUnit& unit);

// The address of each host function, by HostFunction.
const std::array<void*, abi::kHostFunctionCount>& HostAddresses();

}  // namespace jade::interp
