#pragma once
// `jade data pretend`: a corpus and a question set about a pretend world, in the form of the atlas's and of any size,
// for training that shall teach to read. Deterministic by its options.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/data/atlas.h"
#include "runtime/data/names.h"

namespace jade::data {

inline constexpr int kMostCountries = 2000;

struct PretendSetOptions {
  std::string output;                // folder of corpus.jsonl and questions.jsonl
  std::string facts = "data/atlas";  // folder of the atlas's YAML files, if there: its names are never used
  uint64_t seed = 1;
  NamePool pool = NamePool::kTraining;
  int countries = 200;  // 4 to kMostCountries: about 8 passages and 25 questions for each
  NamePieces pieces;    // to make more than half of the names of
};

// Of words as a vocabulary cuts them: " Nor" begins a capitalised word, "way" goes on with one. Others are left out.
NamePieces PiecesOf(const std::vector<std::string>& tokens);

// Replaces both files at once or not at all. All questions are of the summary's first split.
Result<AtlasSummary> BuildPretendSet(const PretendSetOptions& options);

// The same in memory: the file names and contents.
Result<AtlasFiles> MakePretendSet(const PretendSetOptions& options);

}  // namespace jade::data
