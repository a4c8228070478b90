#pragma once
// Where files live: what ships with JADE (models/nano, data/atlas, stdlib sources), and the user's cache.

#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"

namespace jade::assets {

// Finds a shipped file or folder, e.g. "models/nano". Looked for in $JADE_DATA, then beside the program
// (<program>/../share/jade), then in the source tree it was built from. Fails with kNotFound and the places tried.
Result<std::string> FindShipped(const std::string& relative);

// The folders FindShipped looks in, in order.
std::vector<std::string> ShippedFolders();

// $XDG_CACHE_HOME/jade or ~/.cache/jade; not created. Fails with kUnavailable when neither
// variable is an absolute path.
Result<std::string> CacheFolder();

// A model as the user names it: a path when one exists there, a shipped model ("nano" for models/nano), or one fetched
// by `jade pull` into the cache. Fails with kNotFound and says which of these were tried.
Result<std::string> FindModel(const std::string& name);

}  // namespace jade::assets
