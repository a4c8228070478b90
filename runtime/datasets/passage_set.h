#pragma once
// A corpus file in the making: every passage once, title and text alike, numbered in order of appearance. Remembers
// sixteen bytes of each. One thread.

#include <cstdint>
#include <string>
#include <unordered_set>

#include "compiler/result/result.h"
#include "runtime/datasets/item.h"
#include "runtime/files/atomic_file.h"

namespace jade::datasets {

class PassageSet {
 public:
  // Ids are `prefix`-000000 and so on.
  static Result<PassageSet> Create(const std::string& path, const std::string& prefix);
  // Passages without text are passed over. Fails with kInvalidArgument on one longer than the index takes (1 MiB).
  Status Add(const Passage& passage);
  Status Commit() { return file_.Commit(); }
  uint64_t size() const { return seen_.size(); }
  uint64_t repeated() const { return repeated_; }

 private:
  struct Key {
    uint64_t high;
    uint64_t low;
    bool operator==(const Key& other) const { return high == other.high && low == other.low; }
  };
  struct Hash {
    size_t operator()(const Key& key) const { return key.low; }
  };
  PassageSet(files::AtomicFile file, std::string prefix) : file_(std::move(file)), prefix_(std::move(prefix)) {}

  files::AtomicFile file_;
  std::string prefix_;
  std::unordered_set<Key, Hash> seen_;
  uint64_t repeated_ = 0;
};

}  // namespace jade::datasets
