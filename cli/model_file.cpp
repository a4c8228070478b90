#include "cli/model_file.h"

#include <filesystem>

namespace jade::cli {

namespace fs = std::filesystem;

std::string ModelFile(const std::string& path) {
  std::error_code ec;
  if (!fs::is_directory(path, ec) || fs::exists(fs::path(path) / "config.json", ec)) return path;
  for (const auto& entry : fs::directory_iterator(path, ec)) {
    if (entry.path().extension() == ".gguf") return entry.path().string();
  }
  return path;
}

}  // namespace jade::cli
