#pragma once
// The rows of a table as objects: values between tabs or commas, quoted as in RFC 4180 (`"a ""b"", c"`, line breaks
// included), the names of the columns in the first row. Columns without a name are passed over.

#include <vector>

#include "runtime/datasets/byte_source.h"
#include "runtime/datasets/records.h"

namespace jade::datasets {

class TableRecords final : public Records {
 public:
  // Reads the header. Fails when it names a column twice.
  static Result<std::unique_ptr<Records>> Open(const std::string& path, ByteSource source);
  // Rows with only white space are skipped; one with more or fewer values than there are columns is an error.
  Result<bool> Next(nlohmann::json* out) override;
  Error ErrorHere(std::string_view message) const override;
  uint64_t bytes_read() const override { return source_.bytes_read(); }

 private:
  TableRecords(std::string path, ByteSource source) : path_(std::move(path)), source_(std::move(source)) {}
  Status ReadHeader();
  Result<bool> ReadRow(std::vector<std::string>* values);
  Status ReadQuoted(uint64_t* bytes, std::string* value);

  std::string path_;
  ByteSource source_;
  std::vector<std::string> names_;
  char separator_ = '\0';  // not known yet: a tab or a comma, whichever the header has first
  uint64_t number_ = 0;    // of the row read last, the header not counted
  uint64_t line_ = 1;      // where it begins
};

}  // namespace jade::datasets
