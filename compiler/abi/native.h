#pragma once
// The C interface between compiled code and the runtime. A unit of compiled code is a routine for one function's body
// or for one region that runs as a child task. It is entered with the frame of its activation and returns when it has
// to wait, when another function is on top, when a trap was raised, or when it has ended; what to do next is in the
// task. Entered again, it goes on at `state`.
//
// Every value that is more than a number lives in a slot of the frame, which owns it; the code holds plain pointers
// to slots and into what they hold. Numbers live in registers, and in slots while the code waits.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compiler/abi/value.h"

namespace jade::abi {

// Changes with anything in this file, host_functions.def or the layout of values: code made for another version is
// never run.
inline constexpr uint32_t kNativeVersion = 2;

// The head of a frame; the value slots follow it, then the words.
struct NativeFrame {
  void* frame = nullptr;  // the runtime's
  void* task = nullptr;
  int64_t* fuel = nullptr;           // of the run
  const Value* params = nullptr;     // of the run, by index in Module::params
  const Value* constants = nullptr;  // of the unit; the first is none
  uint32_t state = 0;                // where to go on; 0 at the start
  uint32_t op = 0;                   // index of the operation that the code stopped at
  Value returned;                    // of the call that was waited for

  static constexpr size_t kHeadBytes = 64;
  Value* slots() { return reinterpret_cast<Value*>(reinterpret_cast<std::byte*>(this) + kHeadBytes); }
};
static_assert(sizeof(NativeFrame) == NativeFrame::kHeadBytes);
static_assert(offsetof(NativeFrame, fuel) == 16 && offsetof(NativeFrame, params) == 24 &&
              offsetof(NativeFrame, constants) == 32 && offsetof(NativeFrame, state) == 40 &&
              offsetof(NativeFrame, op) == 44 && offsetof(NativeFrame, returned) == 48);

using NativeEntry = void (*)(NativeFrame*);

// What a host function says of how it went.
enum class Progress : uint32_t { kRaised = 0, kDone = 1, kWait = 2 };

// Bytes from the start of a Value and of what it refers to, as compiled code reads them. CheckLayout holds them against
// the compiler that built this.
inline constexpr size_t kValueKindOffset = 0;
inline constexpr size_t kValueCaseOffset = 4;
inline constexpr size_t kValueBitsOffset = 8;
inline constexpr size_t kItemsBeginOffset = 8;  // of a list, a record or an enum's payload: pointer to the first item
inline constexpr size_t kItemsEndOffset = 16;
inline constexpr size_t kItemsLimitOffset = 24;  // pointer behind the room that is allocated

// True when values are laid out as said above.
bool CheckLayout();

enum class HostFunction : uint8_t {
#define JADE_HOST(name, symbol, signature) k##name,
#include "compiler/abi/host_functions.def"
#undef JADE_HOST
};

struct HostFunctionInfo {
  const char* symbol;
  const char* signature;  // result, then parameters: v nothing, p pointer, i 32 bits, l 64 bits
};
HostFunctionInfo InfoOf(HostFunction function);
inline constexpr int kHostFunctionCount = 0
#define JADE_HOST(name, symbol, signature) +1
#include "compiler/abi/host_functions.def"
#undef JADE_HOST
    ;

}  // namespace jade::abi
