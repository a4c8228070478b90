#pragma once
// The true facts of the atlas: data/atlas/*.yaml read into a World and divided into splits. Every mistake in the files
// is reported with file and line. Not shared between threads while loading; the World is then only read.

#include <string>

#include "compiler/result/result.h"
#include "runtime/data/world.h"

namespace jade::data {

// Reads countries, cities, authors, books, elements, scientists, mountains, universities and museums from
// `folder`/<name>.yaml. Names are unique within their kind, references resolve, years and heights lie in range. The
// entities are in the order of the files, capitals after their countries.
Result<World> LoadFacts(const std::string& folder);

// Assigns every entity to train, dev or test such that linked entities share a split: a country takes its cities,
// people, books and mountains with it. About 70 : 10 : 20 by the number of facts; deterministic by seed.
void AssignSplits(World& world, uint64_t seed);

}  // namespace jade::data
