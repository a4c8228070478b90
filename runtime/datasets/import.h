#pragma once
// From the files of a dataset, as its authors publish them, to a question set (runtime/eval/questions.h) and the corpus
// of the passages that came with its questions (`jade index build`). Streams: memory does not grow with the questions
// but for a few bytes of each, and of each passage. Blocks; one thread.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/datasets/converters.h"
#include "runtime/progress/progress.h"

namespace jade::datasets {

enum class Dataset { kNq, kPopQa, kAmbigQa, kHotpotQa, k2Wiki, kMusique, kBamboogle, kMapped };

// "nq", "popqa", "ambigqa", "hotpotqa", "2wiki", "musique", "bamboogle", "jsonl".
const std::vector<std::string>& DatasetNames();
Result<Dataset> ParseDataset(std::string_view name);

struct ImportOptions {
  Dataset dataset = Dataset::kMapped;
  std::vector<std::string> files;  // read in order, as one
  std::string output;              // question set
  std::string corpus;              // empty: none
  std::string aliases;             // id_aliases.json of 2WikiMultihopQA; empty: only the answers themselves
  uint64_t limit = 0;              // questions; 0: all
  std::optional<uint64_t> seed;  // with a limit: a sample without replacement, in the files' order, not the first ones
  FieldNames fields;             // of kMapped
};

struct ImportSummary {
  uint64_t questions = 0;  // written
  uint64_t left_out = 0;   // records that cannot be answered by design
  uint64_t passages = 0;   // written
  uint64_t repeated = 0;   // passages that were there already, title and text alike
};

// Writes the files whole or not at all. The corpus has the passages of the questions written, each title and text once.
// A record that is not what the dataset's format says fails with file, line and record; so do two questions of one id.
Result<ImportSummary> Import(const ImportOptions& options, progress::Sink& progress, const std::atomic<bool>& cancel);

}  // namespace jade::datasets
