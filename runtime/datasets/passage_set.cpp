#include "runtime/datasets/passage_set.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <nlohmann/json.hpp>

namespace jade::datasets {
namespace {

constexpr size_t kMaxLineBytes = 1ULL << 20U;  // as long as a passage of `jade index build` may be

}  // namespace

Result<PassageSet> PassageSet::Create(const std::string& path, const std::string& prefix) {
  JADE_ASSIGN_OR_RETURN(auto file, files::AtomicFile::Create(path));
  return PassageSet(std::move(file), prefix);
}

Status PassageSet::Add(const Passage& passage) {
  if (passage.text.empty()) return {};
  // The title's length keeps `ab` + `c` apart from `a` + `bc`.
  const std::string joined = fmt::format("{}:{}{}", passage.title.size(), passage.title, passage.text);
  const XXH128_hash_t hash = XXH3_128bits(joined.data(), joined.size());
  const uint64_t number = seen_.size();
  if (!seen_.insert({hash.high64, hash.low64}).second) {
    ++repeated_;
    return {};
  }
  const nlohmann::ordered_json row{
      {"id", fmt::format("{}-{:06}", prefix_, number)}, {"title", passage.title}, {"text", passage.text}};
  const std::string line = row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (line.size() > kMaxLineBytes) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the passage `{}` is longer than {} bytes", passage.title.substr(0, 60), kMaxLineBytes));
  }
  return file_.Write(line);
}

}  // namespace jade::datasets
