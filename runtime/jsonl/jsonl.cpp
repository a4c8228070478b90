#include "runtime/jsonl/jsonl.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/source/source.h"

namespace jade::jsonl {
namespace {

constexpr int kMaxDepth = 200;  // the library copies and prints recursively

// Of brackets outside texts; of JSON or anything else.
int Depth(std::string_view line) {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

}  // namespace

Result<Reader> Reader::Open(const std::string& path, uint64_t max_line_bytes) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is a directory: name the file in it", path));
  }
  Reader reader;
  reader.path_ = path;
  reader.max_line_bytes_ = max_line_bytes;
  reader.file_.reset(std::fopen(path.c_str(), "rb"));
  if (reader.file_ == nullptr) {
    const int code = errno;
    return Error(code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 fmt::format("cannot read `{}`: {}", path, std::strerror(code)));
  }
  const auto size = std::filesystem::file_size(path, ec);
  reader.total_ = ec ? 0 : size;
  return reader;
}

Error Reader::ErrorHere(std::string_view message) const {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", path_, line_, message));
}

Result<bool> Reader::ReadLine(std::string* line) {
  line->clear();
  ++line_;
  char buffer[1 << 14];
  while (std::fgets(buffer, sizeof buffer, file_.get()) != nullptr) {
    // fgets stops at a NUL only in what strlen sees; such a line fails to parse as JSON, which is what we want.
    const size_t got = std::strlen(buffer);
    bytes_ += got;
    line->append(buffer, got);
    if (!line->empty() && line->back() == '\n') return true;
    if (line->size() > max_line_bytes_) {
      return ErrorHere(fmt::format("the line is longer than {} bytes", max_line_bytes_));
    }
  }
  if (std::ferror(file_.get()) != 0) return Error(ErrorCode::kIo, fmt::format("cannot read `{}`", path_));
  return !line->empty();
}

Result<bool> Reader::Next(nlohmann::json* out) {
  std::string line;
  while (true) {
    JADE_ASSIGN_OR_RETURN(const bool more, ReadLine(&line));
    if (!more) return false;
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    if (source::FirstInvalidUtf8(line) != std::string::npos) return ErrorHere("not valid UTF-8");
    if (Depth(line) > kMaxDepth) return ErrorHere(fmt::format("nested more than {} deep", kMaxDepth));
    *out = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (out->is_discarded()) return ErrorHere("not JSON: expected one object on each line");
    if (!out->is_object()) return ErrorHere("expected a JSON object");
    return true;
  }
}

Result<std::string> TextField(const Reader& reader, const nlohmann::json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) return reader.ErrorHere(fmt::format("the object lacks `{}`", key));
  if (!it->is_string()) return reader.ErrorHere(fmt::format("`{}` must be text", key));
  return it->get<std::string>();
}

}  // namespace jade::jsonl
