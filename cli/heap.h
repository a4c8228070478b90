#pragma once
// How this process keeps memory.

namespace jade::cli {

// Memory that is freed stays with the process, for what asks next. Training frees and asks for the same few hundred MB in
// every pass; given back in between, each pass has the kernel clear all of it again (a fifth of an update's time). The peak
// is the same. Nothing where the C library is not glibc.
void KeepFreedMemory();

}  // namespace jade::cli
