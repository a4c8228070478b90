#pragma once
// The standard library's sources, embedded in the binary. Constant data.

#include <string_view>
#include <vector>

namespace jade::stdlib {

// The text of module `name` ("std.rag"), or null.
const std::string_view* Find(std::string_view name);

// Names of all modules, sorted.
const std::vector<std::string_view>& Names();

}  // namespace jade::stdlib
