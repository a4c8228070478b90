#include "tests/golden/golden.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace jade::golden {
namespace {

constexpr std::string_view kMarker = "// ==== expect ====\n";
constexpr uint64_t kMaxCase = uint64_t{64} << 20;

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'n') {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Appends what a directive line makes.
void CarryOut(const std::string& line, std::string& out) {
  std::istringstream words(line.substr(3));
  std::string verb;
  words >> verb;
  if (verb == "repeat") {
    size_t count = 0;
    words >> count;
    words.get();
    std::string text;
    std::getline(words, text);
    text = Unescape(text);
    for (size_t i = 0; i < count; ++i) out += text;
  } else if (verb == "bytes") {
    for (std::string hex; words >> hex;) out += static_cast<char>(std::stoi(hex, nullptr, 16));
  }
}

std::string Expand(const std::string& header) {
  if (header.find("//#") == std::string::npos) return header;
  std::string out;
  std::istringstream lines(header);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("//#", 0) == 0) {
      CarryOut(line, out);
    } else {
      out += line + "\n";
    }
  }
  return out;
}

}  // namespace

Result<Case> ReadCase(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile(path, kMaxCase));
  Case golden;
  golden.path = path;
  golden.file = text;
  const size_t marker = text.rfind(kMarker);
  golden.header = text.substr(0, marker);
  golden.input = Expand(golden.header);
  if (marker == std::string::npos) return golden;
  std::istringstream lines(text.substr(marker + kMarker.size()));
  for (std::string line; std::getline(lines, line);) {
    golden.expectation += line.size() > 3 ? line.substr(3) : "";
    golden.expectation += '\n';
  }
  return golden;
}

std::string WithExpectation(const Case& golden, const std::string& text) {
  std::string out = golden.header;
  if (!out.empty() && out.back() != '\n') out += '\n';
  out += kMarker;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += line.empty() ? "//\n" : "// " + line + "\n";
  return out;
}

std::vector<std::string> CasesIn(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file() && entry.path().extension() == ".jade") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace jade::golden
