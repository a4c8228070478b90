#include "runtime/files/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace jade::files {
namespace {

// "process 4711" as its holder wrote it.
std::string HolderOf(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t size = pread(descriptor, text.data(), text.size(), 0);
  const std::string number(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  const bool sound = !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
  return sound ? "process " + number : "another process";
}

}  // namespace

Result<FolderLock> FolderLock::Take(const std::string& folder) {
  const std::string path = folder + "/.lock";
  FolderLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.descriptor_ < 0) {
    return Error(ErrorCode::kIo, fmt::format("cannot open `{}`: {}", path, std::strerror(errno)));
  }
  if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Error(ErrorCode::kIo, fmt::format("cannot lock `{}`: {}", path, std::strerror(errno)));
    }
    return Error(ErrorCode::kUnavailable,
                 fmt::format("`{}` is in use by {}: wait for it, or stop it", folder, HolderOf(lock.descriptor_)));
  }
  const std::string number = std::to_string(getpid());
  const bool named = ftruncate(lock.descriptor_, 0) == 0 &&
                     pwrite(lock.descriptor_, number.data(), number.size(), 0) == static_cast<ssize_t>(number.size());
  (void)named;  // on a full disk the lock holds all the same, without a name
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace jade::files
