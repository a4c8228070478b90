#pragma once
// Internal to bench: what a call costs in the tier that `code` gives, without a model, a prompt, parsing or a record.

#include "compiler/result/result.h"
#include "runtime/interp/native.h"

namespace jade::bench {

// Microseconds of one of ten chained calls: issue, path, random stream, budget, suspend, resume. Median of `runs`.
Result<double> BareCalls(int runs, interp::CodeSource* code);

}  // namespace jade::bench
