#pragma once
// The inputs of earlier sessions: a file with one on a line, line breaks and backslashes escaped. Sessions beside each
// other append to it. One thread.

#include <string>
#include <vector>

namespace jade::line {

class HistoryFile {
 public:
  static constexpr size_t kEntries = 1000;

  // An empty path: nothing is kept.
  explicit HistoryFile(std::string path) : path_(std::move(path)) {}

  // The last kEntries, oldest first. A file that has grown to more than twice as many is cut to those.
  std::vector<std::string> Load() const;
  // Appends; what cannot be written is not remembered.
  void Add(const std::string& entry) const;

 private:
  std::string path_;
};

}  // namespace jade::line
