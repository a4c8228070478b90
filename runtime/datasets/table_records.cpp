#include "runtime/datasets/table_records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "compiler/source/source.h"

namespace jade::datasets {
namespace {

constexpr size_t kMaxColumns = 1000;

bool IsBlank(const std::vector<std::string>& values) {
  return values.size() == 1 && values.front().find_first_not_of(" \t\r") == std::string::npos;
}

}  // namespace

Result<std::unique_ptr<Records>> TableRecords::Open(const std::string& path, ByteSource source) {
  std::unique_ptr<TableRecords> table(new TableRecords(path, std::move(source)));
  JADE_TRY(table->ReadHeader());
  return std::unique_ptr<Records>(std::move(table));
}

Error TableRecords::ErrorHere(std::string_view message) const {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: record {}: {}", path_, line_, number_, message));
}

Status TableRecords::ReadHeader() {
  JADE_ASSIGN_OR_RETURN(const bool some, ReadRow(&names_));
  if (!some) return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is empty", path_));
  std::set<std::string> seen;
  for (const std::string& name : names_) {
    if (source::FirstInvalidUtf8(name) != std::string::npos) return ErrorHere("not valid UTF-8");
    if (!name.empty() && !seen.insert(name).second) return ErrorHere(fmt::format("the header names `{}` twice", name));
  }
  return {};
}

// Behind the opening quote, up to and with the closing one.
Status TableRecords::ReadQuoted(uint64_t* bytes, std::string* value) {
  while (true) {
    const int byte = source_.Next();
    if (byte == ByteSource::kEnd) return ErrorHere("a quote is not closed");
    if (byte == '"') {
      if (source_.Peek() != '"') return {};
      source_.Next();
    }
    if (++*bytes > kMaxRecordBytes) return ErrorHere(fmt::format("longer than {} bytes", kMaxRecordBytes));
    value->push_back(static_cast<char>(byte));
  }
}

Result<bool> TableRecords::ReadRow(std::vector<std::string>* values) {
  values->assign(1, "");
  line_ = source_.line();
  uint64_t bytes = 0;
  bool some = false;
  while (true) {
    const int byte = source_.Next();
    if (byte == ByteSource::kEnd) {
      JADE_TRY(source_.status());
      return some;
    }
    some = true;
    if (byte == '\n') break;
    if (byte == '\r' && source_.Peek() == '\n') continue;
    if (++bytes > kMaxRecordBytes) return ErrorHere(fmt::format("longer than {} bytes", kMaxRecordBytes));
    if (separator_ == '\0' && (byte == '\t' || byte == ',')) separator_ = static_cast<char>(byte);
    if (byte == separator_) {
      if (values->size() == kMaxColumns) return ErrorHere(fmt::format("more than {} columns", kMaxColumns));
      values->emplace_back();
    } else if (byte == '"' && values->back().empty()) {
      JADE_TRY(ReadQuoted(&bytes, &values->back()));
    } else {
      values->back().push_back(static_cast<char>(byte));
    }
  }
  return true;
}

Result<bool> TableRecords::Next(nlohmann::json* out) {
  std::vector<std::string> values;
  do {
    JADE_ASSIGN_OR_RETURN(const bool more, ReadRow(&values));
    if (!more) return false;
  } while (IsBlank(values));
  ++number_;
  if (values.size() != names_.size()) {
    return ErrorHere(fmt::format("{} values in {} columns: a quote or separator is missing or too many", values.size(),
                                 names_.size()));
  }
  *out = nlohmann::json::object();
  for (size_t i = 0; i < values.size(); ++i) {
    if (source::FirstInvalidUtf8(values[i]) != std::string::npos) {
      return ErrorHere(fmt::format("`{}` is not valid UTF-8: convert the file first (iconv)", names_[i]));
    }
    if (!names_[i].empty()) (*out)[names_[i]] = std::move(values[i]);
  }
  return true;
}

}  // namespace jade::datasets
