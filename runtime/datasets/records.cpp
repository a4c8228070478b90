#include "runtime/datasets/records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/datasets/array_records.h"
#include "runtime/datasets/table_records.h"
#include "runtime/jsonl/jsonl.h"

namespace jade::datasets {
namespace {

class LineRecords final : public Records {
 public:
  explicit LineRecords(jsonl::Reader reader) : reader_(std::move(reader)) {}
  Result<bool> Next(nlohmann::json* out) override { return reader_.Next(out); }
  Error ErrorHere(std::string_view message) const override { return reader_.ErrorHere(message); }
  uint64_t bytes_read() const override { return reader_.bytes_read(); }

 private:
  jsonl::Reader reader_;
};

}  // namespace

Result<std::unique_ptr<Records>> Records::Open(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(path));
  switch (source.FirstInBlock()) {
    case '[':
      return std::unique_ptr<Records>(std::make_unique<ArrayRecords>(path, std::move(source)));
    case '{': {
      JADE_ASSIGN_OR_RETURN(jsonl::Reader reader, jsonl::Reader::Open(path, kMaxRecordBytes));
      return std::unique_ptr<Records>(std::make_unique<LineRecords>(std::move(reader)));
    }
    default:
      return TableRecords::Open(path, std::move(source));
  }
}

}  // namespace jade::datasets
