#pragma once
// Rows of `jade bench engine` and `jade bench train` as they are shown.

#include <string>
#include <vector>

#include "bench/engine/row.h"

namespace jade::cli {

// On standard output: a JSON array, or the title and a table.
void PrintRows(const std::vector<bench::EngineRow>& rows, const std::string& title, bool json);

}  // namespace jade::cli
