#pragma once
// Where LibTorch's exceptions stop: what a training run throws comes back as an error.

#include <fmt/format.h>

#include <exception>
#include <new>

#include "compiler/result/result.h"

namespace jade::train {

template <typename T, typename Work>
Result<T> BehindTheWall(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "training ran out of memory: lower `train.update.micro_tokens`");
  } catch (const std::exception& error) {
    return Error(ErrorCode::kUnavailable, fmt::format("LibTorch failed: {}", error.what()));
  }
}

}  // namespace jade::train
