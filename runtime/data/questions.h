#pragma once
// Questions over a world, each with gold answers, the passages that support it, its decomposition, and which plans
// answer it well. Deterministic by world and random stream.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/lookup.h"
#include "runtime/data/passages.h"
#include "runtime/data/rng.h"
#include "runtime/data/world.h"

namespace jade::data {

enum class QuestionType : uint8_t { kSingle, kBridge, kComparison, kYesNo };
std::string_view QuestionTypeName(QuestionType type);

// One step of a decomposition, as the decomposer writes it and as it goes to the retriever: a step that depends on
// others, or comes first of such, is rewritten as a short query; the steps of a comparison stay as they are.
struct Step {
  std::string asked;     // "What is the capital of that country?"
  std::string resolved;  // "the capital of Norway"
  std::string answer;    // "Oslo"
  PassageId passage;     // states the answer
};

struct Question {
  std::string text;
  std::string rewritten;             // the same asked otherwise, for the rewriter
  std::vector<std::string> answers;  // the first is the one to reply
  QuestionType type;
  int hops = 1;
  bool parallel = false;  // the steps do not depend on each other
  std::vector<Step> steps;
  std::vector<EntityId> entities;  // every entity the question or its steps touch
  std::vector<PassageId> support;  // distinct passages of the steps, in order
};

class Asker {
 public:
  // All outlive the asker; `among` limits subjects to entities of one split.
  Asker(const World& world, const Library& library, std::optional<Split> among);

  // Each gives nullopt when the world cannot ask it, e.g. a relation that `subject` lacks.
  std::optional<Question> Single(EntityId subject, Relation relation, Rng& rng) const;
  std::optional<Question> Path(EntityId subject, std::span<const Relation> relations, Rng& rng) const;
  std::optional<Question> Comparison(EntityId a, EntityId b, size_t form, Rng& rng) const;
  std::optional<Question> Agreement(EntityId a, EntityId b, size_t form, Rng& rng) const;
  // `right`: ask about the true value (answer yes), else about a value that another entity has (answer no).
  std::optional<Question> Check(EntityId subject, size_t form, bool right, Rng& rng) const;

  // Chains of `length` relations that start at `subject` and end in a value not asked backwards.
  std::vector<std::vector<Relation>> Paths(EntityId subject, size_t length) const;

  const World& world() const { return world_; }
  const Library& library() const { return library_; }
  const std::vector<EntityId>& OfKind(Kind kind) const { return by_kind_[static_cast<size_t>(kind)]; }

 private:
  bool Askable(EntityId subject, Relation relation) const;
  bool Allowed(EntityId id) const { return !among_ || world_.At(id).split == *among_; }
  void Extend(EntityId at, size_t length, std::vector<Relation>& path, std::vector<std::vector<Relation>>& out) const;

  const World& world_;
  const Library& library_;
  std::optional<Split> among_;
  std::vector<std::vector<EntityId>> by_kind_;
};

// A question of random type: mostly single hops, then bridges, comparisons, yes/no (the mix of the demonstrations).
std::optional<Question> AskAtRandom(const Asker& asker, Rng& rng);

// Which plans answer the question well: with `found_together` one retrieval by the question itself finds all evidence.
struct PlanChoice {
  std::string full;               // "R,AG", "QDS" or "QDP": always works
  std::string cheapest;           // the least turns and retrievals that are as good
  std::vector<std::string> good;  // all of them, cheapest first
};
PlanChoice ChoosePlans(const Question& question, bool found_together);

// Whether the top five for the question's own words hold all its support.
bool FoundTogether(const Question& question, const Lookup& lookup);

}  // namespace jade::data
