#include "runtime/weights/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace jade::weights {
namespace {

Error IoError(int error, const std::string& path) {
  return Error(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, std::strerror(error))
      .Wrap(fmt::format("opening `{}`", path));
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return IoError(errno, path);
  struct stat status {};
  int error = ::fstat(descriptor, &status) != 0 ? errno : S_ISREG(status.st_mode) ? 0 : EISDIR;
  const auto size = static_cast<size_t>(status.st_size);
  void* data = nullptr;
  if (error == 0 && size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) error = errno;
  }
  ::close(descriptor);
  if (error == EISDIR && !S_ISDIR(status.st_mode)) {
    return Error(ErrorCode::kIo, "not a regular file").Wrap(fmt::format("opening `{}`", path));
  }
  if (error != 0) return IoError(error, path);
  return std::shared_ptr<const MappedFile>(new MappedFile(path, static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace jade::weights
