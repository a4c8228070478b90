#pragma once
// Reads JIR's text form. The text may come from anywhere: whatever it holds, memory stays proportional to its length,
// nothing overflows the stack, and a mistake is an Error (kCorrupt) "line 12: expected `)` after the operands". What
// was read is verified too (verifier.h), so a module that comes back can be run.

#include <memory>
#include <string_view>
#include <vector>

#include "compiler/ir/module.h"

namespace jade::ir {

inline constexpr size_t kMaxJirBytes = size_t{16} << 20;
inline constexpr uint32_t kMaxRegionDepth = 600;  // a little more than lowering makes of the deepest tree

// `files` gives the sources that `file "name"` lines mean; a name not among them stands for an empty file.
Result<std::shared_ptr<Module>> Read(std::string_view text, const std::vector<source::SourceFilePtr>& files = {});

}  // namespace jade::ir
