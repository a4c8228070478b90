#include "cli/line/history_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace jade::line {
namespace {

std::string Escaped(const std::string& entry) {
  std::string out;
  for (const char c : entry) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + '\n';
}

std::string Unescaped(const std::string& line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      out += line[i];
      continue;
    }
    ++i;
    out += line[i] == 'n' ? '\n' : line[i];
  }
  return out;
}

// Writes whole, under a lock that other sessions respect. What a person types may be private.
void Write(const std::string& path, const std::string& text, int flags) {
  std::error_code ec;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ec);
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  if (file < 0) return;
  if (flock(file, LOCK_EX) == 0) (void)!write(file, text.data(), text.size());
  close(file);
}

}  // namespace

std::vector<std::string> HistoryFile::Load() const {
  std::vector<std::string> entries;
  if (path_.empty()) return entries;
  std::ifstream file(path_);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.empty()) entries.push_back(Unescaped(line));
  }
  if (entries.size() <= kEntries) return entries;
  const bool rewrite = entries.size() > 2 * kEntries;
  entries.erase(entries.begin(), entries.end() - kEntries);
  if (rewrite) {
    std::string text;
    for (const std::string& entry : entries) text += Escaped(entry);
    Write(path_, text, O_TRUNC);
  }
  return entries;
}

void HistoryFile::Add(const std::string& entry) const {
  if (!path_.empty()) Write(path_, Escaped(entry), O_APPEND);
}

}  // namespace jade::line
