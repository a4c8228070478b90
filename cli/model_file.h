#pragma once
// In jade-backbone only.

#include <string>

namespace jade::cli {

// A GGUF may be given as the folder that `jade pull` made for it.
std::string ModelFile(const std::string& path);

}  // namespace jade::cli
