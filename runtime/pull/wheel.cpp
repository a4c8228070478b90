#include "runtime/pull/wheel.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <vector>

#include "runtime/files/atomic_file.h"
#include "runtime/pull/sha256.h"

namespace jade::pull {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Member = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

Error Corrupt(const std::string& archive, std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).Wrap(fmt::format("reading `{}`", archive));
}

Result<Archive> OpenArchive(const std::string& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code), &zip_discard);
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return Corrupt(path, std::move(message));
}

}  // namespace

Status ExtractMember(const std::string& path, const MemberToExtract& wanted,
                     const std::function<bool(uint64_t)>& progress) {
  JADE_ASSIGN_OR_RETURN(const Archive archive, OpenArchive(path));
  zip_stat_t stat;
  if (zip_stat(archive.get(), wanted.member.c_str(), 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0) {
    return Corrupt(path, fmt::format("the archive has no `{}`", wanted.member));
  }
  if (stat.size != wanted.expected_bytes) {
    return Corrupt(path, fmt::format("`{}` has {} bytes, not {}", wanted.member, stat.size, wanted.expected_bytes));
  }
  const Member member(zip_fopen(archive.get(), wanted.member.c_str(), 0), &zip_fclose);
  if (!member) return Corrupt(path, zip_strerror(archive.get()));
  JADE_ASSIGN_OR_RETURN(files::AtomicFile file, files::AtomicFile::Create(wanted.target, stat.size));
  Sha256 digest;
  uint64_t done = 0;
  std::vector<std::byte> block(size_t{1} << 20);
  while (true) {
    const zip_int64_t count = zip_fread(member.get(), block.data(), block.size());
    if (count < 0) return Corrupt(path, fmt::format("`{}` is damaged", wanted.member));
    if (count == 0) break;
    const auto bytes = std::span(block).first(static_cast<size_t>(count));
    digest.Add(bytes);
    JADE_TRY(file.Write(bytes));
    done += static_cast<uint64_t>(count);
    if (progress && !progress(done)) return Error(ErrorCode::kCancelled, "interrupted");
  }
  if (digest.Finish() != wanted.expected_sha256) {
    return Corrupt(path, fmt::format("`{}` has another SHA-256 than this version of JADE knows", wanted.member));
  }
  return file.Commit();
}

}  // namespace jade::pull
