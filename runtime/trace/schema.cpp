#include "runtime/trace/schema.h"

#include <array>

#include "runtime/trace/store.h"

namespace jade::trace {
namespace {

constexpr int64_t kApplicationId = 0x4A41'4445;  // "JADE"

constexpr char kFirstTables[] = R"sql(
CREATE TABLE run (
  id TEXT PRIMARY KEY,
  module_name TEXT NOT NULL, module_hash TEXT NOT NULL, workflow TEXT NOT NULL,
  inputs TEXT NOT NULL,             -- JSON
  backbone TEXT NOT NULL,
  seed INTEGER NOT NULL,            -- two's complement of the unsigned seed
  started_unix_us INTEGER NOT NULL, elapsed_us INTEGER NOT NULL,
  status TEXT NOT NULL,             -- done, trapped, cancelled, unfinished
  value TEXT NOT NULL,              -- JSON, empty when there is none
  trap TEXT NOT NULL,               -- JSON, empty when there is none
  reward REAL,                      -- the team's; NULL without gold answers
  gold TEXT NOT NULL,               -- JSON, empty when there is none
  turns INTEGER NOT NULL, retrievals INTEGER NOT NULL, calls INTEGER NOT NULL,
  tokens INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, depth INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX run_started ON run (started_unix_us);
CREATE TABLE call (
  run_id TEXT NOT NULL REFERENCES run (id), idx INTEGER NOT NULL,
  path TEXT NOT NULL, path_hash BLOB NOT NULL, parent_path TEXT NOT NULL,
  kind TEXT NOT NULL,               -- executor, planner, tool
  role TEXT NOT NULL,
  status TEXT NOT NULL, error TEXT NOT NULL,
  messages TEXT NOT NULL,           -- JSON [{"role","text"}]: the observation
  observation_ids BLOB NOT NULL,    -- int32, little-endian
  action TEXT NOT NULL,
  action_ids BLOB NOT NULL,         -- int32, little-endian
  log_probs BLOB NOT NULL,          -- float32, little-endian, one for each action token
  truncated INTEGER NOT NULL,
  validity TEXT NOT NULL, penalty REAL NOT NULL,
  value TEXT NOT NULL,              -- JSON
  plan TEXT NOT NULL, diagnostics TEXT NOT NULL, shared_with TEXT,
  issued_us INTEGER NOT NULL, started_us INTEGER NOT NULL, first_us INTEGER NOT NULL, finished_us INTEGER NOT NULL,
  PRIMARY KEY (run_id, idx)
) WITHOUT ROWID;
CREATE INDEX call_role ON call (role, validity);
)sql";

// The constraint a reply was decoded under, which runtime/constrain reads, and the weights that wrote it.
constexpr char kConstraintsAndPolicies[] = R"sql(
ALTER TABLE call ADD COLUMN decode_constraint TEXT NOT NULL DEFAULT '';  -- empty: the reply was free
ALTER TABLE call ADD COLUMN constraint_states BLOB NOT NULL DEFAULT x'';  -- uint32, little-endian, as action_ids
ALTER TABLE call ADD COLUMN policy TEXT NOT NULL DEFAULT '';  -- empty: the backbone's default
)sql";

// From each version to the next; an empty file is version 0.
constexpr std::array<const char*, kSchemaVersion> kSteps = {kFirstTables, kConstraintsAndPolicies};

// Inside a transaction: another process may have been first.
Status TakeSteps(sqlite::Database& database) {
  JADE_ASSIGN_OR_RETURN(const int64_t tables, database.Pragma("schema_version"));
  int64_t version = 0;
  if (tables > 0) {
    JADE_TRY(CheckVersion(database));
    JADE_ASSIGN_OR_RETURN(version, database.Pragma("user_version"));
  }
  for (; version < kSchemaVersion; ++version) JADE_TRY(database.Execute(kSteps[static_cast<size_t>(version)]));
  return database.Execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion));
}

}  // namespace

Status CheckVersion(sqlite::Database& database) {
  const auto application = database.Pragma("application_id");
  const bool foreign =
      application.ok() ? *application != kApplicationId : application.error().code() == ErrorCode::kCorrupt;
  if (foreign) {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("`{}` is not an experience store; choose another file with `--trace`", database.path()));
  }
  if (!application.ok()) return application.error();
  JADE_ASSIGN_OR_RETURN(const int64_t version, database.Pragma("user_version"));
  if (version > kSchemaVersion) {
    return Error(ErrorCode::kVersion,
                 fmt::format("`{}` was written by a newer JADE (schema {}, this one knows {}); update JADE or choose "
                             "another file with `--trace`",
                             database.path(), version, kSchemaVersion));
  }
  return {};
}

Status Migrate(sqlite::Database& database) {
  const auto tables = database.Pragma("schema_version");
  if (!tables.ok() || *tables > 0) {
    JADE_TRY(CheckVersion(database));
    JADE_ASSIGN_OR_RETURN(const int64_t version, database.Pragma("user_version"));
    if (version == kSchemaVersion) return {};
  }
  JADE_TRY(database.Execute("BEGIN IMMEDIATE"));
  Status taken = TakeSteps(database);
  if (taken.ok()) taken = database.Execute("COMMIT");
  if (!taken.ok()) (void)database.Execute("ROLLBACK");
  return taken;
}

}  // namespace jade::trace
