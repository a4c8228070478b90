#pragma once
// Questions that the passages of one context answer, one look-up, check or comparison each: a context is dear to read
// and cheap to ask, so a demonstration asks it several times.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/contexts.h"
#include "runtime/data/scene.h"

namespace jade::data {

struct FollowUp {
  std::string text;
  std::string answer;
  std::vector<PassageId> support;  // all among the passages shown
};

// What is asked for: a bit of everything, or mostly what must be looked up and then judged.
enum class Focus { kAll, kJudgements };

// At most `count` questions over `docs`, each text once and none of them `asked`: look-ups, checks, bridges, and
// comparisons between the subjects shown. Fewer where the passages say little.
std::vector<FollowUp> FollowUps(const Scene& scene, Rng& rng, const Docs& docs, std::string_view asked, size_t count,
                                Focus focus = Focus::kAll);

}  // namespace jade::data
