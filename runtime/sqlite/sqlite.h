#pragma once
// A thin owner of SQLite handles that reports errors as Results. Used by the experience store and the BM25 index.
// A Database and its Statements belong to one thread at a time.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "compiler/result/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace jade::sqlite {

class Statement {
 public:
  // Parameters are numbered from 1. Text and blobs are copied.
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view value);
  Statement& BindBlob(int index, const void* data, size_t bytes);
  Statement& BindNull(int index);

  // True when a row is there, false when the statement is done.
  Result<bool> Step();
  // Runs a statement that returns no rows, then resets it.
  Status Run();
  void Reset();

  // Columns are numbered from 0; views live until the next Step or Reset.
  int64_t Int(int column) const;
  double Float(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

enum class OpenMode { kReadOnly, kReadWrite, kCreate };

class Database {
 public:
  static Result<Database> Open(const std::string& path, OpenMode mode);

  Result<Statement> Prepare(std::string_view sql);
  Status Execute(const std::string& sql);  // one or more statements without parameters
  Result<int64_t> Pragma(const std::string& name);
  const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace jade::sqlite
