#pragma once
// Internal to the bench of ways to suspend: a chain of n calls, each awaited before the next, as an object file. Two
// Int and a pointer live across every await, and a third Int does within it. Both kinds call the same host functions
// in the same order.

#include <llvm/Target/TargetMachine.h>

#include <cstdint>
#include <memory>
#include <string>

#include "compiler/ir/module.h"

namespace jade::jit {

inline constexpr const char* kChainSymbol = "jade.Chain";           // void(NativeFrame*)
inline constexpr const char* kCoroutineSymbol = "coroutine.Chain";  // void*(NativeFrame*): copies the head and slot
inline constexpr const char* kAllocateSymbol = "bench_allocate";    // void*(uint64_t)
inline constexpr const char* kFreeSymbol = "bench_free";            // void(void*)

struct ChainObject {
  std::string bytes;
  double generate_ms = 0;  // of the thread's processor time: the LLVM module, checked
  double optimise_ms = 0;
  double emit_ms = 0;
  double total_ms() const { return generate_ms + optimise_ms + emit_ms; }
};

std::shared_ptr<ir::Module> ChainModule(uint32_t awaits);

std::unique_ptr<llvm::TargetMachine> MakeBenchTarget();

// By UnitCodegen, as for every program.
ChainObject MakeStateMachine(const ir::Module& module, llvm::TargetMachine& target);

// Where a coroutine is when the function that makes its frame returns. An eager one runs on to its first wait, so
// that function has all of the code that follows an await which need not wait, as the resumed one does. A lazy one
// has suspended before anything else, and is resumed once more.
enum class CoroutineStart : uint8_t { kEager, kLazy };

// A coroutine of LLVM's switched-resume kind. The head of the frame and its slot are the promise, so that one
// allocation holds everything; what else is in the frame is CoroSplit's choice.
ChainObject MakeCoroutine(uint32_t awaits, CoroutineStart start, llvm::TargetMachine& target);

}  // namespace jade::jit
