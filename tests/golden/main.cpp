// jade_golden [--update] STAGE FOLDER: runs the golden files of a folder. Exit status 1 when one differs.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/golden/golden.h"

namespace jade::golden {
namespace {

// The first line that differs, for a message.
std::string FirstDifference(const std::string& expected, const std::string& actual) {
  std::istringstream a(expected);
  std::istringstream b(actual);
  std::string x;
  std::string y;
  for (int line = 1;; ++line) {
    const bool more_a = static_cast<bool>(std::getline(a, x));
    const bool more_b = static_cast<bool>(std::getline(b, y));
    if (!more_a && !more_b) return "no difference";
    if (more_a != more_b || x != y) {
      return fmt::format("expectation line {}:\n    - {}\n    + {}", line, more_a ? x : "<end>", more_b ? y : "<end>");
    }
  }
}

int RunFolder(const Stage& stage, const std::string& folder, bool update) {
  const auto paths = CasesIn(folder);
  size_t failed = 0;
  for (const std::string& path : paths) {
    Result<Case> golden = ReadCase(path);
    if (!golden.ok()) {
      std::fprintf(stderr, "%s\n", golden.error().ToString().c_str());
      ++failed;
      continue;
    }
    const std::string name = std::filesystem::path(path).filename().string();
    const std::string actual = stage.run(std::make_shared<source::SourceFile>(name, golden->input));
    const std::string wanted = WithExpectation(*golden, actual);
    if (wanted == golden->file) continue;
    if (update) {
      std::ofstream(path, std::ios::binary) << wanted;
      std::printf("updated %s\n", path.c_str());
      continue;
    }
    ++failed;
    std::printf("FAILED %s\n  %s\n", path.c_str(), FirstDifference(golden->expectation, actual).c_str());
  }
  std::printf("%s: %zu files, %zu failed\n", stage.name.c_str(), paths.size(), failed);
  if (paths.empty()) std::fprintf(stderr, "no .jade file below `%s`\n", folder.c_str());
  return failed == 0 && !paths.empty() ? 0 : 1;
}

int Main(std::vector<std::string> arguments) {
  const bool update = std::erase(arguments, "--update") > 0;
  if (arguments.size() == 2) {
    for (const Stage& stage : Stages()) {
      if (stage.name == arguments[0]) return RunFolder(stage, arguments[1], update);
    }
    std::fprintf(stderr, "no stage `%s`\n", arguments[0].c_str());
    return 2;
  }
  std::fprintf(stderr, "usage: jade_golden [--update] STAGE FOLDER\n");
  return 2;
}

}  // namespace
}  // namespace jade::golden

int main(int argc, char** argv) {
  return jade::golden::Main({argv + 1, argv + argc});
}
