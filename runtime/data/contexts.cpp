#include "runtime/data/contexts.h"

#include <algorithm>

namespace jade::data {
namespace {

constexpr size_t kRetrieved = 12;  // passages looked at to fill a context
constexpr double kShuffled = 0.4;  // share of contexts whose order says nothing

bool Holds(const std::vector<PassageId>& ids, PassageId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Docs Passages(const Scene& scene, const std::vector<PassageId>& ids) {
  Docs docs;
  for (PassageId id : ids) docs.push_back(&scene.library().At(id));
  return docs;
}

Docs WithEvidence(const Scene& scene, Rng& rng, std::string_view query, const std::vector<PassageId>& support,
                  size_t size) {
  std::vector<PassageId> chosen;
  size_t others = size > support.size() ? size - support.size() : 0;
  for (PassageId id : scene.lookup().Search(query, kRetrieved)) {
    if (Holds(support, id)) {
      chosen.push_back(id);
    } else if (others > 0) {
      chosen.push_back(id);
      --others;
    }
  }
  for (PassageId id : support) {
    if (Holds(chosen, id)) continue;
    chosen.insert(chosen.begin() + static_cast<std::ptrdiff_t>(rng.Below(chosen.size() + 1)), id);
  }
  if (rng.Chance(kShuffled)) rng.Shuffle(chosen);
  return Passages(scene, chosen);
}

Docs WithoutAnswer(const Scene& scene, std::string_view query, const std::vector<PassageId>& support,
                   std::string_view answer, size_t size) {
  std::vector<PassageId> chosen;
  for (PassageId id : scene.lookup().Search(query, kRetrieved + support.size())) {
    bool says = scene.library().At(id).text.find(answer) != std::string::npos;
    if (!says && !Holds(support, id) && chosen.size() < size) chosen.push_back(id);
  }
  return Passages(scene, chosen);
}

}  // namespace jade::data
