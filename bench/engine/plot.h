#pragma once
// A small plot of the bench as SVG: for each row a bar, as long as its share of the limit that the machine sets.
// Readable on light and dark ground, without scripts or fonts of its own. Values.

#include <span>
#include <string>

#include "bench/engine/row.h"

namespace jade::bench {

// Rows without a limit are left out, except `llama.` twins of rows that have one, which are drawn beneath them on the
// same scale. `title` may hold any text.
std::string EngineBenchSvg(std::span<const EngineRow> rows, const std::string& title);

}  // namespace jade::bench
