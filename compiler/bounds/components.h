#pragma once
// Internal to compiler/bounds: strongly connected components of a graph.

#include <cstdint>
#include <vector>

namespace jade::bounds {

// Of the nodes 0 … edges.size() - 1; a component comes after those it leads to. Tarjan's algorithm, without recursion.
std::vector<std::vector<uint32_t>> Components(const std::vector<std::vector<uint32_t>>& edges);

}  // namespace jade::bounds
