#include "runtime/sqlite/sqlite.h"

#include <sqlite3.h>

namespace jade::sqlite {
namespace {

constexpr int kBusyMilliseconds = 10'000;

Error Failure(sqlite3* database, const std::string& path) {
  const int code = sqlite3_errcode(database) & 0xFF;
  ErrorCode kind = ErrorCode::kIo;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) kind = ErrorCode::kCorrupt;
  if (code == SQLITE_NOMEM) kind = ErrorCode::kOutOfMemory;
  if (code == SQLITE_INTERRUPT) kind = ErrorCode::kCancelled;
  return Error(kind, fmt::format("`{}`: {}", path, sqlite3_errmsg(database)));
}

std::string PathOf(sqlite3* database) {
  const char* name = sqlite3_db_filename(database, "main");
  return name == nullptr ? std::string() : std::string(name);
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
void Database::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Statement& Statement::Bind(int index, int64_t value) {
  JADE_CHECK(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK, "parameter {}", index);
  return *this;
}

Statement& Statement::Bind(int index, double value) {
  JADE_CHECK(sqlite3_bind_double(statement_.get(), index, value) == SQLITE_OK, "parameter {}", index);
  return *this;
}

// A value above SQLite's size limit (1 GB) becomes NULL and fails the column's NOT NULL constraint when it is stepped.
Statement& Statement::Bind(int index, std::string_view value) {
  sqlite3_bind_text64(statement_.get(), index, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, const void* data, size_t bytes) {
  sqlite3_bind_blob64(statement_.get(), index, bytes == 0 ? "" : data, bytes, SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindNull(int index) {
  sqlite3_bind_null(statement_.get(), index);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* database = sqlite3_db_handle(statement_.get());
  return Failure(database, PathOf(database));
}

Status Statement::Run() {
  auto row = Step();
  Reset();
  if (!row.ok()) return std::move(row).error();
  return {};
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}
double Statement::Float(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}
bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string_view() : std::string_view(text, static_cast<size_t>(bytes));
}

std::string_view Statement::Blob(int column) const {
  const auto* blob = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return blob == nullptr ? std::string_view() : std::string_view(blob, static_cast<size_t>(bytes));
}

Result<Database> Database::Open(const std::string& path, OpenMode mode) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == OpenMode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == OpenMode::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database;
  database.path_ = path;
  database.database_.reset(handle);
  if (code != SQLITE_OK) {
    return Error(ErrorCode::kIo, fmt::format("cannot open `{}`: {}", path, sqlite3_errstr(code)));
  }
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return database;
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()), 0, &handle, nullptr) != SQLITE_OK) {
    return Failure(database_.get(), path_);
  }
  Statement statement;
  statement.statement_.reset(handle);
  return statement;
}

Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Failure(database_.get(), path_);
  }
  return {};
}

Result<int64_t> Database::Pragma(const std::string& name) {
  JADE_ASSIGN_OR_RETURN(Statement statement, Prepare("PRAGMA " + name));
  JADE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

}  // namespace jade::sqlite
