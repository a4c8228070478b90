#pragma once
// c10d's process groups in LibTorch 1.13 and 2.x. Beside torch_compat.h, since few files need them. CMake says what
// this LibTorch has: JADE_HAS_GLOO (Gloo's headers lie beside LibTorch's), JADE_HAS_NCCL (a CUDA build, with NCCL's).

#include "runtime/backbone/torch_compat.h"

#if defined(JADE_HAS_GLOO) && !defined(USE_C10D_GLOO)
#define USE_C10D_GLOO
#endif
#if defined(JADE_HAS_NCCL) && !defined(USE_C10D_NCCL)
#define USE_C10D_NCCL
#endif

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef JADE_HAS_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef JADE_HAS_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace jade::backbone {

// What Gloo's and NCCL's groups have in common.
#if JADE_TORCH_AT_LEAST(2, 0)
using ProcessGroupBackend = c10d::Backend;
#else
using ProcessGroupBackend = c10d::ProcessGroup;
#endif

}  // namespace jade::backbone
