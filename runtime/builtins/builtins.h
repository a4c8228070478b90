#pragma once
// The language's builtin functions (compiler/ir/builtins.def), one implementation for the interpreter, rewards and
// compiled code. Pure; any thread.

#include <cstdint>
#include <span>
#include <string>

#include "compiler/abi/trap.h"
#include "compiler/abi/value.h"
#include "compiler/ir/builtin.h"
#include "runtime/builtins/metrics.h"

namespace jade::builtins {

struct Settings {
  Normalisation normalisation = Normalisation::kJade;
  uint64_t max_value_bytes = 64 << 20;  // of one text or list; beyond it: kMemory
};

// Why a builtin gave no value. The interpreter adds the place.
struct Failure {
  abi::TrapKind kind = abi::TrapKind::kMemory;
  std::string message;
};

// Sets `*out` and returns true, or sets `*failure` and returns false. Arguments are as the signature says (checked by
// the verifier); anything else is a bug.
[[nodiscard]] bool Apply(ir::Builtin builtin, std::span<const abi::Value> arguments, const Settings& settings,
                         abi::Value* out, Failure* failure);

// Whether `range` may make a list of so many numbers; else sets `*failure`.
[[nodiscard]] bool FitsRange(int64_t count, const Settings& settings, Failure* failure);

}  // namespace jade::builtins
