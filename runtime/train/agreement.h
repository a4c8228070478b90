#pragma once
// What the processes of a training run must agree on before they go on. Built on Collective's operations; every process
// calls the same in the same order. One thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/train/collective.h"

namespace jade::train {

// `status` where it failed; elsewhere, when some process failed, an error that names the ranks (`what` is what they
// were doing), or kCancelled when some were cancelled and none failed. All processes fail or none.
Status Agree(Collective& collective, Status status, const std::string& what);

// Every process's text, by rank, at all of them. Any length; a few bytes a byte are sent.
Result<std::vector<std::string>> GatherTexts(Collective& collective, const std::string& text);

}  // namespace jade::train
