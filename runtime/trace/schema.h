#pragma once
// The tables of the experience store and their migrations. Private to runtime/trace.

#include "compiler/result/result.h"
#include "runtime/sqlite/sqlite.h"

namespace jade::trace {

// Brings an empty or older database to kSchemaVersion; refuses a newer one and files that are no store.
Status Migrate(sqlite::Database& database);
// Checks without writing.
Status CheckVersion(sqlite::Database& database);

}  // namespace jade::trace
