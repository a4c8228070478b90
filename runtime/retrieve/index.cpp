#include "runtime/retrieve/index.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/jsonl/jsonl.h"
#include "runtime/sqlite/sqlite.h"

namespace jade::retrieve {
namespace {

constexpr int64_t kApplicationId = 0x4A41'4458;  // "JADX"
constexpr int64_t kSchemaVersion = 2;            // 1 had no hash of the corpus
constexpr uint64_t kRowsPerTransaction = 50'000;
constexpr uint64_t kMaxPassageBytes = 1ULL << 20U;

// Removes a half-built file unless it was committed to its place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target)
      : target_(target), path_(fmt::format("{}.{}.tmp", target, getpid())) {
    Remove();
  }
  ~TemporaryFile() { Remove(); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

  Status Commit() {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    const int code = errno;
    if (fd >= 0) ::close(fd);
    if (!synced) return Error(ErrorCode::kIo, fmt::format("cannot write `{}`: {}", path_, std::strerror(code)));
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      return Error(ErrorCode::kIo, fmt::format("cannot replace `{}`: {}", target_, std::strerror(errno)));
    }
    return {};
  }

 private:
  void Remove() const {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  std::string target_;
  std::string path_;
};

Status Prepare(sqlite::Database& database) {
  return database.Execute(
      fmt::format("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;"
                  "PRAGMA application_id = {}; PRAGMA user_version = {};"
                  "CREATE VIRTUAL TABLE passage USING fts5(title, text, id UNINDEXED, tokenize = 'porter unicode61 "
                  "remove_diacritics 2');"
                  "CREATE TABLE corpus (name TEXT NOT NULL, passages INTEGER NOT NULL, hash TEXT NOT NULL);",
                  kApplicationId, kSchemaVersion));
}

// Each field with its length, so that no two corpora read alike.
class CorpusHash {
 public:
  CorpusHash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void Add(std::string_view field) {
    const uint64_t size = field.size();
    XXH3_128bits_update(state_.get(), &size, sizeof(size));
    XXH3_128bits_update(state_.get(), field.data(), field.size());
  }
  std::string Text() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

struct Filled {
  uint64_t passages = 0;
  CorpusHash hash;
};

Status Fill(sqlite::Database& database, jsonl::Reader& reader, progress::Sink& progress,
            const std::atomic<bool>& cancel, Filled* filled) {
  JADE_ASSIGN_OR_RETURN(auto insert, database.Prepare("INSERT INTO passage (title, text, id) VALUES (?, ?, ?)"));
  JADE_TRY(database.Execute("CREATE TEMP TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN"));
  JADE_ASSIGN_OR_RETURN(auto remember, database.Prepare("INSERT OR IGNORE INTO seen VALUES (?) RETURNING 1"));
  nlohmann::json object;
  while (true) {
    if (cancel.load(std::memory_order_relaxed)) return Error(ErrorCode::kCancelled, "interrupted");
    JADE_ASSIGN_OR_RETURN(const bool more, reader.Next(&object));
    if (!more) break;
    JADE_ASSIGN_OR_RETURN(const std::string id, jsonl::TextField(reader, object, "id"));
    JADE_ASSIGN_OR_RETURN(const std::string title, jsonl::TextField(reader, object, "title"));
    JADE_ASSIGN_OR_RETURN(const std::string text, jsonl::TextField(reader, object, "text"));
    JADE_ASSIGN_OR_RETURN(const bool fresh, remember.Bind(1, id).Step());
    remember.Reset();
    if (!fresh) return reader.ErrorHere(fmt::format("id `{}` stands in the corpus twice", id));
    JADE_TRY(insert.Bind(1, title).Bind(2, text).Bind(3, id).Run());
    for (const std::string& field : {id, title, text}) filled->hash.Add(field);
    if (++filled->passages % kRowsPerTransaction == 0) JADE_TRY(database.Execute("COMMIT; BEGIN"));
    progress.Update(reader.bytes_read(), {});
  }
  return database.Execute("COMMIT");
}

Status Build(const std::string& corpus, const std::string& path, progress::Sink& progress,
             const std::atomic<bool>& cancel, uint64_t* count) {
  JADE_ASSIGN_OR_RETURN(auto reader, jsonl::Reader::Open(corpus, kMaxPassageBytes));
  JADE_ASSIGN_OR_RETURN(auto database, sqlite::Database::Open(path, sqlite::OpenMode::kCreate));
  JADE_TRY(Prepare(database));
  progress.Begin({.name = "indexing", .unit = "B", .total = reader.bytes_total()});
  Filled filled;
  Status status = Fill(database, reader, progress, cancel, &filled);
  progress.End();
  JADE_TRY(std::move(status));
  *count = filled.passages;
  if (*count == 0) return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` holds no passages", corpus));
  JADE_TRY(database.Execute("INSERT INTO passage (passage) VALUES ('optimize')"));
  JADE_ASSIGN_OR_RETURN(auto note, database.Prepare("INSERT INTO corpus VALUES (?, ?, ?)"));
  return note.Bind(1, std::filesystem::path(corpus).filename().string())
      .Bind(2, static_cast<int64_t>(*count))
      .Bind(3, filled.hash.Text())
      .Run();
}

struct Corpus {
  uint64_t passages = 0;
  std::string hash;
};

class FtsIndex final : public Index {
 public:
  struct Statements {
    sqlite::Statement search, titled, at_row;
  };
  FtsIndex(sqlite::Database database, Statements statements, Corpus corpus)
      : database_(std::move(database)), statements_(std::move(statements)), corpus_(std::move(corpus)) {}

  Result<std::vector<Passage>> Search(std::string_view query, int k) override {
    const std::string expression = MatchExpression(query);
    if (expression.empty() || k <= 0) return std::vector<Passage>{};
    return Rows(statements_.search.Bind(1, expression).Bind(2, static_cast<int64_t>(k)));
  }

  Result<std::vector<Passage>> WithTitle(std::string_view title) override {
    std::string phrase = "title : \"";  // one phrase of FTS5: quotes inside it are doubled
    for (const char c : title) phrase += c == '"' ? "\"\"" : std::string(1, c);
    return Rows(statements_.titled.Bind(1, phrase + '"').Bind(2, title));
  }

  Result<std::vector<Passage>> AtRows(std::span<const int64_t> rows) override {
    std::vector<Passage> found;
    found.reserve(rows.size());
    for (const int64_t row : rows) {
      JADE_ASSIGN_OR_RETURN(auto passage, Rows(statements_.at_row.Bind(1, row + 1)));
      if (passage.size() != 1) {
        return Error(ErrorCode::kCorrupt, fmt::format("the index holds no passage {} of {}", row, corpus_.passages));
      }
      found.push_back(std::move(passage.front()));
    }
    return found;
  }

  uint64_t passages() const override { return corpus_.passages; }
  const std::string& corpus_hash() const override { return corpus_.hash; }

 private:
  static Result<std::vector<Passage>> Rows(sqlite::Statement& statement) {
    std::vector<Passage> found;
    while (true) {
      auto row = statement.Step();
      if (!row.ok()) {
        statement.Reset();
        return std::move(row).error().Wrap("searching the index");
      }
      if (!*row) break;
      found.push_back({std::string(statement.Text(0)), std::string(statement.Text(1)), std::string(statement.Text(2)),
                       -statement.Float(3), statement.Int(4) - 1});
    }
    statement.Reset();
    return found;
  }

  sqlite::Database database_;
  Statements statements_;
  Corpus corpus_;
};

Result<Corpus> ReadCorpus(sqlite::Database& database, int64_t version) {
  JADE_ASSIGN_OR_RETURN(auto statement, database.Prepare(version >= 2 ? "SELECT passages, hash FROM corpus"
                                                                      : "SELECT passages, '' FROM corpus"));
  JADE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) {
    return Error(ErrorCode::kCorrupt, fmt::format("index `{}` is incomplete; rebuild it", database.path()));
  }
  return Corpus{static_cast<uint64_t>(statement.Int(0)), std::string(statement.Text(1))};
}

// Creates a folder and those above it; what it created goes again unless it is to be kept.
class NewFolders {
 public:
  explicit NewFolders(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code ec;
    for (auto at = folder_; !at.empty() && !std::filesystem::exists(at, ec); at = at.parent_path()) ++created_;
    if (created_ > 0) std::filesystem::create_directories(folder_, ec);
  }
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;
  ~NewFolders() {
    std::error_code ec;
    for (; created_ > 0; --created_, folder_ = folder_.parent_path()) std::filesystem::remove(folder_, ec);
  }
  void Keep() { created_ = 0; }

 private:
  std::filesystem::path folder_;
  int created_ = 0;
};

}  // namespace

Result<BuildSummary> BuildIndex(const std::string& corpus, const std::string& index_path, progress::Sink& progress,
                                const std::atomic<bool>& cancel) {
  std::error_code ec;
  NewFolders folders(std::filesystem::path(index_path).parent_path());
  TemporaryFile temporary(index_path);
  BuildSummary summary;
  Status built = Build(corpus, temporary.path(), progress, cancel, &summary.passages);
  if (!built.ok()) return std::move(built).error().Wrap(fmt::format("building index `{}`", index_path));
  Status committed = temporary.Commit();
  if (!committed.ok()) return std::move(committed).error().Wrap(fmt::format("building index `{}`", index_path));
  folders.Keep();
  summary.bytes = std::filesystem::file_size(index_path, ec);
  return summary;
}

Result<std::unique_ptr<Index>> Index::Open(const std::string& path) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) {
    return Error(ErrorCode::kNotFound,
                 fmt::format("no index at `{}`; build one with `jade index build CORPUS.jsonl -o {}`", path, path));
  }
  JADE_ASSIGN_OR_RETURN(auto database, sqlite::Database::Open(path, sqlite::OpenMode::kReadOnly));
  JADE_ASSIGN_OR_RETURN(const int64_t application, database.Pragma("application_id"));
  if (application != kApplicationId) {
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is not an index that JADE built", path));
  }
  JADE_ASSIGN_OR_RETURN(const int64_t version, database.Pragma("user_version"));
  if (version > kSchemaVersion) {
    return Error(ErrorCode::kVersion,
                 fmt::format("index `{}` has version {}, this JADE reads up to {}; rebuild it with "
                             "`jade index build`",
                             path, version, kSchemaVersion));
  }
  JADE_ASSIGN_OR_RETURN(auto corpus, ReadCorpus(database, version));
  FtsIndex::Statements statements;
  JADE_ASSIGN_OR_RETURN(statements.search,
                        database.Prepare("SELECT id, title, text, bm25(passage, 2.0, 1.0) AS score, rowid FROM passage "
                                         "WHERE passage MATCH ? ORDER BY score, rowid LIMIT ?"));
  JADE_ASSIGN_OR_RETURN(statements.titled, database.Prepare("SELECT id, title, text, bm25(passage), rowid FROM passage "
                                                            "WHERE passage MATCH ? AND title = ? ORDER BY rowid"));
  JADE_ASSIGN_OR_RETURN(statements.at_row,
                        database.Prepare("SELECT id, title, text, 0.0, rowid FROM passage WHERE rowid = ?"));
  return std::unique_ptr<Index>(new FtsIndex(std::move(database), std::move(statements), std::move(corpus)));
}

}  // namespace jade::retrieve
