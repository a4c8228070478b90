#pragma once
// Small functions take the place of their calls: a `call` becomes an `enter` with the function's body, whose parameters
// are the arguments themselves, so that what is constant, a known branch or a known plan there is seen by the other
// passes. A `run` of a plan made in the function becomes a `call` of its function, and then the like.
//
// Functions that may enter themselves stay calls, as do those the overlap pass has scheduled. Paths, places, depth and
// turns are as before ("Inlined frames" in docs/jir.md).

#include "compiler/ir/module.h"

namespace jade::passes {

// Operations of a function that may be inlined.
inline constexpr size_t kMaxInlined = 64;
// Operations that one function gains at most, so that a module grows no more than by this for each function.
inline constexpr size_t kMaxGrowth = 256;
// The same where loops make calls: each of their items is a task, which is given all values of the function.
inline constexpr size_t kMaxGrowthOfLoops = 32;

ir::Function Inline(const ir::Module& module, const ir::Function& function);

}  // namespace jade::passes
