#pragma once
// Whether this process may use the tile registers of AMX.

namespace jade::kernels {

// The processor multiplies tiles of bf16 numbers, the system keeps the registers, and grants their use: Linux wants to
// be asked once a process, since they make a thread's saved state 8 KB larger
// (https://docs.kernel.org/arch/x86/xstate.html). Any thread; asks the first time.
bool TilesPermitted();

}  // namespace jade::kernels
