#include "runtime/datasets/array_records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/source/source.h"

namespace jade::datasets {
namespace {

constexpr int kMaxDepth = 100;

}  // namespace

ArrayRecords::ArrayRecords(std::string path, ByteSource source) : path_(std::move(path)), source_(std::move(source)) {
  source_.PeekBehindSpace();
  source_.Next();
}

Error ArrayRecords::ErrorHere(std::string_view message) const {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: record {}: {}", path_, line_, number_, message));
}

Error ArrayRecords::Unfinished() const {
  if (Status status = source_.status(); !status.ok()) return std::move(status).error();
  return ErrorHere("the file ends before its list does: it is incomplete, fetch it again");
}

Result<bool> ArrayRecords::Begin() {
  int byte = source_.PeekBehindSpace();
  line_ = source_.line();
  if (byte == ']') {
    source_.Next();
    ended_ = true;
    if (source_.PeekBehindSpace() == ByteSource::kEnd) return false;
    line_ = source_.line();
    return ErrorHere("something follows the end of the list");
  }
  ++number_;
  if (number_ > 1) {
    if (byte == ByteSource::kEnd) return Unfinished();
    if (byte != ',') return ErrorHere("expected a comma or the end of the list before it");
    source_.Next();
    byte = source_.PeekBehindSpace();
    line_ = source_.line();
  }
  if (byte == ByteSource::kEnd) return Unfinished();
  if (byte != '{') return ErrorHere("expected a JSON object");
  return true;
}

// Up to the bracket that closes the object; whether what lies between is JSON is the parser's question.
Status ArrayRecords::ReadObject(std::string* text) {
  text->clear();
  int depth = 0;
  bool quoted = false;
  do {
    const int byte = source_.Next();
    if (byte == ByteSource::kEnd) return Unfinished();
    text->push_back(static_cast<char>(byte));
    if (text->size() > kMaxRecordBytes) return ErrorHere(fmt::format("longer than {} bytes", kMaxRecordBytes));
    if (quoted) {
      if (byte == '"') quoted = false;
      if (byte == '\\') {
        const int escaped = source_.Next();
        if (escaped == ByteSource::kEnd) return Unfinished();
        text->push_back(static_cast<char>(escaped));
      }
      continue;
    }
    if (byte == '"') quoted = true;
    if (byte == '{' || byte == '[') ++depth;
    if (byte == '}' || byte == ']') --depth;
    if (depth > kMaxDepth) return ErrorHere(fmt::format("nested more than {} deep", kMaxDepth));
  } while (depth > 0);
  return {};
}

Result<bool> ArrayRecords::Next(nlohmann::json* out) {
  if (ended_) return false;
  JADE_ASSIGN_OR_RETURN(const bool more, Begin());
  if (!more) return false;
  std::string text;
  JADE_TRY(ReadObject(&text));
  if (source::FirstInvalidUtf8(text) != std::string::npos) return ErrorHere("not valid UTF-8");
  *out = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (out->is_discarded()) return ErrorHere("not JSON");
  return true;
}

}  // namespace jade::datasets
