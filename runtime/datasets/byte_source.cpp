#include "runtime/datasets/byte_source.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace jade::datasets {
namespace {

constexpr size_t kBlockBytes = 1U << 16U;

}  // namespace

Result<ByteSource> ByteSource::Open(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is a directory: name the file in it", path));
  }
  ByteSource source;
  source.path_ = path;
  source.file_.reset(std::fopen(path.c_str(), "rb"));
  if (source.file_ == nullptr) {
    const int code = errno;
    return Error(code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 fmt::format("cannot read `{}`: {}", path, std::strerror(code)));
  }
  const auto size = std::filesystem::file_size(path, ec);
  source.total_ = ec ? 0 : size;
  source.Fill();
  JADE_TRY(source.RefuseOtherFormats());
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (source.block_.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0) source.at_ = kByteOrderMark.size();
  return source;
}

Status ByteSource::RefuseOtherFormats() {
  struct Format {
    std::string_view magic;
    std::string_view advice;
  };
  constexpr Format kFormats[] = {{"\x1F\x8B", "compressed with gzip: unpack it first (gunzip)"},
                                 {std::string_view("PK\x03\x04", 4), "a zip archive: unpack it first (unzip)"},
                                 {"BZh", "compressed with bzip2: unpack it first (bunzip2)"},
                                 {"PAR1", "a Parquet file: take the files that the dataset's authors publish"}};
  for (const Format& format : kFormats) {
    if (block_.compare(0, format.magic.size(), format.magic) != 0) continue;
    return Error(ErrorCode::kUnsupported, fmt::format("`{}` is {}", path_, format.advice));
  }
  return status();
}

bool ByteSource::Fill() {
  consumed_ += block_.size();
  at_ = 0;
  block_.resize(kBlockBytes);
  block_.resize(std::fread(block_.data(), 1, kBlockBytes, file_.get()));
  return !block_.empty();
}

int ByteSource::Peek() {
  if (at_ == block_.size() && !Fill()) return kEnd;
  return static_cast<unsigned char>(block_[at_]);
}

int ByteSource::Next() {
  const int byte = Peek();
  if (byte == kEnd) return kEnd;
  ++at_;
  if (byte == '\n') ++line_;
  return byte;
}

int ByteSource::PeekBehindSpace() {
  while (true) {
    const int byte = Peek();
    if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n') return byte;
    Next();
  }
}

int ByteSource::FirstInBlock() const {
  const size_t first = block_.find_first_not_of(" \t\r\n", at_);
  return first == std::string::npos ? kEnd : static_cast<unsigned char>(block_[first]);
}

Status ByteSource::status() const {
  if (std::ferror(file_.get()) == 0) return {};
  return Error(ErrorCode::kIo, fmt::format("cannot read `{}`", path_));
}

}  // namespace jade::datasets
