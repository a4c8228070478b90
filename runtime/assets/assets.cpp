#include "runtime/assets/assets.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "compiler/source/suggest.h"

namespace jade::assets {
namespace {

namespace fs = std::filesystem;

bool Exists(const std::string& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

std::optional<std::string> Environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

// Shipped models and those in the cache.
std::vector<std::string> ModelNames() {
  std::vector<std::string> folders;
  for (const auto& shipped : ShippedFolders()) folders.push_back(shipped + "/models");
  if (const auto cache = CacheFolder(); cache.ok()) folders.push_back(*cache + "/models");
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    std::error_code ec;
    for (auto it = fs::directory_iterator(folder, ec); !ec && it != fs::directory_iterator(); it.increment(ec)) {
      if (it->is_directory(ec)) names.push_back(it->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<std::string> ShippedFolders() {
  std::vector<std::string> folders;
  if (const auto data = Environment("JADE_DATA")) folders.push_back(*data);
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) folders.push_back((program.parent_path().parent_path() / "share" / "jade").string());
  folders.emplace_back(JADE_SHIPPED_FOLDER);
  return folders;
}

Result<std::string> FindShipped(const std::string& relative) {
  const auto folders = ShippedFolders();
  for (const auto& folder : folders) {
    const std::string path = (fs::path(folder) / relative).string();
    if (Exists(path)) return path;
  }
  return Error(ErrorCode::kNotFound, fmt::format("`{}` is not in {}; set JADE_DATA to the folder that holds it",
                                                 relative, fmt::join(folders, ", ")));
}

Result<std::string> CacheFolder() {
  const auto cache = Environment("XDG_CACHE_HOME");
  if (cache && cache->front() == '/') return (fs::path(*cache) / "jade").string();
  const auto home = Environment("HOME");
  if (home && home->front() == '/') return (fs::path(*home) / ".cache" / "jade").string();
  return Error(ErrorCode::kUnavailable, "there is no cache folder: set HOME or XDG_CACHE_HOME to an absolute path");
}

Result<std::string> FindModel(const std::string& name) {
  if (name.empty()) return Error(ErrorCode::kInvalidArgument, "the model's name is empty");
  if (Exists(name)) return name;
  if (auto shipped = FindShipped("models/" + name); shipped.ok()) return shipped;
  if (const auto cache = CacheFolder(); cache.ok()) {
    const std::string path = (fs::path(*cache) / "models" / name).string();
    if (Exists(path)) return path;
  }
  const std::string hint = source::DidYouMean(name, ModelNames());
  return Error(ErrorCode::kNotFound,
               fmt::format("no model `{}`: not a path, not shipped, not in the cache{}", name,
                           hint.empty() ? fmt::format("; `jade pull {}` fetches the models it knows", name) : hint));
}

}  // namespace jade::assets
