#include "runtime/data/questions.h"

#include <algorithm>
#include <array>

#include "runtime/data/phrases.h"

namespace jade::data {
namespace {

constexpr size_t kTop = 5;

std::string FirstForm(Relation relation, std::string_view subject) {
  return Fill(QuestionForms(relation)[0], subject);
}

void AddSupport(Question& question, PassageId passage) {
  if (std::find(question.support.begin(), question.support.end(), passage) == question.support.end()) {
    question.support.push_back(passage);
  }
}

// A step that asks one relation of one entity by its name.
Step DirectStep(const World& world, const Library& library, EntityId subject, Relation relation) {
  std::string asked = FirstForm(relation, world.At(subject).Phrase());
  return {asked, asked, JoinValues(world.At(subject).Find(relation)->values), library.Stating(subject, relation)};
}

bool SameValues(const Fact& a, const Fact& b) {
  return a.values == b.values;
}

}  // namespace

std::string_view QuestionTypeName(QuestionType type) {
  static constexpr std::array<std::string_view, 4> kNames = {"single", "bridge", "comparison", "yes_no"};
  return kNames[static_cast<size_t>(type)];
}

Asker::Asker(const World& world, const Library& library, std::optional<Split> among)
    : world_(world), library_(library), among_(among), by_kind_(kKindCount) {
  for (size_t i = 0; i < world.entities.size(); ++i) {
    auto id = static_cast<EntityId>(i);
    if (Allowed(id)) by_kind_[static_cast<size_t>(world.At(id).kind)].push_back(id);
  }
}

bool Asker::Askable(EntityId subject, Relation relation) const {
  const Fact* fact = world_.At(subject).Find(relation);
  if (fact == nullptr || library_.Stating(subject, relation) < 0) return false;
  if (relation == Relation::kLanguages && fact->values.size() != 1) return false;
  return fact->object == kNoEntity || Allowed(fact->object);
}

std::optional<Question> Asker::Single(EntityId subject, Relation relation, Rng& rng) const {
  if (!Askable(subject, relation)) return std::nullopt;
  const Entity& entity = world_.At(subject);
  const Fact& fact = *entity.Find(relation);
  Question question;
  question.type = QuestionType::kSingle;
  question.text = Fill(rng.Pick(QuestionForms(relation)), entity.Phrase());
  question.rewritten = Fill(NounForms(relation)[0], entity.Phrase());
  question.answers = fact.values;
  question.entities = {subject};
  if (fact.object != kNoEntity) question.entities.push_back(fact.object);
  question.steps = {DirectStep(world_, library_, subject, relation)};
  question.support = {question.steps[0].passage};
  return question;
}

std::optional<Question> Asker::Path(EntityId subject, std::span<const Relation> relations, Rng& rng) const {
  Question question;
  question.type = QuestionType::kBridge;
  question.hops = static_cast<int>(relations.size());
  std::string phrase = world_.At(subject).Phrase();
  EntityId at = subject;
  for (size_t i = 0; i < relations.size(); ++i) {
    Relation relation = relations[i];
    if (at == kNoEntity || !Askable(at, relation)) return std::nullopt;
    const Entity& entity = world_.At(at);
    const Fact& fact = *entity.Find(relation);
    std::string asked = FirstForm(relation, i == 0 ? entity.Phrase() : std::string(ThatPhrase(entity.kind)));
    question.steps.push_back(
        {asked, Fill(NounForms(relation)[0], entity.Phrase()), fact.values[0], library_.Stating(at, relation)});
    question.entities.push_back(at);
    AddSupport(question, question.steps.back().passage);
    if (i + 1 == relations.size()) {
      question.text = Fill(rng.Pick(QuestionForms(relation)), phrase);
      question.rewritten = Fill(NounForms(relation)[0], phrase);
      question.answers = fact.values;
      if (fact.object != kNoEntity) question.entities.push_back(fact.object);
    } else {
      phrase = Fill(rng.Pick(NounForms(relation)), phrase);
    }
    at = fact.object;
  }
  return question;
}

std::optional<Question> Asker::Comparison(EntityId a, EntityId b, size_t form, Rng& rng) const {
  const ComparisonForm& shape = ComparisonForms()[form];
  if (a == b || !Askable(a, shape.relation) || !Askable(b, shape.relation)) return std::nullopt;
  int left = std::stoi(world_.At(a).Find(shape.relation)->values[0]);
  int right = std::stoi(world_.At(b).Find(shape.relation)->values[0]);
  if (left == right) return std::nullopt;
  if (rng.Chance(0.5)) {
    std::swap(a, b);
    std::swap(left, right);
  }
  Question question;
  question.type = QuestionType::kComparison;
  question.hops = 2;
  question.parallel = true;
  question.text = FillTwo(shape.question, world_.At(a).Phrase(), world_.At(b).Phrase());
  question.rewritten = Fill(NounForms(shape.relation)[0], world_.At(a).Phrase() + " and " + world_.At(b).Phrase());
  question.answers = {world_.At((left > right) == shape.larger ? a : b).name};
  question.entities = {a, b};
  question.steps = {DirectStep(world_, library_, a, shape.relation), DirectStep(world_, library_, b, shape.relation)};
  for (const Step& step : question.steps) AddSupport(question, step.passage);
  return question;
}

std::optional<Question> Asker::Agreement(EntityId a, EntityId b, size_t form, Rng&) const {
  const AgreementForm& shape = AgreementForms()[form];
  if (a == b || !Askable(a, shape.relation) || !Askable(b, shape.relation)) return std::nullopt;
  const Fact& left = *world_.At(a).Find(shape.relation);
  const Fact& right = *world_.At(b).Find(shape.relation);
  Question question;
  question.type = QuestionType::kYesNo;
  question.hops = 2;
  question.parallel = true;
  question.text = FillTwo(shape.question, world_.At(a).Phrase(), world_.At(b).Phrase());
  question.rewritten = Fill(NounForms(shape.relation)[0], world_.At(a).Phrase() + " and " + world_.At(b).Phrase());
  question.answers = {SameValues(left, right) ? "yes" : "no"};
  question.entities = {a, b};
  for (const Fact* fact : {&left, &right}) {
    if (fact->object != kNoEntity) question.entities.push_back(fact->object);
  }
  question.steps = {DirectStep(world_, library_, a, shape.relation), DirectStep(world_, library_, b, shape.relation)};
  for (const Step& step : question.steps) AddSupport(question, step.passage);
  return question;
}

std::optional<Question> Asker::Check(EntityId subject, size_t form, bool right, Rng& rng) const {
  const CheckForm& shape = CheckForms()[form];
  const Fact* fact = world_.At(subject).Find(shape.relation);
  PassageId passage = library_.Stating(subject, shape.relation);
  if (fact == nullptr || passage < 0) return std::nullopt;
  if (fact->object != kNoEntity && !Allowed(fact->object)) return std::nullopt;
  const Fact* said = fact;
  if (!right) {
    // The wrong value belongs to another entity of the kind: a near miss, never a made-up one.
    const Fact* other = world_.At(rng.Pick(OfKind(shape.kind))).Find(shape.relation);
    if (other == nullptr || (other->object != kNoEntity && !Allowed(other->object))) return std::nullopt;
    for (const std::string& value : other->values) {
      if (std::find(fact->values.begin(), fact->values.end(), value) != fact->values.end()) return std::nullopt;
    }
    said = other;
  }
  std::string value = said->object != kNoEntity ? world_.At(said->object).Phrase() : rng.Pick(said->values);
  Question question;
  question.type = QuestionType::kYesNo;
  question.text = FillTwo(shape.question, world_.At(subject).Phrase(), value);
  question.rewritten = Fill(NounForms(shape.relation)[0], world_.At(subject).Phrase()) + ", " + value;
  question.answers = {right ? "yes" : "no"};
  question.entities = {subject};
  if (said->object != kNoEntity) question.entities.push_back(said->object);
  if (fact->object != kNoEntity && !right) question.entities.push_back(fact->object);
  question.steps = {{question.text, question.text, question.answers[0], passage}};
  question.support = {passage};
  return question;
}

void Asker::Extend(EntityId at, size_t length, std::vector<Relation>& path,
                   std::vector<std::vector<Relation>>& out) const {
  for (const Fact& fact : world_.At(at).facts) {
    if (!Askable(at, fact.relation)) continue;
    // The capital of the country of a capital leads back to where the path began.
    bool back = fact.relation == Relation::kCapital && !path.empty() && path.back() == Relation::kInCountry;
    if (back) continue;
    path.push_back(fact.relation);
    if (path.size() == length) {
      out.push_back(path);
    } else if (fact.object != kNoEntity && fact.relation != Relation::kCapital) {
      Extend(fact.object, length, path, out);
    }
    path.pop_back();
  }
}

std::vector<std::vector<Relation>> Asker::Paths(EntityId subject, size_t length) const {
  std::vector<std::vector<Relation>> out;
  std::vector<Relation> path;
  Extend(subject, length, path, out);
  return out;
}

namespace {

constexpr int kAttempts = 40;

EntityId RandomSubject(const Asker& asker, Rng& rng) {
  while (true) {
    const auto& ids = asker.OfKind(static_cast<Kind>(rng.Below(kKindCount)));
    if (!ids.empty()) return rng.Pick(ids);
  }
}

std::optional<Question> RandomPair(const Asker& asker, bool comparison, Rng& rng) {
  size_t form = rng.Below(comparison ? ComparisonForms().size() : AgreementForms().size());
  Kind kind = comparison ? ComparisonForms()[form].kind : AgreementForms()[form].kind;
  const auto& ids = asker.OfKind(kind);
  if (ids.size() < 2) return std::nullopt;
  bool wanted = rng.Chance(0.5);
  for (int i = 0; i < kAttempts; ++i) {
    auto question = comparison ? asker.Comparison(rng.Pick(ids), rng.Pick(ids), form, rng)
                               : asker.Agreement(rng.Pick(ids), rng.Pick(ids), form, rng);
    if (question && (comparison || (question->answers[0] == "yes") == wanted)) return question;
  }
  return std::nullopt;
}

std::optional<Question> RandomCheck(const Asker& asker, Rng& rng) {
  size_t form = rng.Below(CheckForms().size());
  const auto& ids = asker.OfKind(CheckForms()[form].kind);
  if (ids.empty()) return std::nullopt;
  return asker.Check(rng.Pick(ids), form, rng.Chance(0.5), rng);
}

std::optional<Question> RandomPath(const Asker& asker, size_t length, Rng& rng) {
  EntityId subject = RandomSubject(asker, rng);
  auto paths = asker.Paths(subject, length);
  if (paths.empty()) return std::nullopt;
  const auto& path = rng.Pick(paths);
  return length == 1 ? asker.Single(subject, path[0], rng) : asker.Path(subject, path, rng);
}

}  // namespace

std::optional<Question> AskAtRandom(const Asker& asker, Rng& rng) {
  for (int i = 0; i < kAttempts; ++i) {
    size_t draw = rng.Below(100);
    std::optional<Question> question;
    if (draw < 40) {
      question = RandomPath(asker, 1, rng);
    } else if (draw < 58) {
      question = RandomPath(asker, 2, rng);
    } else if (draw < 72) {
      question = RandomPath(asker, 3, rng);
    } else if (draw < 84) {
      question = RandomPair(asker, true, rng);
    } else if (draw < 93) {
      question = RandomPair(asker, false, rng);
    } else {
      question = RandomCheck(asker, rng);
    }
    if (question) return question;
  }
  return std::nullopt;
}

PlanChoice ChoosePlans(const Question& question, bool found_together) {
  PlanChoice choice;
  if (question.steps.size() == 1 && question.type == QuestionType::kYesNo) {
    choice.full = "R,DS,AG";  // a rewritten query would lose what is asked
    choice.good = {"R,AG", "R,DS,AG"};
  } else if (question.steps.size() == 1) {
    choice.full = "QR,R,DS,AG";
    choice.good = {"R,AG", "R,DS,AG", "QR,R,AG", "QR,R,DS,AG"};
  } else {
    choice.full = question.parallel ? "QDP" : "QDS";
    if (found_together) choice.good = {"R,AG", "R,DS,AG"};
    choice.good.push_back(choice.full);
  }
  choice.cheapest = choice.good.front();
  return choice;
}

bool FoundTogether(const Question& question, const Lookup& lookup) {
  std::vector<PassageId> found = lookup.Search(question.text, kTop);
  return std::all_of(question.support.begin(), question.support.end(),
                     [&](PassageId passage) { return std::find(found.begin(), found.end(), passage) != found.end(); });
}

}  // namespace jade::data
