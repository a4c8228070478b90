#pragma once
// `jade data atlas`: builds the corpus and the questions of the atlas from its facts, and writes role demonstrations.
// Both are deterministic by their options and replace their files at once or not at all.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "compiler/result/result.h"
#include "runtime/data/demonstrations.h"
#include "runtime/progress/progress.h"

namespace jade::data {

inline constexpr uint64_t kAtlasSeed = 20;  // of the committed files

struct AtlasOptions {
  std::string facts = "data/atlas";   // folder of the YAML files
  std::string output = "data/atlas";  // where corpus.jsonl, train.jsonl, dev.jsonl and test.jsonl go
  uint64_t seed = kAtlasSeed;
};

struct AtlasSummary {
  std::map<std::string, size_t> entities;                  // by kind
  std::array<std::map<std::string, size_t>, 3> questions;  // by split, then by type
  size_t passages = 0;
  size_t cheaper = 0;  // questions with a plan cheaper than the full one that is as good
  size_t total = 0;
  std::string ToText() const;  // a table for a person
};

// corpus.jsonl {"id", "title", "text"}; questions {"id", "question", "answer", "answers", "type", "hops", "support",
// "entities", "steps", "plan"} where support holds titles. Fails on mistakes in the facts, with file and line.
Result<AtlasSummary> BuildAtlas(const AtlasOptions& options);

// The same in memory: the file names and contents.
struct AtlasFiles {
  std::map<std::string, std::string> files;
  AtlasSummary summary;
};
Result<AtlasFiles> MakeAtlas(const AtlasOptions& options);

// Writes them to the folder, which is made.
Result<AtlasSummary> WriteFiles(AtlasFiles made, const std::string& folder);

// The facts with their splits, as BuildAtlas sees them.
Result<World> LoadAtlas(const std::string& facts, uint64_t seed);

struct WriteOptions {
  std::string path;                     // of the JSONL file
  std::string facts = "data/atlas";     // read when demonstrations.real > 0 and, if there, to avoid real names
  DemonstrationOptions demonstrations;  // its `atlas` is filled in
};
// Streams to the file in bounded memory. When `cancel` becomes true, fails with kCancelled and leaves an old file
// alone.
Status WriteDemonstrations(const WriteOptions& options, progress::Sink& progress, const std::atomic<bool>& cancel);

}  // namespace jade::data
