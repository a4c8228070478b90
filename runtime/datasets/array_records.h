#pragma once
// The objects of a JSON list, read one at a time: files of hundreds of megabytes never lie in memory whole.

#include "runtime/datasets/byte_source.h"
#include "runtime/datasets/records.h"

namespace jade::datasets {

class ArrayRecords final : public Records {
 public:
  // `source` stands at the opening bracket.
  ArrayRecords(std::string path, ByteSource source);
  Result<bool> Next(nlohmann::json* out) override;
  Error ErrorHere(std::string_view message) const override;
  uint64_t bytes_read() const override { return source_.bytes_read(); }

 private:
  Result<bool> Begin();  // moves to the next object; false behind the closing bracket
  Status ReadObject(std::string* text);
  Error Unfinished() const;

  std::string path_;
  ByteSource source_;
  uint64_t number_ = 0;  // of the record read last, 1-based
  uint64_t line_ = 1;    // where it begins
  bool ended_ = false;
};

}  // namespace jade::datasets
