#pragma once
// A question set over a world: of every fact a single hop, and bridges, comparisons and yes/no questions in fixed
// proportions, none twice. Deterministic by world and seed.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "runtime/data/lookup.h"
#include "runtime/data/passages.h"
#include "runtime/data/questions.h"

namespace jade::data {

struct ExamOptions {
  std::string name;    // ids are NAME-00000, NAME-00001, …
  double share = 1.0;  // of the number of questions, single hops apart, that the whole atlas has
  uint64_t seed = 1;
};

struct Exam {
  std::string lines;                     // JSONL of runtime/data/atlas.h
  std::map<std::string, size_t> counts;  // by type; bridges with their hops
  size_t cheaper = 0;                    // with a plan cheaper than the full one that is as good
  size_t total = 0;
};

// `lookup` finds what one search would, in the asker's library.
Exam MakeExam(const Asker& asker, const Lookup& lookup, const ExamOptions& options);

// {"id", "title", "text"} a line; ids are `prefix` and at least five digits.
std::string CorpusLines(const Library& library, char prefix);

}  // namespace jade::data
