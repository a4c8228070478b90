#pragma once
// A world made ready for asking: its passages, the lookup over them and a stock of questions. Fixed in memory, since
// its parts point at each other. Read-only after construction.

#include <memory>
#include <optional>
#include <vector>

#include "runtime/data/lookup.h"
#include "runtime/data/questions.h"

namespace jade::data {

class Scene {
 public:
  // `split`: ask only about its entities, and, for training, show only passages about its entities.
  Scene(World world, uint64_t passage_seed, std::optional<Split> split, size_t questions, uint64_t seed);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  const Library& library() const { return library_; }
  const Lookup& lookup() const { return lookup_; }
  const World& world() const { return world_; }
  const Asker& asker() const { return asker_; }

  // The stock by shape. Empty when the world cannot ask any.
  const std::vector<Question>& singles() const { return singles_; }
  const std::vector<Question>& serials() const { return serials_; }
  const std::vector<Question>& parallels() const { return parallels_; }

 private:
  World world_;
  Library library_;
  Lookup lookup_;
  Asker asker_;
  std::vector<Question> singles_, serials_, parallels_;
};

}  // namespace jade::data
