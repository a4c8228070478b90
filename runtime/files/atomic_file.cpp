#include "runtime/files/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace jade::files {
namespace {

Error IoError(int error, std::string_view doing, const std::string& path) {
  return Error(ErrorCode::kIo, std::strerror(error)).Wrap(fmt::format("{} `{}`", doing, path));
}

// Makes the rename itself durable. Some file systems cannot sync a folder; the file's contents are safe without it.
void SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

Result<AtomicFile> AtomicFile::Create(const std::string& path, uint64_t expected_bytes) {
  std::string temporary = path + ".tmp-XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return IoError(errno, "writing", path);
  AtomicFile file(descriptor, path, temporary);
  if (::fchmod(descriptor, 0644) != 0) return IoError(errno, "writing", path);
  if (expected_bytes > 0) {
    const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(expected_bytes));
    if (error == ENOSPC || error == EFBIG || error == EDQUOT) {
      return IoError(error, fmt::format("reserving {} bytes for", expected_bytes), path);
    }
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    Discard();
    descriptor_ = std::exchange(other.descriptor_, -1);
    path_ = std::move(other.path_);
    temporary_ = std::move(other.temporary_);
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  Discard();
}

void AtomicFile::Discard() {
  if (descriptor_ < 0) return;
  ::close(std::exchange(descriptor_, -1));
  ::unlink(temporary_.c_str());
}

Status AtomicFile::Write(std::span<const std::byte> bytes) {
  constexpr size_t kLargestWrite = size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kLargestWrite));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return IoError(errno, "writing", path_);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status AtomicFile::Commit() {
  // Space may have been reserved beyond what was written.
  const off_t end = ::lseek(descriptor_, 0, SEEK_CUR);
  if (end < 0 || ::ftruncate(descriptor_, end) != 0 || ::fsync(descriptor_) != 0) {
    return IoError(errno, "writing", path_);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return IoError(errno, "replacing", path_);
  ::close(std::exchange(descriptor_, -1));
  SyncFolder(path_);
  return {};
}

Status WriteFileAtomically(const std::string& path, std::string_view contents) {
  JADE_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  JADE_TRY(file.Write(contents));
  return file.Commit();
}

}  // namespace jade::files
